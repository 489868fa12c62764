import { withTelemetry } from "../../../dist/index.js";
import { counter, defineMetrics } from "../../../dist/metrics/index.js";
import handler, { Sockets as Plain } from "./invocations.ts";

export { TelemetryAggregator } from "../../../dist/aggregate/index.js";

const { messages } = defineMetrics({ messages: counter("messages") });
const options = (env: { TELEMETRY: DurableObjectNamespace }) => ({
  metrics: { aggregator: env.TELEMETRY },
});

class Counted extends Plain {
  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    messages.add();
    super.webSocketMessage(socket, message);
  }
}

export const Sockets = withTelemetry(Counted, options as never);

// biome-ignore lint/style/noDefaultExport: the runtime requires it.
export default withTelemetry(handler, options as never);
