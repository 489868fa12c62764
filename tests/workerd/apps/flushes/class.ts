export { asClass as default, Sockets, TelemetryAggregator } from "./index.ts";
