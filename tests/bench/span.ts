import { tracer } from "../../dist/index.js";
import { type Benchmark, type Goal, type RunOptions, resultOf } from "./benchmark.ts";
import { chatFinish as finish, chatStart as start } from "./chat_attributes.ts";
import { alternate, compare, runAlone, type Subject } from "./measure.ts";
import { agentsTracer } from "./peers/agents.ts";
import { openTelemetryTracer } from "./peers/opentelemetry.ts";
import { type SpanKind, spansOf, useSpans } from "./runtime/workers.ts";

/** A tracer. Opens a span, runs `inside` with the span active and finishes the span. */
type Span = (name: string, inside?: () => void) => void;

interface OpensSpans {
  openSpan<T>(name: string, attributes: typeof start, activate: (span: Finishes) => T): T;
  withSpan<T>(name: string, attributes: typeof start, run: (span: Finishes) => T): T;
}

interface Finishes {
  finish(attributes?: typeof finish): void;
}

function spansWith(opener: OpensSpans): Span {
  return (name, inside) =>
    opener.openSpan(name, start, (span) => {
      inside?.();
      span.finish(finish);
    });
}

function openTelemetrySpans(isTraced: boolean): Span {
  const opener = openTelemetryTracer(isTraced);
  return (name, inside) =>
    opener.startActiveSpan(name, { attributes: start }, (span) => {
      inside?.();
      span.setAttributes(finish);
      span.end();
    });
}

function one(span: Span): () => void {
  return () => span("chat gpt-4o");
}

function tree(span: Span): () => void {
  const chat = () => span("chat gpt-4o");
  const inside = () => {
    chat();
    span("execute_tool search");
    chat();
  };
  return () => span("invoke_agent booking", inside);
}

function awaited(opener: OpensSpans): () => Promise<void> {
  return () =>
    opener.withSpan("chat gpt-4o", start, async (span) => {
      span.finish(finish);
    });
}

async function measure(
  kind: SpanKind,
  [ours, ...peers]: readonly [Subject, ...Subject[]],
  { effort, isProfile }: RunOptions,
) {
  useSpans(kind);
  if (isProfile) {
    await runAlone(ours, 5000);
    return [];
  }
  if (kind !== "untraced") {
    await checkAttributes(ours);
  }
  const samples = await alternate([ours, ...peers], effort);
  const sampleOf = ({ name }: Subject) => samples.get(name) ?? [];
  return peers.map((peer) => resultOf(peer.name, compare(sampleOf(ours), sampleOf(peer))));
}

async function checkAttributes({ run }: Subject): Promise<void> {
  for (const { attributes } of await spansOf(run)) {
    if (Object.keys(attributes).length !== 20) {
      throw new Error(`A span has ${Object.keys(attributes).length} attributes instead of 20.`);
    }
  }
}

function benchmark(
  id: string,
  kind: SpanKind,
  work: (span: Span) => () => void,
  goal?: Goal,
): Benchmark {
  return {
    id,
    unit: "us",
    ...(goal === undefined ? {} : { goal }),
    async run(options) {
      const subjects: [Subject, ...Subject[]] = [
        { name: "isotel", run: work(spansWith(tracer)) },
        { name: "agents", run: work(spansWith(await agentsTracer())) },
      ];
      // Its spans do not depend on the writer.
      if (kind !== "map") {
        const run = work(openTelemetrySpans(kind !== "untraced"));
        subjects.push({ name: "opentelemetry", run });
      }
      return measure(kind, subjects, options);
    },
  };
}

const half: Goal = { peer: "agents", ratio: 0.5 };

export const benchmarks: readonly Benchmark[] = [
  benchmark("span.one.traced", "array", one, half),
  benchmark("span.one.untraced", "untraced", one, half),
  benchmark("span.tree.traced", "array", tree, half),
  benchmark("span.one.map", "map", one),
  benchmark("span.tree.map", "map", tree),
  {
    id: "span.async.traced",
    unit: "us",
    async run(options) {
      const agents = await agentsTracer();
      const subjects: [Subject, Subject] = [
        { name: "isotel", run: awaited(tracer), isAsync: true },
        { name: "agents", run: awaited(agents), isAsync: true },
      ];
      return measure("array", subjects, options);
    },
  },
];
