import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { wrapNamespace } from "../../../bindings/ai/sdk/wrap.ts";
import { noopRuntime } from "../../../bindings/trace/span_runtime.ts";
import { sdks } from "../support/ai_sdk.ts";
import { recording, tracingOver } from "../support/tracing.ts";

// All that may be read of the parameters of a call nobody traces: what the name of its span is made of, and
// whether it is wanted at all.
const readable = new Set<PropertyKey>([
  "telemetry",
  "experimental_telemetry",
  "runtimeContext",
  "experimental_context",
  Symbol.for("cloudflare.agents.ai-sdk.invocation-bounded"),
]);

/** A proxy that notes every trap but reads of what may be read. */
function watched(target: object, mayRead: ReadonlySet<PropertyKey>, touched: string[]): object {
  const note = (trap: string) => (_target: object, key?: unknown) => {
    touched.push(`${trap} ${String(key)}`);
    return Reflect.get(Reflect, trap);
  };
  const handler = Object.fromEntries(
    Reflect.ownKeys(Reflect)
      .filter((key) => typeof key === "string" && key !== "get")
      .map((trap) => [trap, note(String(trap))]),
  ) as ProxyHandler<object>;
  return new Proxy(target, {
    ...handler,
    get(_target, key, receiver) {
      if (!mayRead.has(key)) touched.push(`get ${String(key)}`);
      return Reflect.get(target, key, receiver) as unknown;
    },
  });
}

const nothing = new Set<PropertyKey>();

for (const sdk of sdks) {
  for (const name of ["generateText", "streamText"] as const) {
    const variants = {
      "in a runtime without tracing": () => tracingOver(noopRuntime).telemetry,
      "in a runtime whose spans are not traced": () => recording({ traced: false }).telemetry,
      "without a core": () =>
        tracingOver(recording({ traced: false }).runtime, () => {
          throw new Error("no module");
        }).telemetry,
    };
    for (const [where, telemetryOf] of Object.entries(variants)) {
      describe(`${name} of ai ${sdk.name} ${where}`, () => {
        const call = (params: object, ...rest: unknown[]) => {
          const seen: { args: unknown[]; self: unknown }[] = [];
          const result = { a: "result" };
          const original = function (this: unknown, ...args: unknown[]) {
            seen.push({ args, self: this });
            return result;
          };
          const namespace = { ...sdk.namespace, [name]: original };
          const functions = wrapNamespace(telemetryOf(), namespace, undefined) as unknown as Record<
            string,
            (...args: unknown[]) => unknown
          >;
          const returned = functions[name]?.(params, ...rest);
          return { seen, result, returned, namespace };
        };

        test("the original gets the original arguments and its result is returned", () => {
          const params = Object.freeze({ prompt: "p", tools: Object.freeze({}) });
          const { seen, result, returned, namespace } = call(params, "second");
          assert.equal(seen.length, 1);
          assert.equal(seen[0]?.args[0], params);
          assert.deepEqual(seen[0]?.args, [params, "second"]);
          assert.equal(seen[0]?.self, namespace);
          assert.equal(returned, result);
        });

        test("of the parameters only the agent's name is read, and nothing inside of them", () => {
          const touched: string[] = [];
          const inner = () => watched({}, nothing, touched);
          const params = watched(
            {
              model: inner(),
              tools: inner(),
              messages: inner(),
              prompt: inner(),
              abortSignal: inner(),
              stopWhen: inner(),
              output: inner(),
              prepareStep: inner(),
              telemetry: watched(
                {
                  metadata: watched({}, new Set(["agentName", "gen_ai.agent.name"]), touched),
                  functionId: "function",
                  integrations: inner(),
                },
                new Set(["isEnabled", "metadata", "functionId", "includeRuntimeContext"]),
                touched,
              ),
              runtimeContext: watched({}, new Set(["agentName", "gen_ai.agent.name"]), touched),
            },
            readable,
            touched,
          );
          const { seen } = call(params);
          assert.equal(seen[0]?.args[0], params);
          assert.deepEqual(touched, []);
        });

        test("parameters that are none are passed on", () => {
          for (const params of [undefined, null, 1, "text", Symbol("s"), () => {}]) {
            const { seen } = call(params as never);
            assert.deepEqual(seen[0]?.args, [params]);
          }
        });

        test("an original that throws throws the same", () => {
          const cause = new Error("the SDK's own");
          const namespace = {
            ...sdk.namespace,
            [name]() {
              throw cause;
            },
          };
          const functions = wrapNamespace(telemetryOf(), namespace, undefined);
          assert.throws(
            () => functions[name]({}),
            (thrown) => thrown === cause,
          );
        });
      });
    }
  }
}

describe("the watching proxy of these tests", () => {
  test("it notes what the traced path does with parameters", () => {
    const touched: string[] = [];
    const params = watched({ model: {} }, readable, touched);
    const [sdk] = sdks;
    assert.ok(sdk !== undefined);
    const namespace = { ...sdk.namespace, generateText: (_params: object) => ({}) };
    wrapNamespace(recording().telemetry, namespace, undefined).generateText(params);
    assert.ok(touched.includes("get model"), touched.join());
  });
});
