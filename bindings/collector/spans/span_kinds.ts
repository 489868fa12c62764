import { operationKinds, operationNames } from "../../core/abi.gen.ts";
import { SpanKind } from "../../otlp/core/model.ts";
import type { CollectedSpan } from "./collected_span.ts";

/** Span kinds of requests to other services that the runtime traces itself, by the prefix of the span name. */
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

/** Returns the code of a GenAI operation. 0 if the operation is not measured. */
export function operationOf({ operation, name }: CollectedSpan): number {
  // A tool_approval span has the operation of the tool, but does not run the tool.
  if (operation === "" || name.startsWith("tool_approval")) return 0;
  return Math.max((operationNames as readonly string[]).indexOf(operation), 0);
}

/** Returns the kind of a span other than the root. Call this when all its attributes are known. */
export function kindOf({ name, operation, attributes }: CollectedSpan): number {
  if (operation !== "") return genAiKinds.get(operation) ?? SpanKind.internal;
  if (name === "jsRpcCall") {
    // The span of the callee names the caller's span.
    const isCallee = attributes.keys.includes("jsrpc.caller_span_id");
    return isCallee ? SpanKind.internal : SpanKind.client;
  }
  return platformKind(name);
}

/** Compares prefixes, because each event has a new string and a map would hash it. */
function platformKind(name: string): number {
  const candidates = byFirstUnit[name.charCodeAt(0)];
  if (candidates === undefined) return SpanKind.internal;
  for (const [prefix, kind] of candidates) {
    if (prefix === "fetch" ? name === prefix : name.startsWith(prefix)) return kind;
  }
  return SpanKind.internal;
}
