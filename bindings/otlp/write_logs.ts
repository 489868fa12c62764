import { OtlpAbi } from "./abi.gen.ts";
import type { BatchWriter } from "./batch_writer.ts";
import type { LogRecord } from "./model.ts";

/** Writes log records as src/otlp/logs.cc reads them. */
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
