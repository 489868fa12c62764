import { isThenable } from "../../base/values.ts";
import type { CallHead, Params } from "../calls/identity.ts";
import {
  AIOperation,
  activateOperation,
  operationSpan,
  type SdkFunction,
} from "../calls/operation.ts";
import type { Sdk } from "../calls/sdk.ts";
import { observeResult } from "./result_stream.ts";

/** A call that is an operation. */
export interface OperationCall {
  readonly sdkFunction: SdkFunction;
  readonly head: CallHead;
  /** Returns the parameters that describe the call. Not called if nothing records it. */
  params(): Params;
  /** Calls the original SDK function with the caller's parameters. */
  runOriginal(): unknown;
  /** Prepares the call for observation. Returns a function that makes the call. */
  prepare(operation: AIOperation, params: Params): () => unknown;
}

/** Runs a call of the SDK inside its invoke_agent span. Runs it without a span if nothing records it. */
export function runOperation(sdk: Sdk, call: OperationCall): unknown {
  const { telemetry, settings } = sdk;
  const { name, options } = operationSpan(telemetry, settings, call.head);
  return activateOperation(telemetry, settings, name, options, (span) => {
    if (span === undefined) return call.runOriginal();
    const traced = telemetry.guard(() => {
      const params = call.params();
      const operation = new AIOperation(telemetry, span, call.sdkFunction, params, settings);
      return { operation, params, run: call.prepare(operation, params) };
    });
    if (traced === undefined) {
      span.finish();
      return call.runOriginal();
    }
    const { operation, run } = traced;
    return call.sdkFunction.isStream
      ? runStream(operation, call.sdkFunction, traced.params, run)
      : runPromise(operation, run);
  });
}

function runPromise(operation: AIOperation, run: () => unknown): unknown {
  return settling(operation, run, (result) => operation.finish(result));
}

function runStream(
  operation: AIOperation,
  { leavesAbortToModel }: SdkFunction,
  params: Params,
  run: () => unknown,
): unknown {
  return settling(operation, run, (result) => {
    if (!observeResult(operation, result)) operation.finish(undefined);
    else if (leavesAbortToModel !== true) operation.cancelOn(params["abortSignal"]);
  });
}

function settling(
  operation: AIOperation,
  run: () => unknown,
  settled: (result: unknown) => void,
): unknown {
  const { telemetry } = operation;
  let result: unknown;
  try {
    result = run();
  } catch (cause) {
    telemetry.guard(() => operation.fail(cause));
    throw cause;
  }
  if (!isThenable(result)) {
    telemetry.guard(() => settled(result));
    return result;
  }
  return result.then(
    (value) => {
      telemetry.guard(() => settled(value));
      return value;
    },
    (cause: unknown) => {
      telemetry.guard(() => operation.fail(cause));
      throw cause;
    },
  );
}
