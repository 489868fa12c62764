import { otlpInvocations } from "../slots/otlp_invocations.ts";
import { runInInvocationScope } from "../trace/invocation_scope.ts";
import { tracer } from "../trace/workers_telemetry.ts";

/** Marks a replacement, in every version of this package. */
const mark = Symbol.for("isotel.steps");

type Callback = (...args: unknown[]) => unknown;

/**
 * Returns a replacement for the `step` of a Workflow. Each attempt of a step has a span, which belongs to the current
 * invocation: the runtime calls the step back without its context.
 */
export function tracedSteps(step: unknown): unknown {
  if ((typeof step !== "object" && typeof step !== "function") || step === null) return step;
  if (Reflect.get(step, mark) === true) return step;
  const resume = otlpInvocations()?.continuation() ?? ((body) => body());
  return new Proxy(step, {
    get(target, key) {
      if (key === mark) return true;
      const method: unknown = Reflect.get(target, key, target);
      if (typeof method !== "function") return method;
      return (...args: unknown[]): unknown =>
        Reflect.apply(method, target, key === "do" ? args.map(traced) : args);
    },
  });

  /** Wraps the callback among the arguments of `do`: the name, optional settings, the callback, and options. */
  function traced(argument: unknown, _index: number, [name]: readonly unknown[]): unknown {
    if (typeof argument !== "function") return argument;
    return (...args: unknown[]) => {
      const { attempt } = (args[0] ?? {}) as { readonly attempt?: unknown };
      const attributes = {
        "cloudflare.workflow.step.name": String(name),
        "cloudflare.workflow.step.attempt": typeof attempt === "number" ? attempt : undefined,
      };
      return resume(() =>
        runInInvocationScope(undefined, () =>
          tracer.withSpan(`step ${name}`, attributes, () => (argument as Callback)(...args)),
        ),
      );
    };
  }
}
