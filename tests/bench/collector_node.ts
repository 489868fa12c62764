import { deserialize, serialize } from "node:v8";
import { collector } from "../../dist/collector/index.js";
import { readProtobuf } from "../otlp/definitions.ts";
import { type Benchmark, resultOf } from "./benchmark.ts";
import { invocationEvents, type TailEvent } from "./collector_events.ts";
import { alternate, compare, less, runAlone, type Subject } from "./measure.ts";

const budgetUs = 3;
/** Spans of each invocation, without the span of the invocation. */
const spansOfInvocation = 19;
const invocations = 20;
const spans = invocations * (spansOfInvocation + 1);

/**
 * The serialized events. They are decoded immediately before each use. Their strings are new, as in the runtime, so
 * that the first lookup of each string is measured.
 */
const recorded = Array.from({ length: invocations }, (_, number) =>
  serialize(invocationEvents(number, spansOfInvocation)),
);

const otlp = { backend: "custom", endpoint: "http://127.0.0.1:1", compression: "none" } as const;
const handlers = collector(() => ({ otlp, flushDelayMs: 0 }));
const env = {};

let requests: Uint8Array[] = [];

const held: Promise<unknown>[] = [];
const ctx = { waitUntil: (work: Promise<unknown>) => void held.push(work) };

type Follow = (event: TailEvent) => unknown;
type Begin = (onset: TailEvent) => Follow;

function replay(begin: Begin): void {
  for (const bytes of recorded) {
    const events = deserialize(bytes) as TailEvent[];
    const follow = begin(events[0] as TailEvent);
    for (let i = 1; i < events.length; i += 1) follow(events[i] as TailEvent);
  }
}

let kept: TailEvent[][] = [];

const keep: Subject = {
  name: "keep",
  isAsync: true,
  run() {
    kept = [];
    replay((onset) => {
      const events = [onset];
      kept.push(events);
      return (event) => events.push(event);
    });
    return Promise.resolve();
  },
};

const collect: Subject = {
  name: "collect",
  isAsync: true,
  async run() {
    requests = [];
    replay(
      (onset) =>
        handlers.tailStream(
          onset as TailStream.TailEvent<TailStream.Onset>,
          env,
          ctx as unknown as ExecutionContext,
        ) as Follow,
    );
    await Promise.all(held.splice(0));
  },
};

/** Both sides have to receive all events. */
async function check(): Promise<void> {
  await keep.run();
  await collect.run();
  const events = kept.reduce((sum, { length }) => sum + length, 0);
  const read = requests.map((bytes) => JSON.stringify(readProtobuf("traces", bytes))).join();
  const written = read.split('"spanId"').length - 1;
  if (events !== invocations * (3 + 3 * spansOfInvocation) || written !== spans) {
    throw new Error(`${events} events were kept and ${written} spans written.`);
  }
}

/** The same as `collector.span`, with recorded events in Node, where it can be profiled. */
const span: Benchmark = {
  id: "collector.span.node",
  unit: "us",
  goal: { ours: budgetUs },
  async run({ effort, isProfile }) {
    globalThis.fetch = async (_url, init) => {
      requests.push(init?.body as Uint8Array);
      return new Response();
    };
    await check();
    if (isProfile) {
      await runAlone(collect, 5_000);
      return [];
    }
    const samples = await alternate([collect, keep], effort);
    const perSpan = (name: string) => (samples.get(name) ?? []).map((us) => us / spans);
    const added = less(perSpan("collect"), perSpan("keep"));
    return [
      resultOf(
        "budget",
        compare(
          added,
          added.map(() => budgetUs),
        ),
      ),
    ];
  },
};

export const benchmarks: readonly Benchmark[] = [span];
