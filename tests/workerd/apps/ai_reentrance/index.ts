// Calls of the AI SDK whose hooks call the library, one function at a time.
import { AsyncLocalStorage } from "node:async_hooks";
import * as aiV7 from "ai";
import * as aiV6 from "ai-v6";
import { tracer, withInvocationScope } from "isotel";
import { wrapAISDK } from "isotel/ai";
import { counter, defineMetrics } from "isotel/metrics";
import { emitLog } from "isotel/otlp";
import { type Route, routes } from "../../harness/routes.ts";
import type { Major } from "../ai_functions/outcomes.ts";
import { run } from "../ai_functions/run.ts";
import { type Namespace, subjects } from "../ai_functions/subjects.ts";

const metrics = defineMetrics({ calls: counter("reentrant_calls", { labels: ["from"] }) });
const reentrance = new AsyncLocalStorage<true>();

/** Where hooks were called in the run that is under way, and what one of them does. */
let points: string[] = [];
let target = -1;
let action: () => unknown = () => {};
let pending: unknown;

function reach(what: string): void {
  if (reentrance.getStore() === true) return;
  points.push(what);
  if (points.length - 1 !== target) return;
  reentrance.run(true, () => {
    try {
      pending = tracer.withSpan("reentrant", {}, () => action());
    } catch {
      // User code that catches its own errors.
    }
  });
}

const options = {
  storeMessages: true,
  storeTools: true,
  redact(key: string, value: string) {
    reach(`redact ${key}`);
    return value.replaceAll("-1", "-masked").replaceAll("tester", "masked");
  },
  enrich({ operation }: { operation: string }) {
    reach(`enrich ${operation}`);
    return { "app.note": "tester-1" };
  },
};
const wrapped: Readonly<Record<Major, Namespace>> = {
  v6: wrapAISDK(aiV6 as unknown as Namespace, { ...options, semconv: "agents" }),
  v7: wrapAISDK(aiV7 as unknown as Namespace, { ...options, semconv: "latest" }),
};

function subjectNamed(name: string) {
  const subject = subjects.find((known) => known.name === name);
  if (subject === undefined) throw new Error(`no such function: ${name}`);
  return subject;
}

const called = (major: Major, name: string) => () =>
  run(wrapped[major], subjectNamed(name), major, "success");

const actionsOf = (major: Major): readonly (() => unknown)[] => [
  () => {
    throw new Error("no");
  },
  () => tracer.openSpan("inner", { list: ["a"] }, (span) => span.fail(new TypeError("no"))),
  () => withInvocationScope(() => tracer.openSpan("inner", {}, () => {}), { detached: true }),
  () => {
    metrics.calls.add(1, { from: "hook" });
    emitLog({ body: "from a hook", attributes: { a: 1 } });
    tracer.diagnostics();
  },
  called(major, "generateText"),
  called(major, "streamText"),
  called(major, "embed"),
];

async function runOnce(name: string, major: Major, subject: string): Promise<unknown> {
  points = [];
  pending = undefined;
  const report = await tracer.withSpan(name, {}, called(major, subject));
  await Promise.allSettled([pending]);
  return report;
}

/** A run alone, and then one for each time a hook is called in it, with the next action at that time. */
const runs: Route = async (url) => {
  const major = url.searchParams.get("major") as Major;
  const subject = url.searchParams.get("function") ?? "";
  target = -1;
  const expected = await runOnce("run alone", major, subject);
  const alone = points;
  const actions = actionsOf(major);
  const offset = subjects.indexOf(subjectNamed(subject));
  const actual: unknown[] = [];
  for (target = 0; target < alone.length; target += 1) {
    action = actions[(target + offset) % actions.length] as () => unknown;
    actual.push(await runOnce(`run ${target}`, major, subject));
  }
  return { points: alone, expected, actual };
};

export default routes({
  "/runs": runs,
  "/subjects": () => subjects.map(({ name, majors }) => ({ name, majors })),
  "/diagnostics": () => tracer.diagnostics(),
});
