import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FlueEvent } from "../../bindings/flue/events/event.ts";

const data = join(import.meta.dirname, "data");

/** One line of a recording: what `observe()` handed out. */
export interface EventContext {
  readonly event: FlueEvent & Readonly<Record<string, unknown>>;
  readonly ctx: { readonly id: string; readonly traceparent?: string };
}

/** A span of a reference, or of ours in the same form. */
export interface ReferenceSpan {
  readonly name: string;
  /** As in OpenTelemetry's JavaScript API: 0 internal, 2 client. */
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null | undefined;
  readonly start: readonly [number, number];
  readonly end: readonly [number, number];
  readonly status: { readonly code: number; readonly message?: string };
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly {
    readonly name: string;
    readonly time: readonly [number, number];
    readonly attributes: Readonly<Record<string, unknown>>;
  }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
}

export type Mode = "metadata" | "content" | "rooted";

export const scenariosV1 = [
  "aborted",
  "compaction",
  "failing-tool",
  "failing-workflow",
  "recovery",
  "workflow-tool-task",
] as const;

export const scenariosV3 = ["aborted", "compaction", "failing-tool", "tool-task"] as const;

/** Those and one written by hand, with what real sessions seldom have: every kind of operation, tool, result and error. */
export const scenariosGenAi = [...scenariosV3, "edges"] as const;

export function readEvents(version: "v1beta1" | "v2.1.0", scenario: string): EventContext[] {
  return readFileSync(join(data, `events-${version}-${scenario}.jsonl`), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as EventContext);
}

export function readReference(scenario: string, mode: Mode): ReferenceSpan[] {
  const text = readFileSync(join(data, `refspans-v1beta1-${scenario}.json`), "utf8");
  return (JSON.parse(text) as Record<Mode, ReferenceSpan[]>)[mode];
}

/** What `@flue/opentelemetry` 2.1.0 makes of a stream of version 3; of `rooted` with its content off. */
export function readReferenceGenAi(scenario: string, mode: Mode): ReferenceSpan[] {
  const file = mode === "content" ? "refspans" : "refmodes";
  const text = readFileSync(join(data, `${file}-v2.1.0-${scenario}.json`), "utf8");
  const key = mode === "content" ? "spans" : mode;
  return (JSON.parse(text) as Record<string, ReferenceSpan[]>)[key] ?? [];
}
