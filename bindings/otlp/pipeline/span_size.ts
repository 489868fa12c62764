import type { AttributeList, FinishedSpan, LogRecord } from "../model.ts";

/** UTF-16 units of a span's texts, and the bytes of its binary values: never more than the bytes it takes encoded. */
export function spanSize({ name, attributes, events, links }: FinishedSpan): number {
  let size = name.length + attributesSize(attributes);
  for (const event of events) size += event.name.length + attributesSize(event.attributes);
  for (const link of links) size += attributesSize(link.attributes);
  return size;
}

export function logSize({ body, attributes, eventName }: LogRecord): number {
  return eventName.length + valueSize(body) + attributesSize(attributes);
}

function attributesSize({ keys, values }: AttributeList): number {
  let size = 0;
  for (let i = 0; i < keys.length; i += 1) {
    const value = values[i];
    // What has no value is left out with its key.
    if (value === undefined) continue;
    size += (keys[i] as string).length;
    size += typeof value === "string" ? value.length : valueSize(value);
  }
  return size;
}

function valueSize(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return value.byteLength;
  if (!Array.isArray(value)) return 0;
  let size = 0;
  // No deeper: a list may contain itself.
  for (const item of value as readonly unknown[])
    size += typeof item === "string" ? item.length : 0;
  return size;
}
