export type { MCPTelemetryOptions } from "./options.ts";
export { traceMCPClient, traceMCPServer } from "./trace.ts";
