import { OpenTelemetry } from "@ai-sdk/otel";
import { wrapAISDK as wrapWithAgents } from "agents/observability/ai";
import * as aiV7 from "ai";
import * as aiV6 from "ai-v6";
import { wrapAISDK } from "../../dist/ai/index.js";
import { callOf, type FunctionName, type Major, majors, paramsFor } from "./ai_calls.ts";
import { overheads, worseOf } from "./ai_overhead.ts";
import type { Benchmark, Goal, RunOptions } from "./benchmark.ts";
import {
  alternate,
  type Comparison,
  compare,
  type Effort,
  less,
  runAlone,
  type Subject,
} from "./measure.ts";
import { openTelemetryTracer } from "./peers/opentelemetry.ts";
import { type Finished, spansOf, useSpans } from "./runtime/workers.ts";

const namespaces = { v6: aiV6, v7: aiV7 } as const;

type Wrap = (ai: object, options?: object) => object;
const wraps: Readonly<Record<"isotel" | "agents", Wrap>> = {
  isotel: wrapAISDK,
  agents: wrapWithAgents as Wrap,
};

/** Every way to make one call: plain, wrapped by either, and with the SDK's own integration. */
function tracedSubjects(name: FunctionName, major: Major): Subject[] {
  const ai = namespaces[major];
  const params = paramsFor(major, ai);
  const subject = (label: string, namespace: object): Subject => {
    const call = callOf(namespace, name);
    return { name: label, run: () => call(params()), isAsync: true };
  };
  const wrapped = Object.entries(wraps).map(([label, wrap]) => subject(label, wrap(ai)));
  const all = [subject("plain", ai), ...wrapped];
  if (major === "v7") {
    const call = callOf(ai, name);
    const integration = new OpenTelemetry({ tracer: openTelemetryTracer(true) });
    const own = { recordInputs: false, recordOutputs: false, integrations: [integration] };
    const observed = ({ telemetry, ...rest }: Record<string, unknown>) =>
      call({ ...rest, telemetry: { ...(telemetry as object), ...own } });
    all.push({ name: "@ai-sdk/otel", run: () => observed(params()), isAsync: true });
  }
  return all;
}

/**
 * An untraced call reaches the SDK with the caller's own parameters and comes back with its own result, which is checked
 * here. So the SDK's part is the same either way and is left out: it is a thousand times what is looked for.
 */
function untracedSubjects(name: FunctionName, major: Major): Subject[] {
  const ai = namespaces[major];
  const params = paramsFor(major, ai)();
  const result = {};
  const original = (given: unknown) => {
    if (given !== params) {
      throw new Error("An untraced call got other parameters than the caller's.");
    }
    return name === "generateText" ? Promise.resolve(result) : result;
  };
  const subject = (label: string, namespace: object): Subject => {
    const call = (namespace as Record<FunctionName, typeof original>)[name];
    const run = async () => {
      if ((await call(params)) !== result) {
        throw new Error("An untraced call gave another result than the SDK's.");
      }
    };
    return { name: label, run, isAsync: true };
  };
  const plain = { ...ai, [name]: original };
  const wrapped = Object.entries(wraps).map(([label, wrap]) => subject(label, wrap(plain)));
  return [subject("plain", plain), ...wrapped];
}

function attributeCount(spans: readonly Finished[]): number {
  return spans.reduce((sum, { attributes }) => sum + Object.keys(attributes).length, 0);
}

/** Refuses to compare when ours records less: both have to give the same spans. */
async function checkSpans(all: readonly Subject[]): Promise<void> {
  const spansBy = async (label: string) =>
    spansOf(all.find(({ name }) => name === label)?.run ?? (() => undefined));
  const ours = await spansBy("isotel");
  const theirs = await spansBy("agents");
  const names = (spans: readonly Finished[]) =>
    spans
      .map(({ name }) => name)
      .sort()
      .join(", ");
  if (names(ours) !== names(theirs) || attributeCount(ours) < attributeCount(theirs)) {
    throw new Error(
      `isotel gave ${names(ours)} with ${attributeCount(ours)} attributes, ` +
        `agents ${names(theirs)} with ${attributeCount(theirs)}.`,
    );
  }
}

