import { callOf, type FunctionName, type Major, majors, paramsFor } from "./ai_calls.ts";
import { overheads, worseOf } from "./ai_overhead.ts";
import { namespaces, wraps } from "./ai_sides.ts";
import type { Benchmark, RunOptions } from "./benchmark.ts";
import {
  alternate,
  type Comparison,
  compare,
  type Effort,
  less,
  runAlone,
  type Subject,
} from "./measure.ts";
import { spansOf, useSpans } from "./runtime/workers.ts";

/**
 * An untraced call passes the caller's parameters to the SDK and returns the SDK's result, which is checked here. So
 * the SDK does the same work on each side. It is left out, because it takes a thousand times as long as the measured
 * difference.
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

function untraced(name: FunctionName): Benchmark {
  return {
    id: `ai.${name}.untraced`,
    unit: "us",
    goal: { peer: "agents", ratio: 0.5 },
    async run({ effort, isProfile }: RunOptions) {
      useSpans("untraced");
      const byMajor = new Map<Major, Map<string, Comparison>>();
      for (const major of majors) {
        const all = untracedSubjects(name, major);
        if (isProfile) {
          await runAlone(all.find((subject) => subject.name === "isotel") as Subject, 4000);
          continue;
        }
        byMajor.set(major, overheads(await alternate(all, effort)));
      }
      return worseOf(byMajor);
    },
  };
}

/** A conversation of `count` messages of 1 KB. The answer is one text. */
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
  untraced("generateText"),
  untraced("streamText"),
  storeMessages,
];
