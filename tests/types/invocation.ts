import { type InvocationScopeOptions, withInvocationScope, withTelemetry } from "isotel";
import { expectTrue, type Same } from "./expect.ts";

// A scope returns what its body returns.
const text = withInvocationScope(() => "text");
expectTrue<Same<typeof text, string>>();
const later = withInvocationScope(async () => 1, { detached: true });
expectTrue<Same<typeof later, Promise<number>>>();
const options: InvocationScopeOptions = { detached: false };
withInvocationScope(() => {}, options);
// @ts-expect-error there has to be a body
withInvocationScope();
// @ts-expect-error it is a flag
withInvocationScope(() => {}, { detached: "yes" });
// @ts-expect-error there is no such option
withInvocationScope(() => {}, { detach: true });

// Handlers and classes keep their types.
interface Env {
  readonly KEY: string;
}
const handler = {
  async fetch(_request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    context.waitUntil(Promise.resolve());
    return new Response(env.KEY);
  },
} satisfies ExportedHandler<Env>;
const wrapped = withTelemetry(handler);
expectTrue<Same<typeof wrapped, typeof handler>>();
wrapped satisfies ExportedHandler<Env>;

class Counter {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
  alarm(): number {
    return this.name.length;
  }
}
const Wrapped = withTelemetry(Counter);
expectTrue<Same<typeof Wrapped, typeof Counter>>();
expectTrue<Same<ReturnType<InstanceType<typeof Wrapped>["alarm"]>, number>>();
// @ts-expect-error arguments of the constructor are still checked
new Wrapped(1);
// @ts-expect-error a text has no handlers
withTelemetry("handler");
// @ts-expect-error undefined has no handlers
withTelemetry(undefined);