function benchmark(name: FunctionName, kind: "traced" | "untraced", goal: Goal): Benchmark {
  const isTraced = kind === "traced";
  return {
    id: `ai.${name}.${kind}`,
    unit: "us",
    goal,
    async run({ effort, isProfile }: RunOptions) {
      useSpans(isTraced ? "array" : "untraced");
      const byMajor = new Map<Major, Map<string, Comparison>>();
      for (const major of majors) {
        const all = isTraced ? tracedSubjects(name, major) : untracedSubjects(name, major);
        if (isProfile) {
          await runAlone(all.find((subject) => subject.name === "isotel") as Subject, 4000);
          continue;
        }
        if (isTraced) {
          await checkSpans(all);
        }
        byMajor.set(major, overheads(await alternate(all, isTraced ? longer(effort) : effort)));
      }
      return worseOf(byMajor);
    },
  };
}

// What is looked for is a small part of what is timed.
function longer(effort: Effort): Effort {
  return { ...effort, slices: 2 * effort.slices, warmUpMs: 2 * effort.warmUpMs };
}

/** A conversation of `count` messages of 1 KB, whose answer is one text. */
function storingSubjects(major: Major, count: number): [Subject, Subject, Subject] {
  const ai = namespaces[major];
  const params = paramsFor(major, ai);
  const messages = Array.from({ length: count }, (_, index) => ({
    role: index % 2 === 0 ? "user" : "assistant",
    content: `${index} ${"x".repeat(1020)}`,
  }));
  const subject = (label: string, namespace: object): Subject => {
    const call = callOf(namespace, "generateText");
    const { prompt: _, ...rest } = params();
    return { name: label, run: () => call({ ...rest, messages }), isAsync: true };
  };
  const wrapped = (label: keyof typeof wraps) =>
    subject(label, wraps[label](ai, { storeMessages: true }));
  return [subject("plain", ai), wrapped("isotel"), wrapped("agents")];
}

async function storesMessages(subject: Subject): Promise<boolean> {
  const spans = await spansOf(subject.run);
  return spans.some(({ attributes }) => "gen_ai.input.messages" in attributes);
}

async function compareStoring(
  [plain, ours, agents]: readonly [Subject, Subject, Subject],
  effort: Effort,
): Promise<Map<string, Comparison>> {
  const overheadMs = async (subject: Subject, taken: Effort) => {
    const samples = await alternate([plain, subject], taken);
    const us = less(samples.get(subject.name) ?? [], samples.get("plain") ?? []);
    return us.map((value) => value / 1000);
  };
  const oursMs = await overheadMs(ours, effort);
  // One call takes seconds.
  const few = { rounds: Math.ceil(effort.rounds / 5), slices: 1, sliceMs: 1, warmUpMs: 1 };
  const agentsMs = await overheadMs(agents, few);
  const paired = oursMs.map((_, round) => agentsMs[round % agentsMs.length] ?? Number.NaN);
  return new Map([[agents.name, compare(oursMs, paired)]]);
}

const storeMessages: Benchmark = {
  id: "ai.storeMessages.2000",
  unit: "ms",
  goal: { ours: 20 },
  async run({ effort, isProfile }) {
    useSpans("array");
    const byMajor = new Map<Major, Map<string, Comparison>>();
    for (const major of majors) {
      const all = storingSubjects(major, 2000);
      const [, ours] = all;
      if (isProfile) {
        await runAlone(ours, 4000);
        continue;
      }
      if (!(await storesMessages(ours))) {
        return "not available: wrapAISDK stores no messages.";
      }
      byMajor.set(major, await compareStoring(all, effort));
    }
    return worseOf(byMajor);
  },
};

export const benchmarks: readonly Benchmark[] = [
  benchmark("generateText", "traced", { peer: "agents", ratio: 0.4 }),
  benchmark("generateText", "untraced", { peer: "agents", ratio: 0.5 }),
  benchmark("streamText", "traced", { peer: "agents", ratio: 0.35 }),
  benchmark("streamText", "untraced", { peer: "agents", ratio: 0.5 }),
  storeMessages,
];
