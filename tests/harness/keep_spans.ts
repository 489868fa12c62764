import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { env, pid } from "node:process";
import type { Span } from "./spans.ts";

/**
 * Appends the spans to a file of this process in the folder ISOTEL_SPANS_DIR. Does nothing if the variable is not set.
 */
export function keepSpans<S extends Pick<Span, "name" | "status" | "attributes">>(
  workers: readonly string[],
  spans: S[],
): S[] {
  const folder = env["ISOTEL_SPANS_DIR"];
  if (folder !== undefined && folder !== "") {
    const kept = spans.map(({ name, status, attributes }) => ({ name, status, attributes }));
    appendFileSync(join(folder, `${pid}.jsonl`), `${JSON.stringify({ workers, spans: kept })}\n`);
  }
  return spans;
}
