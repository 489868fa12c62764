import { operationKinds, operationNames } from "../../core/abi.gen.ts";
import { SpanKind } from "../../otlp/core/model.ts";
import type { CollectedSpan } from "./collected_span.ts";

/** Spans the runtime opens by itself that are requests to others, by the beginning of their names. */
const platformKinds: readonly (readonly [string, number])[] = [
  ["fetch", SpanKind.client],
  ["queue_send", SpanKind.producer],
  ["kv_", SpanKind.client],
  ["d1_", SpanKind.client],
  ["r2_", SpanKind.client],
  ["ai_", SpanKind.client],
  ["vectorize_", SpanKind.client],
  ["cache_", SpanKind.client],
  ["images_", SpanKind.client],
  ["email_", SpanKind.client],
  ["durable_object_storage_", SpanKind.client],
];

const byFirstUnit: (typeof platformKinds | undefined)[] = [];
for (const entry of platformKinds) {
  const unit = entry[0].charCodeAt(0);
  byFirstUnit[unit] = [...(byFirstUnit[unit] ?? []), entry];
}

const genAiKinds: ReadonlyMap<string, number> = new Map(
  operationNames.flatMap((name, operation) =>
    name === "" ? [] : [[name, operationKinds[operation] as number] as const],
  ),
);

/** The code of a GenAI operation; 0 for none that is measured. */
export function operationOf({ operation, name }: CollectedSpan): number {
  // Asking for an approval calls itself by the tool's operation, and runs none.
  if (operation === "" || name.startsWith("tool_approval")) return 0;
  return Math.max((operationNames as readonly string[]).indexOf(operation), 0);
}

/** The kind of a span that is not its invocation's own, once all its attributes are there. */
export function kindOf({ name, operation, attributes }: CollectedSpan): number {
  if (operation !== "") return genAiKinds.get(operation) ?? SpanKind.internal;
  if (name === "jsRpcCall") {
    // The one the callee reports names the caller's.
    const isCallee = attributes.keys.includes("jsrpc.caller_span_id");
    return isCallee ? SpanKind.internal : SpanKind.client;
  }
  return platformKind(name);
}

/** Names come with each event: none of them is looked up, which would hash them all. */
function platformKind(name: string): number {
  const candidates = byFirstUnit[name.charCodeAt(0)];
  if (candidates === undefined) return SpanKind.internal;
  for (const [prefix, kind] of candidates) {
    if (prefix === "fetch" ? name === prefix : name.startsWith(prefix)) return kind;
  }
  return SpanKind.internal;
}
