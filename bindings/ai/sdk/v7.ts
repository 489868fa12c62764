import { type Params, telemetryOptions } from "../calls/identity.ts";
import type { AIOperation } from "../calls/operation.ts";
import { callIntegration, foreignIntegrations } from "../hooks/integration.ts";

/** The parameters of a v7 call with one integration more. */
export function instrumentParams(operation: AIOperation, params: Params): Params {
  const { experimental_telemetry: _, ...rest } = params;
  const integrations = [...foreignIntegrations(params), callIntegration(operation)];
  return {
    ...rest,
    ...operation.approvals.observe(params),
    telemetry: { ...telemetryOptions(params), integrations },
  };
}
