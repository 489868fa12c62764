import { CapturedSpan } from "../../bindings/otlp/capture/captured_span.ts";
import { encodeTraces } from "../../bindings/otlp/core/encoder.ts";
import { newSpanId, newTraceId } from "../../bindings/otlp/core/ids.ts";
import {
  type Dialect,
  dialects,
  type FinishedSpan,
  type OtlpFormat,
} from "../../bindings/otlp/core/model.ts";
import type { SpanGroup } from "../../bindings/otlp/pipeline/span_group.ts";
import { readProtobuf } from "../otlp/definitions.ts";
import { OpenTelemetrySpans, serialize } from "../otlp/sdk.ts";
import {
  againstBudget,
  type Benchmark,
  type Goal,
  type RunOptions,
  resultOf,
} from "./benchmark.ts";
import { chatFinish as finish, chatStart as start } from "./chat_attributes.ts";
import { alternate, compare, less, median, runAlone, type Subject } from "./measure.ts";

const resource = { "service.name": "bench", "service.version": "1.0.0" };
const scope = { name: "bench", version: "" };
const name = "chat gpt-4o";

/** Texts that differ in every span, and numbers that differ in most spans. */
const varying = Array.from({ length: 1000 }, (_, index) => ({
  start: { ...start, "gen_ai.conversation.id": `conv-${index}-0af7651916cd43dd` },
  finish: {
    ...finish,
    "gen_ai.usage.input_tokens": 10 * index,
    "gen_ai.response.id": `resp-${index}-8448eb211c80319c`,
    "gen_ai.response.time_to_first_chunk": index / 7,
  },
}));

/** The number of spans of each trace, as in a request to an agent. */
const spansOfTrace = 4;

/** Keeps spans as isotel does, including the queue. */
class Capture {
  #spans: FinishedSpan[] = [];
  #parent: CapturedSpan | undefined;
  readonly #group = {
    clock: Date.now,
    opened: () => {},
    ended: (span: CapturedSpan) => void this.#spans.push(span),
  } as unknown as SpanGroup;

  record(index: number): void {
    const isRoot = index % spansOfTrace === 0;
    const parent = isRoot ? undefined : this.#parent;
    const { start, finish } = varying[index % varying.length] as (typeof varying)[number];
    const identity = { traceId: parent?.traceId ?? newTraceId(), spanId: newSpanId(), flags: 1 };
    const span = new CapturedSpan(name, identity, parent, this.#group, undefined);
    for (const key in start) span.setAttribute(key, start[key as keyof typeof start]);
    for (const key in finish) span.setAttribute(key, finish[key as keyof typeof finish]);
    span.end();
    this.#parent = span;
  }

  take(): FinishedSpan[] {
    const spans = this.#spans;
    this.#spans = [];
    return spans;
  }
}

const capture = new Capture();
const openTelemetry = new OpenTelemetrySpans(resource);

function ours(count: number): FinishedSpan[] {
  for (let index = 0; index < count; index += 1) capture.record(index);
  return capture.take();
}

function theirs(count: number) {
  for (const { start, finish } of varying.slice(0, count))
    openTelemetry.record(name, start, finish);
  return openTelemetry.take();
}

/** Throws if a side has not created requests of this number of spans with twenty attributes each. */
function check(count: number, format: OtlpFormat, [us, peer]: readonly [Subject, Subject]): void {
  for (const { name, run } of [us, peer]) {
    const bytes = run() as Uint8Array;
    if (format === "json") {
      const { length } = Buffer.from(bytes).toString().split('"spanId"');
      if (length !== count + 1) throw new Error(`${name} wrote ${length - 1} spans.`);
      continue;
    }
    const text = JSON.stringify(readProtobuf("traces", bytes));
    const spans = text.split('"spanId"').length - 1;
    const attributes = text.split(`"gen_ai.usage.output_tokens"`).length - 1;
    if (spans !== count || attributes !== count) throw new Error(`${name} wrote ${spans} spans.`);
  }
}

