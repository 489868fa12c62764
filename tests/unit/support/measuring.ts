import { Abi, Field, Operation, Outcome, Profile } from "../../../bindings/core/abi.gen.ts";
import { type Core, noReceiver } from "../../../bindings/core/core.ts";
import { noFields, SpanFields } from "../../../bindings/core/span_fields.ts";
import { GenAiMetrics } from "../../../bindings/metrics/built_in.ts";
import { readGenAi } from "../../../bindings/metrics/genai_options.ts";
import { noopRuntime, type SpanRuntime } from "../../../bindings/trace/span_runtime.ts";
import { Telemetry } from "../../../bindings/trace/telemetry.ts";
import { type Metering, metering } from "./metering.ts";
import { RecordingRuntime } from "./recording_runtime.ts";
import { tickingClock } from "./tracing.ts";

/** The runtimes a call can meet. */
export const runtimes = {
  traced: () => new RecordingRuntime(),
  untraced: () => new RecordingRuntime({ traced: false }),
  "without tracing": () => noopRuntime,
};

/** Measures a call of a tool that took a second. */
export function callTool(core: Core | undefined, toolName: string): void {
  const flags = Abi.spanUntraced | (Profile.agents << Abi.spanProfileShift);
  const span = core?.openSpan(Operation.executeTool, 0, 0, flags, 1000) ?? 0;
  const fields = new SpanFields(undefined, true).text(Field.toolName, toolName);
  core?.startSpan(span, Profile.agents, fields, noReceiver);
  core?.endSpan(span, Outcome.finished, 0, 2000, 0, 0, 0, 0, noFields, noReceiver);
}

export interface Measuring extends Metering {
  readonly telemetry: Telemetry;
  readonly genAi: GenAiMetrics;
  readonly reports: readonly string[];
  /** The samples whose name or labels have the text, without `_created` and empty buckets. */
  samples(part?: string): Record<string, number>;
}

/**
 * A telemetry whose spans are measured, each second of its clock being one look at it.
 *
 * @param options what a Worker gives as `metrics.genAi`.
 */
export function measuring(
  runtime: SpanRuntime,
  options?: unknown,
  own: Metering = metering(),
): Measuring {
  const reports: string[] = [];
  const telemetry = new Telemetry(own.meter.host, runtime, tickingClock());
  const genAi = new GenAiMetrics(own.meter);
  genAi.use(readGenAi(options, (message) => reports.push(message)));
  own.meter.core();
  const samples = (part = ""): Record<string, number> => {
    const lines = own
      .collect()
      .text.split("\n")
      .filter((line) => !line.startsWith("#") && !/_created[{ ]/.test(line) && line.includes(part))
      .map((line) => line.split(/ (?=[^ ]+$)/) as [string, string])
      .filter(([name]) => name.startsWith("gen_ai") || name.startsWith("isotel_gen_ai"))
      .filter(([name, value]) => !name.includes("_bucket{") || value !== "0");
    return Object.fromEntries(lines.map(([name, value]) => [name, Number(value)]));
  };
  return { ...own, telemetry, genAi, reports, samples };
}
