import { joinedBytes } from "../../base/bytes.ts";
import { encodeLogs, encodeTraces, type ResourceAttributes } from "./encoder.ts";
import type {
  Dialect,
  FinishedSpan,
  InstrumentationScope,
  LogRecord,
  OtlpFormat,
} from "./model.ts";

/** An item with a resource. Resources are compared by identity. Items of one resource must share one object. */
export interface OfResource {
  readonly resource: ResourceAttributes;
}

type EncodeOf<T> = (
  items: readonly T[],
  resource: ResourceAttributes,
  scope: InstrumentationScope,
  format: OtlpFormat,
) => Uint8Array;

/**
 * Like {@link encodeTraces}, for spans of several resources. The request has one ResourceSpans for each resource.
 *
 * @param to The dialect of the destination, and resource attributes that it needs.
 * @throws The errors of {@link encodeTraces}.
 */
export function encodeTracesByResource(
  spans: readonly (FinishedSpan & OfResource)[],
  scope: InstrumentationScope,
  format: OtlpFormat,
  {
    dialect,
    resource: own,
  }: { dialect?: Dialect | undefined; resource?: ResourceAttributes | undefined } = {},
): Uint8Array {
  return byResource(spans, scope, format, (items, resource) =>
    encodeTraces(items, own ? { ...resource, ...own } : resource, scope, format, dialect),
  );
}

/** Like {@link encodeLogs}, for records of several resources. */
export function encodeLogsByResource(
  records: readonly (LogRecord & OfResource)[],
  scope: InstrumentationScope,
  format: OtlpFormat,
): Uint8Array {
  return byResource(records, scope, format, encodeLogs);
}

function byResource<T extends OfResource>(
  items: readonly T[],
  scope: InstrumentationScope,
  format: OtlpFormat,
  encode: EncodeOf<T>,
): Uint8Array {
  const groups = groupsOf(items);
  if (groups.size === 1) {
    for (const [resource, group] of groups) return encode(group, resource, scope, format);
  }
  const requests: Uint8Array[] = [];
  // Copied because the next call of `encode` overwrites the bytes.
  for (const [resource, group] of groups) {
    requests.push(encode(group, resource, scope, format).slice());
  }
  // Each message has one repeated field. Concatenated in protobuf, they are one message with all entries.
  return format === "json" ? joinJson(requests) : joinedBytes(requests);
}

function groupsOf<T extends OfResource>(items: readonly T[]): Map<ResourceAttributes, T[]> {
  const groups = new Map<ResourceAttributes, T[]>();
  let resource: ResourceAttributes | undefined;
  let group: T[] = [];
  for (const item of items) {
    if (item.resource !== resource) {
      resource = item.resource;
      group = groups.get(resource) ?? [];
      groups.set(resource, group);
    }
    group.push(item);
  }
  return groups;
}

const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = Uint8Array.of(0x2c);

/** Joins the lists of several `{"resourceSpans":[...]}`. */
function joinJson(requests: readonly Uint8Array[]): Uint8Array {
  const [first] = requests;
  if (first === undefined) return new Uint8Array();
  const lists: Uint8Array[] = [];
  for (const request of requests) {
    const list = request.subarray(
      request.indexOf(openBracket) + 1,
      request.lastIndexOf(closeBracket),
    );
    if (list.length > 0) lists.push(...(lists.length > 0 ? [comma, list] : [list]));
  }
  return joinedBytes([
    first.subarray(0, first.indexOf(openBracket) + 1),
    ...lists,
    first.subarray(first.lastIndexOf(closeBracket)),
  ]);
}
