import { Limits } from "../core/abi.gen.ts";
import { cutToBytes } from "../core/utf8.ts";
import type { SpanRuntime, SpanWriter } from "./span_runtime.ts";

const { maxNameBytes } = Limits;
const maxBytesPerUnit = 3;

/**
 * Opens a child of a span that need not be active, by a name of any length. Without one, or where the runtime cannot
 * activate it, such as that of another request, it is a child of the active span.
 */
export function openUnder(
  runtime: SpanRuntime,
  name: string,
  parent: SpanWriter | undefined,
): SpanWriter {
  const kept = maxBytesPerUnit * name.length > maxNameBytes ? cutToBytes(name, maxNameBytes) : name;
  if (parent === undefined) return runtime.startSpan(kept);
  try {
    return runtime.withActiveSpan(parent, () => runtime.startSpan(kept));
  } catch {
    return runtime.startSpan(kept);
  }
}