function benchmark(
  id: string,
  count: number,
  format: OtlpFormat,
  goal: Goal,
  subjects: () => readonly [Subject, Subject],
): Benchmark {
  return {
    id,
    unit: "us",
    goal,
    async run({ effort, isProfile }: RunOptions) {
      const both = subjects();
      if (isProfile) {
        await runAlone(both[0], 5000);
        return [];
      }
      check(count, format, both);
      const samples = await alternate(both, effort);
      const [us, peer] = both.map((subject) => samples.get(subject.name) ?? []);
      return [resultOf(both[1].name, compare(us ?? [], peer ?? []))];
    },
  };
}

function encoding(format: OtlpFormat): readonly [Subject, Subject] {
  const mine = ours(1000);
  const other = theirs(1000);
  return [
    { name: "isotel", run: () => encodeTraces(mine, resource, scope, format) },
    { name: "opentelemetry", run: () => serialize(other, format) },
  ];
}

/** Microseconds that a dialect may add to the encoding of a span without content. */
const dialectBudget = 0.3;

/** A conversation of 20 messages with 200 characters each, and a tool. */
const content = {
  "gen_ai.input.messages": JSON.stringify(
    Array.from({ length: 20 }, (_, index) => ({
      role: index % 2 === 0 ? "user" : "assistant",
      parts: [{ type: "text", content: `"${index}" ${"word ".repeat(40)}` }],
    })),
  ),
  "gen_ai.tool.definitions": JSON.stringify([
    {
      type: "function",
      name: "weather",
      description: "The weather",
      parameters: { type: "object" },
    },
  ]),
};

/** What a dialect adds to the encoding of one span of {@link ours}, in batches of 100. */
function dialect(id: string, name: Dialect, hasContent: boolean): Benchmark {
  return {
    id,
    unit: "us",
    ...(hasContent ? {} : { goal: { ours: dialectBudget } }),
    async run({ effort, isProfile }: RunOptions) {
      if (hasContent) for (const { start } of varying) Object.assign(start, content);
      const spans = ours(100);
      const encode = (to?: Dialect) => encodeTraces(spans, resource, scope, "protobuf", to);
      const us = { name, run: () => encode(name) };
      const plain = { name: "plain", run: () => encode() };
      if (isProfile) {
        await runAlone(us, 5000);
        return [];
      }
      check(100, "protobuf", [us, plain]);
      const samples = await alternate([us, plain], effort);
      const of = (subject: Subject) => samples.get(subject.name) ?? [];
      const added = median(less(of(us), of(plain))) / 100;
      const whole = median(of(plain)) / 100;
      if (hasContent)
        return [{ peerName: "plain", ours: added, peer: whole, ratio: added / whole }];
      return [againstBudget(added, dialectBudget, { plain: whole })];
    },
  };
}

export const benchmarks: readonly Benchmark[] = [
  benchmark(
    "otlp.capture_encode.100",
    100,
    "protobuf",
    { peer: "opentelemetry", ratio: 1 / 8 },
    () => [
      { name: "isotel", run: () => encodeTraces(ours(100), resource, scope, "protobuf") },
      { name: "opentelemetry", run: () => serialize(theirs(100), "protobuf") },
    ],
  ),
  benchmark("otlp.protobuf.1000", 1000, "protobuf", { peer: "opentelemetry", ratio: 1 / 15 }, () =>
    encoding("protobuf"),
  ),
  benchmark("otlp.json.1000", 1000, "json", { peer: "opentelemetry", ratio: 1 / 2 }, () =>
    encoding("json"),
  ),
  ...(Object.keys(dialects) as Dialect[]).map((name) =>
    dialect(`otlp.dialect.100.${name}`, name, false),
  ),
  dialect("otlp.dialect.content.100.openinference", "openinference", true),
];
