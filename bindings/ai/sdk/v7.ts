import { type Replaceable, telemetryOptions } from "../calls/identity.ts";
import type { AIOperation } from "../calls/operation.ts";
import { callIntegration, foreignIntegrations } from "../hooks/integration.ts";

/** Gives a v7 call one integration more. */
export function instrumentParams(operation: AIOperation, params: Replaceable): void {
  const integrations = [...foreignIntegrations(params), callIntegration(operation)];
  params["telemetry"] = { ...telemetryOptions(params), integrations };
  if ("experimental_telemetry" in params) delete params["experimental_telemetry"];
}
