import { Abi, Field, Outcome, Profile } from "../../core/abi.gen.ts";
import type { Core } from "../../core/core.ts";
import { noReceiver } from "../../core/core.ts";
import type { CoreHost } from "../../core/core_host.ts";
import { SpanFields } from "../../core/span_fields.ts";
import { StatusCode } from "../../otlp/core/model.ts";
import type { CollectedSpan } from "../spans/collected_span.ts";
import { operationOf } from "../spans/span_kinds.ts";

/** Start fields that are labels or values of metrics. `finishFields` lists those that are set at the end. */
const startFields = [
  Field.providerName,
  Field.requestModel,
  Field.agentName,
  Field.toolName,
  Field.toolType,
  Field.toolRunsOnClient,
];
const finishFields = [
  Field.responseModel,
  Field.errorType,
  Field.inputTokens,
  Field.outputTokens,
  Field.cacheCreationInputTokens,
  Field.cacheReadInputTokens,
  Field.reasoningOutputTokens,
  Field.cost,
];

/** Fields by their attribute keys in both profiles. */
type FieldsByKey = ReadonlyMap<string, number>;

function fieldsByKey(core: Core, fields: readonly number[]): FieldsByKey {
  return new Map(
    Object.values(Profile).flatMap((profile) =>
      fields.map((field) => [core.keyOf(profile, field), field] as const),
    ),
  );
}

const operationKey = "cloudflare.agents.operation.name";
const firstChunkKey = "gen_ai.response.time_to_first_chunk";
const msPerSecond = 1_000;
const flags = Abi.spanUntraced | (Profile.agents << Abi.spanProfileShift);

/** Measures GenAI spans of other Workers in the core, with the metrics, labels and rules for spans of this Worker. */
export class GenAiMeasurer {
  readonly #host: CoreHost;
  /** The fields by key, as the given core reports them. */
  #fields:
    | { readonly core: Core; readonly start: FieldsByKey; readonly end: FieldsByKey }
    | undefined;

  constructor(host: CoreHost) {
    this.#host = host;
  }

  /** Measures ended spans. Spans that were opened inside each other must be passed together. */
  measure(ended: readonly CollectedSpan[]): void {
    const { core } = this.#host;
    if (core?.isMeasuring !== true) return;
    // Opens the spans in their original order, so that each finds its ancestors.
    const spans = [...ended].sort(byStart);
    const handles = new Map<CollectedSpan, number>();
    const fields = this.#fieldsOf(core);
    for (const span of spans) handles.set(span, open(core, span, handles, fields.start));
    for (const span of spans.reverse()) end(core, span, handles.get(span) ?? 0, fields.end);
    this.#host.onRecord();
  }

  #fieldsOf(core: Core) {
    if (this.#fields?.core !== core) {
      const start = fieldsByKey(core, startFields);
      this.#fields = { core, start, end: fieldsByKey(core, finishFields) };
    }
    return this.#fields;
  }
}

/** Compares by start time, then by depth. A parent is opened before its children. */
function byStart(a: CollectedSpan, b: CollectedSpan): number {
  return a.startUnixMs - b.startUnixMs || depthOf(a) - depthOf(b);
}

function depthOf(span: CollectedSpan): number {
  let depth = 0;
  for (let above = span.parent; above !== undefined; above = above.parent) depth += 1;
  return depth;
}

function open(
  core: Core,
  span: CollectedSpan,
  handles: ReadonlyMap<CollectedSpan, number>,
  wanted: FieldsByKey,
): number {
  const { keys, values } = span.attributes;
  // The answer of a client is not another tool call of its operation.
  const isAnswer = values[keys.indexOf(operationKey)] === "tool.answer";
  let above = isAnswer ? undefined : span.parent;
  while (above !== undefined && !handles.has(above)) above = above.parent;
  const parent = above === undefined ? 0 : (handles.get(above) ?? 0);
  const handle = core.openSpan(operationOf(span), parent, 0, flags, span.startUnixMs);
  if (handle === 0) return 0;
  core.startSpan(handle, Profile.agents, fieldsOf(span, wanted), noReceiver);
  const seconds = values[keys.indexOf(firstChunkKey)];
  if (typeof seconds === "number") {
    core.firstChunk(handle, span.startUnixMs + seconds * msPerSecond);
  }
  return handle;
}

function end(core: Core, span: CollectedSpan, handle: number, wanted: FieldsByKey): void {
  if (handle === 0) return;
  const fields = fieldsOf(span, wanted);
  const outcome = outcomeOf(span);
  core.endSpan(handle, outcome, 0, span.endUnixMs, Profile.agents, 0, 0, 0, fields, noReceiver);
}

/** Returns the fields of a span that are labels or values of metrics. */
function fieldsOf(span: CollectedSpan, wanted: FieldsByKey): SpanFields {
  const fields = new SpanFields(undefined, true);
  const { keys, values } = span.attributes;
  for (let i = 0; i < keys.length; i += 1) {
    const field = wanted.get(keys[i] as string);
    if (field === undefined) continue;
    const value = values[i];
    if (typeof value === "number") fields.number(field, value);
    else if (value === true) fields.flag(field, true);
    else fields.text(field, value);
  }
  return fields;
}

function outcomeOf({ status, attributes: { keys } }: CollectedSpan): number {
  if (status.code === StatusCode.error) return Outcome.failed;
  if (keys.includes("cloudflare.agents.canceled")) return Outcome.cancelled;
  return keys.includes("cloudflare.agents.span.truncated") ? Outcome.truncated : Outcome.finished;
}
