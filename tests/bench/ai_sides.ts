// The sides of a comparison: the SDK alone, wrapped by isotel, wrapped by `agents`, and with the SDK's own spans.
import { OpenTelemetry } from "@ai-sdk/otel";
import { wrapAISDK as wrapWithAgents } from "agents/observability/ai";
import * as aiV7 from "ai";
import * as aiV6 from "ai-v6";
import { wrapAISDK } from "../../dist/ai/index.js";
import { callOf, type FunctionName, type Major, paramsFor } from "./ai_calls.ts";
import type { Subject } from "./measure.ts";
import { openTelemetryTracer } from "./peers/opentelemetry.ts";

export const namespaces = { v6: aiV6, v7: aiV7 } as const;

type Wrap = (ai: object, options?: object) => object;
export const wraps: Readonly<Record<"isotel" | "agents", Wrap>> = {
  isotel: wrapAISDK,
  agents: wrapWithAgents as Wrap,
};

export type Side = "plain" | keyof typeof wraps | "@ai-sdk/otel";

/** The observers of the calls of a major version. */
export const observers: Readonly<Record<Major, readonly Side[]>> = {
  v6: ["isotel", "agents"],
  v7: ["isotel", "agents", "@ai-sdk/otel"],
};

/** Returns the subject that makes one call of a function on a side and reads its whole result. */
export function callBy(side: Side, name: FunctionName, major: Major): Subject {
  const ai = namespaces[major];
  const params = paramsFor(major, ai);
  if (side === "@ai-sdk/otel") {
    const call = callOf(ai, name);
    const integration = new OpenTelemetry({ tracer: openTelemetryTracer(true) });
    const own = { recordInputs: false, recordOutputs: false, integrations: [integration] };
    const observed = ({ telemetry, ...rest }: Record<string, unknown>) =>
      call({ ...rest, telemetry: { ...(telemetry as object), ...own } });
    return { name: side, run: () => observed(params()), isAsync: true };
  }
  const call = callOf(side === "plain" ? ai : wraps[side](ai), name);
  return { name: side, run: () => call(params()), isAsync: true };
}
