import type { Settings } from "../options.ts";

/** Which content of a call is recorded. */
export interface ContentPolicy {
  readonly inputMessages: boolean;
  readonly outputMessages: boolean;
  readonly toolDefinitions: boolean;
  readonly toolArguments: boolean;
  readonly toolResults: boolean;
}

/** That of a call whose content goes nowhere. */
export const noContent: ContentPolicy = {
  inputMessages: false,
  outputMessages: false,
  toolDefinitions: false,
  toolArguments: false,
  toolResults: false,
};

/** The settings of the instrumentation, as far as the caller's `recordInputs` and `recordOutputs` allow. */
export function contentPolicy(
  settings: Settings,
  telemetryOptions: Readonly<Record<string, unknown>> | undefined,
): ContentPolicy {
  if (!settings.storeMessages && !settings.storeTools) return noContent;
  const inputs = telemetryOptions?.["recordInputs"] !== false;
  const outputs = telemetryOptions?.["recordOutputs"] !== false;
  return {
    inputMessages: settings.storeMessages && inputs,
    outputMessages: settings.storeMessages && outputs,
    toolDefinitions: settings.storeTools && inputs,
    toolArguments: settings.storeTools && inputs,
    toolResults: settings.storeTools && outputs,
  };
}
