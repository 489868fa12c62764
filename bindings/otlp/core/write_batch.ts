import { OtlpAbi } from "./abi.gen.ts";
import type { BatchWriter } from "./batch_writer.ts";
import type {
  AttributeList,
  FinishedSpan,
  InstrumentationScope,
  LogRecord,
  SpanEvent,
  SpanLink,
} from "./model.ts";

const noAttributes: AttributeList = { keys: [], values: [] };

/** Writes the start of every batch: the resource attributes and the scope. */
export function writeHead(
  writer: BatchWriter,
  resource: AttributeList,
  { name, version, attributes }: InstrumentationScope,
): void {
  writer.attributes(resource);
  writer.reserve(2, 0);
  writer.word(name.length);
  writer.word(version.length);
  writer.chars(name);
  writer.chars(version);
  writer.attributes(attributes ?? noAttributes);
}

const traceDigits = 32;
const spanDigits = 16;
const zeros = "0".repeat(traceDigits);

/** Writes spans in the form that src/otlp/traces.cc reads. */
export function writeSpans(writer: BatchWriter, spans: readonly FinishedSpan[]): void {
  writer.reserve(1, 0);
  writer.word(spans.length);
  let before: FinishedSpan | undefined;
  for (const span of spans) {
    writeSpan(writer, span, before);
    before = span;
  }
}

function writeSpan(
  writer: BatchWriter,
  span: FinishedSpan,
  before: FinishedSpan | undefined,
): void {
  const { name, traceId, traceState, status, parentSpanId, events, links } = span;
  const isSameTrace = before !== undefined && traceId === before.traceId;
  const isSameName = before !== undefined && name === before.name;
  const hasParent = parentSpanId.length === spanDigits;
  writer.reserve(9, 2);
  const { words, numbers, wordCount, numberCount } = writer;
  words[wordCount] =
    (span.flags & 0xff) |
    ((span.kind & 0xff) << 8) |
    ((status.code & 0xff) << 16) |
    (isSameTrace ? OtlpAbi.spanSameTrace : 0) |
    (isSameName ? OtlpAbi.spanSameName : 0) |
    (hasParent ? OtlpAbi.spanHasParent : 0) |
    remoteBits(span.isParentRemote);
  words[wordCount + 1] = name.length;
  words[wordCount + 2] = traceState.length;
  words[wordCount + 3] = status.message.length;
  words[wordCount + 4] = span.droppedAttributesCount;
  words[wordCount + 5] = span.droppedEventsCount;
  words[wordCount + 6] = span.droppedLinksCount;
  writer.wordCount = wordCount + 7;
  numbers[numberCount] = span.startUnixMs;
  numbers[numberCount + 1] = span.endUnixMs;
  writer.numberCount = numberCount + 2;
  let ids = isSameTrace ? "" : digits(traceId, traceDigits);
  ids += digits(span.spanId, spanDigits);
  if (hasParent) ids += parentSpanId;
  writer.chars(ids);
  if (!isSameName) writer.chars(name);
  if (traceState !== "") writer.chars(traceState);
  if (status.message !== "") writer.chars(status.message);
  writer.attributes(span.attributes);
  writer.reserve(2, 0);
  writer.word(events.length);
  for (const event of events) writeEvent(writer, event);
  writer.reserve(1, 0);
  writer.word(links.length);
  for (const link of links) writeLink(writer, link);
}

function writeEvent(writer: BatchWriter, { name, unixMs, ...event }: SpanEvent): void {
  writer.reserve(2, 1);
  writer.word(name.length);
  writer.word(event.droppedAttributesCount);
  writer.number(unixMs);
  writer.chars(name);
  writer.attributes(event.attributes);
}

function writeLink(writer: BatchWriter, link: SpanLink): void {
  writer.reserve(3, 0);
  writer.word((link.flags & 0xff) | remoteBits(link.isRemote));
  writer.word(link.traceState.length);
  writer.word(link.droppedAttributesCount);
  writer.chars(digits(link.traceId, traceDigits));
  writer.chars(digits(link.spanId, spanDigits));
  writer.chars(link.traceState);
  writer.attributes(link.attributes);
}

function remoteBits(isRemote: boolean | undefined): number {
  if (isRemote === undefined) return 0;
  return OtlpAbi.spanKnowsRemote | (isRemote ? OtlpAbi.spanIsRemote : 0);
}

/** Returns an id of exactly `count` units. Replaces a text of another length by zeros, which are an invalid id. */
function digits(id: string, count: number): string {
  return id.length === count ? id : zeros.slice(0, count);
}

/** Writes log records in the form that src/otlp/logs.cc reads. */
export function writeLogs(writer: BatchWriter, records: readonly LogRecord[]): void {
  writer.reserve(1, 0);
  writer.word(records.length);
  for (const record of records) writeRecord(writer, record);
}

function writeRecord(writer: BatchWriter, record: LogRecord): void {
  const { traceId, spanId, severityText, eventName, body } = record;
  const hasTrace = traceId.length === 32;
  const hasSpan = spanId.length === 16;
  writer.reserve(4, 2);
  writer.word(
    (record.flags & 0xff) |
      ((record.severityNumber & 0xff) << 8) |
      (hasTrace ? OtlpAbi.logHasTrace : 0) |
      (hasSpan ? OtlpAbi.logHasSpan : 0),
  );
  writer.word(severityText.length);
  writer.word(eventName.length);
  writer.word(record.droppedAttributesCount);
  writer.number(record.unixMs);
  writer.number(record.observedUnixMs);
  if (hasTrace) writer.chars(traceId);
  if (hasSpan) writer.chars(spanId);
  writer.chars(severityText);
  writer.chars(eventName);
  writer.attributes(record.attributes);
  writer.reserve(1, 0);
  if (body === undefined) writer.word(OtlpAbi.valueNone);
  else writer.value(0, body);
}
