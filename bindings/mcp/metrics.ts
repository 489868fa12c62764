import { MetricKind } from "../core/abi.gen.ts";
import { builtInDeclaration } from "../core/declaration.ts";
import type { Meter } from "../metrics/meter.ts";
import { metricsRecording } from "../slots/metrics_recording.ts";

/** The side that a metric or span is about. */
export type Side = "client" | "server";

/** Values of labels by attribute. A label without a value is empty. */
export type MCPLabels = Readonly<Record<string, string | undefined>>;

const bounds = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];

const sessionLabels = [
  "error.type",
  "mcp.protocol.version",
  "network.protocol.name",
  "network.transport",
];
const operationLabels = [
  "mcp.method.name",
  "gen_ai.operation.name",
  "gen_ai.prompt.name",
  "gen_ai.tool.name",
  "rpc.status_code",
  ...sessionLabels,
];
const clientLabels = ["server.address", "server.port"];

const helps = {
  operation: {
    client: "Duration of MCP requests and notifications as their sender observes it.",
    server: "Duration of MCP requests and notifications as their receiver observes it.",
  },
  session: {
    client: "Duration of MCP sessions as the client observes it.",
    server: "Duration of MCP sessions as the server observes it.",
  },
};

/** https://github.com/open-telemetry/semantic-conventions-genai/blob/v0.1.0/docs/gen-ai/mcp.md#metrics */
function declarationOf(side: Side, what: "operation" | "session") {
  const own = what === "operation" ? operationLabels : sessionLabels;
  return builtInDeclaration(MetricKind.histogram, `mcp.${side}.${what}.duration`, {
    unit: "s",
    help: helps[what][side],
    labels: side === "client" ? [...own, ...clientLabels] : own,
    bounds,
  });
}

/** Labels whose values are few whatever clients and servers send. */
const fixed: ReadonlySet<string> = new Set([
  "gen_ai.operation.name",
  "network.protocol.name",
  "network.transport",
]);

const declarations = {
  client: {
    operation: declarationOf("client", "operation"),
    session: declarationOf("client", "session"),
  },
  server: {
    operation: declarationOf("server", "operation"),
    session: declarationOf("server", "session"),
  },
};

/** Returns the meter if this isolate records metrics of AI calls. */
export function meter(): Meter | undefined {
  return metricsRecording()?.genAiMeter();
}

/** Records the duration of an operation or a session in seconds. Does nothing without metrics. */
export function recordDuration(
  side: Side,
  what: "operation" | "session",
  labels: MCPLabels,
  seconds: number,
): void {
  const own = meter();
  if (own === undefined) return;
  const declaration = declarations[side][what];
  const values: Record<string, string> = {};
  for (const label of declaration.labels) {
    const value = labels[label] ?? "";
    values[label] = fixed.has(label)
      ? value
      : own.labelValues.admit(declaration.name, label, value);
  }
  own.define(declaration).seriesOf(values)?.record(Math.max(seconds, 0));
}
