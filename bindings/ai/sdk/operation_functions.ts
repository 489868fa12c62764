import { isFunction, isThenable, record } from "../../base/values.ts";
import type { Params, Replaceable } from "../calls/identity.ts";
import { callHead } from "../calls/identity.ts";
import type { AIOperation } from "../calls/operation.ts";
import { type Call, likeOriginal, type Sdk } from "../calls/sdk.ts";
import { recordCallsElsewhere } from "../calls/tool_call.ts";
import { type ToolEnds, withoutOurs } from "../hooks/integration.ts";
import { runClaimed } from "../hooks/integration_calls.ts";
import { type HookUse, hookUseOf, instrumentParams } from "./instrument_params.ts";
import { runOperation } from "./operation_call.ts";
import type { OperationFunction } from "./sdk_functions.ts";

/** Wraps a function of the SDK as an operation. */
export function wrapOperationFunction(
  sdk: Sdk,
  sdkFunction: OperationFunction,
  original: Call,
): Call {
  const hookUse = hookUseOf(sdk, sdkFunction);
  const wrapper = function (this: unknown, ...args: unknown[]) {
    const params = record(args[0]) as Params | undefined;
    const head = params && sdk.telemetry.guard(() => callHead(params));
    if (params === undefined || head === undefined || head.isDisabled) {
      return original.apply(this, args);
    }
    return runOperation(sdk, {
      sdkFunction,
      head,
      params: () => params,
      runOriginal: () => original.apply(this, args),
      prepare: (operation) => {
        const instrumented = instrumentCall(sdk, sdkFunction, hookUse, operation, params);
        const run = () => original.apply(this, [instrumented, ...args.slice(1)]);
        return sdk.major === 6 ? run : () => runClaimed(run);
      },
    });
  };
  return likeOriginal(wrapper, original);
}

/** Returns the parameters of a call with its model calls and tools observed. */
export function instrumentCall(
  sdk: Sdk,
  sdkFunction: OperationFunction,
  hookUse: HookUse,
  operation: AIOperation,
  params: Params,
  toolEndsOfAgent?: ToolEnds,
): Params {
  // One copy for all replacements.
  const observed: Replaceable = { ...(sdkFunction.hasHooks ? params : withoutOurs(params)) };
  if (hasSteps(sdkFunction)) observeStepEnd(operation, observed);
  operation.approvals.observe(observed);
  // An agent may have prepared other tools.
  operation.clientTools.use(observed["tools"]);
  instrumentParams(sdk, sdkFunction, hookUse, operation, observed, toolEndsOfAgent);
  if (sdkFunction.isStream) {
    for (const name of ["output", "experimental_output"]) {
      if (name in params) observed[name] = observedOutput(operation, params[name]);
    }
  }
  if (sdkFunction.failsAtFinish === true) {
    observed["onFinish"] = observedFailure(operation, params["onFinish"]);
  }
  if (sdkFunction.isReadOnce === true) {
    const onError = params["onError"] ?? logError;
    observed["onError"] = observedFailure(operation, onError);
    const { onAbort } = params;
    observed["onAbort"] = function (this: unknown, event: unknown) {
      operation.telemetry.guard(() => operation.noteAbort());
      return isFunction(onAbort) ? onAbort.call(this, event) : undefined;
    };
  }
  return observed;
}

/** Returns whether a function needs the callback for steps. For other streams, the parts report the same data. */
export function hasSteps({ hasHooks, isStream, isReadOnce }: OperationFunction): boolean {
  return (hasHooks && !isStream) || isReadOnce === true;
}

/**
 * Replaces the callback for steps of a call or an agent. v6 calls `onStepFinish`. v7 prefers `onStepEnd`, and calls the
 * other one if it is absent.
 */
export function observeStepEnd(operation: AIOperation, params: Replaceable): void {
  const observed = (own: unknown) =>
    function (this: unknown, step: unknown) {
      operation.telemetry.guard(() => recordCallsElsewhere(operation, record(step)?.["content"]));
      return isFunction(own) ? own.call(this, step) : undefined;
    };
  const { onStepEnd, onStepFinish } = params;
  params["onStepFinish"] = observed(onStepFinish);
  if (onStepEnd !== undefined && onStepEnd !== null) params["onStepEnd"] = observed(onStepEnd);
}

/** Returns an output specification whose parsing is observed. */
function observedOutput(operation: AIOperation, output: unknown): unknown {
  const source = record(output);
  const parse = source?.["parseCompleteOutput"];
  if (source === undefined || !isFunction(parse) || source["name"] === "text") return output;
  const expected = operation.expectOutput();
  const parseCompleteOutput = (...args: unknown[]) => {
    const parsing = parse.apply(source, args);
    if (isThenable(parsing)) expected.noteParsing(parsing);
    return parsing;
  };
  return { ...source, parseCompleteOutput };
}

/** Returns a callback that notes the error of its event. */
function observedFailure(operation: AIOperation, callback: unknown) {
  return function (this: unknown, event: unknown) {
    const error = record(event)?.["error"];
    if (error !== undefined) operation.telemetry.guard(() => operation.noteFailure(error));
    return isFunction(callback) ? callback.call(this, event) : undefined;
  };
}

// The default of the SDK for a call without this callback.
function logError(event: unknown): void {
  console.error(record(event)?.["error"]);
}
