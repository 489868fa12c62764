import { env } from "node:process";
import type { Telemetry } from "../../../bindings/trace/telemetry.ts";
import { keepSpans } from "../../harness/keep_spans.ts";
import { RecordingRuntime } from "./recording_runtime.ts";

const noted = new Map<Telemetry, string>();

/** Keeps, as this process ends, the spans of AI SDK calls in the folder ISOTEL_SPANS_DIR, where there is one. */
export function keepAtExit(telemetry: Telemetry, semconv: string | undefined): void {
  if (env["ISOTEL_SPANS_DIR"] === undefined) return;
  if (noted.size === 0) process.on("exit", keepAll);
  const name = semconv === "latest" ? "unit_latest" : "unit";
  // The spans of one runtime are checked against one profile.
  if ((noted.get(telemetry) ?? name) !== name) throw new Error("A telemetry has two profiles.");
  noted.set(telemetry, name);
}

function keepAll(): void {
  for (const [{ runtime, host }, name] of noted) {
    // What a core that was made to trap leaves behind conforms to nothing.
    if (!(runtime instanceof RecordingRuntime) || host.traps > 0) continue;
    const ended = runtime.spans.filter((span) => span.ended);
    const kept = ended.map(({ name, status, attributes }) => ({
      name,
      status,
      attributes: Object.fromEntries(attributes),
    }));
    keepSpans([name], kept);
  }
}
