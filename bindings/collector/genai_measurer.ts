import { Abi, Field, Outcome, Profile } from "../core/abi.gen.ts";
import type { AttributeSink, Core } from "../core/core.ts";
import type { CoreHost } from "../core/core_host.ts";
import type { FieldSet } from "../core/field_set.ts";
import { StatusCode } from "../otlp/model.ts";
import type { CollectedSpan } from "./collected_span.ts";
import { operationOf } from "./span_kinds.ts";

/** Fields that are labels of metrics, or are recorded, by the attributes that carry them in either profile. */
const startFields: ReadonlyMap<string, number> = new Map([
  ["gen_ai.provider.name", Field.providerName],
  ["gen_ai.request.model", Field.requestModel],
  ["gen_ai.agent.name", Field.agentName],
  ["gen_ai.tool.name", Field.toolName],
  ["gen_ai.tool.type", Field.toolType],
]);
const finishFields: ReadonlyMap<string, number> = new Map([
  ["gen_ai.response.model", Field.responseModel],
  ["error.type", Field.errorType],
  ["gen_ai.usage.input_tokens", Field.inputTokens],
  ["gen_ai.usage.output_tokens", Field.outputTokens],
  ["gen_ai.usage.cache_creation.input_tokens", Field.cacheCreationInputTokens],
  ["gen_ai.usage.cache_write.input_tokens", Field.cacheCreationInputTokens],
  ["gen_ai.usage.cache_read.input_tokens", Field.cacheReadInputTokens],
  ["gen_ai.usage.reasoning.output_tokens", Field.reasoningOutputTokens],
]);

const firstChunkKey = "gen_ai.response.time_to_first_chunk";
const msPerSecond = 1_000;
const flags = Abi.spanUntraced | (Profile.agents << Abi.spanProfileShift);
/** Nothing traces these spans: the core plans no attribute for them. */
const noSink: AttributeSink = { write() {} };

/**
 * Measures GenAI spans of other Workers in the core, as those of this one are: with the same metrics, labels and rules.
 */
export class GenAiMeasurer {
  readonly #host: CoreHost;

  constructor(host: CoreHost) {
    this.#host = host;
  }

  /** Takes spans that have ended, with all that were opened in them. */
  measure(ended: readonly CollectedSpan[]): void {
    const { core } = this.#host;
    if (core?.isMeasuring !== true) return;
    // As they were opened, so that each finds those above it.
    const spans = [...ended].sort(byStart);
    const handles = new Map<CollectedSpan, number>();
    for (const span of spans) handles.set(span, open(core, span, handles));
    for (const span of spans.reverse()) end(core, span, handles.get(span) ?? 0);
    this.#host.onRecord();
  }
}

/** Those of one instant by their depth: a span is never opened before the one it is in. */
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
): number {
  let above = span.parent;
  while (above !== undefined && !handles.has(above)) above = above.parent;
  const parent = above === undefined ? 0 : (handles.get(above) ?? 0);
  const handle = core.openSpan(operationOf(span), parent, 0, flags, span.startUnixMs);
  if (handle === 0) return 0;
  fill(core.beginFields(), span, startFields);
  core.startSpan(handle, Profile.agents, noSink);
  const { keys, values } = span.attributes;
  const seconds = values[keys.indexOf(firstChunkKey)];
  if (typeof seconds === "number") {
    core.firstChunk(handle, span.startUnixMs + seconds * msPerSecond);
  }
  return handle;
}

function end(core: Core, span: CollectedSpan, handle: number): void {
  if (handle === 0) return;
  fill(core.beginFields(), span, finishFields);
  const outcome = outcomeOf(span);
  core.endSpan(handle, outcome, 0, span.endUnixMs, Profile.agents, 0, 0, 0, noSink);
}

function fill(fields: FieldSet, span: CollectedSpan, wanted: ReadonlyMap<string, number>): void {
  fields.filter = undefined;
  fields.takesLabelsOnly = true;
  const { keys, values } = span.attributes;
  for (let i = 0; i < keys.length; i += 1) {
    const field = wanted.get(keys[i] as string);
    if (field === undefined) continue;
    const value = values[i];
    if (typeof value === "number") fields.number(field, value);
    else fields.text(field, value);
  }
}

function outcomeOf({ status, attributes: { keys } }: CollectedSpan): number {
  if (status.code === StatusCode.error) return Outcome.failed;
  if (keys.includes("cloudflare.agents.canceled")) return Outcome.cancelled;
  return keys.includes("cloudflare.agents.span.truncated") ? Outcome.truncated : Outcome.finished;
}
