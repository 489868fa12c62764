// Prints which rejections the process was told of as unhandled, by how the promise was wrapped.
import { withInvocationScope } from "../../../bindings/trace/invocation_scope.ts";
import { recording } from "./tracing.ts";

const { tracer } = recording();
const wrappings: Record<string, (body: () => Promise<void>) => Promise<void>> = {
  direct: (body) => body(),
  traced: (body) => tracer.withSpan("work", {}, body),
  scoped: (body) => withInvocationScope(body),
  "traced and scoped": (body) => withInvocationScope(() => tracer.withSpan("work", {}, body)),
};

const seen: Record<string, string[]> = {};
let current: string[] = [];
process.on("unhandledRejection", (cause) => current.push(String(cause)));

const reject = async (text: string) => {
  await null;
  throw text;
};
const turn = () => new Promise((resolve) => setTimeout(resolve, 10));

for (const [name, wrap] of Object.entries(wrappings)) {
  current = [];
  seen[name] = current;
  void wrap(() => reject("unhandled"));
  wrap(() => reject("handled")).catch(() => {});
  await turn();
}
console.log(JSON.stringify(seen));
