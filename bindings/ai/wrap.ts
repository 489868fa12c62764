import type { Telemetry } from "../trace/telemetry.ts";
import { isThenable } from "../trace/thenable.ts";
import { activateSpan } from "../trace/tracer.ts";
import { agentName, isDisabled, type Params } from "./identity.ts";
import { AIOperation, operationSpan, type SdkFunction } from "./operation.ts";
import { type AITelemetryOptions, readSettings, type Settings } from "./options.ts";
import { isFunction, record } from "./read.ts";
import { observeResult } from "./result_stream.ts";
import { instrumentParams as instrumentV6 } from "./v6.ts";
import { instrumentParams as instrumentV7 } from "./v7.ts";

const sdkFunctions: readonly SdkFunction[] = [
  { name: "generateText", isStream: false, outputType: "text" },
  { name: "streamText", isStream: true, outputType: "text" },
];

type Call = (...args: unknown[]) => unknown;
type Instrument = (operation: AIOperation, params: Params) => Params;

/** A call's span is bounded by its invocation when its parameters carry this. */
const boundedKey = Symbol.for("cloudflare.agents.ai-sdk.invocation-bounded");

/** Wraps the functions of an AI SDK namespace; see `wrapAISDK`. */
export function wrapNamespace<T extends object>(
  telemetry: Telemetry,
  ai: T,
  options: AITelemetryOptions | undefined,
): T {
  const settings = readSettings(options);
  const namespace = record(ai);
  const known = sdkFunctions.filter(({ name }) => isFunction(namespace?.[name]));
  if (namespace === undefined || known.length === 0) {
    throw new TypeError(
      `isotel/ai: wrapAISDK takes the namespace of the AI SDK (import * as ai from "ai"), ` +
        `an object with generateText or streamText; it got ${ai === null ? "null" : typeof ai}`,
    );
  }
  const isV7 = isFunction(namespace["registerTelemetry"]);
  const instrument: Instrument = isV7
    ? instrumentV7
    : (operation, params) => instrumentV6(operation, params, namespace);
  const wrapped = known.map((sdkFunction) => [
    sdkFunction.name,
    wrapFunction(
      telemetry,
      sdkFunction,
      namespace[sdkFunction.name] as Call,
      settings,
      instrument,
    ),
  ]);
  return { ...ai, ...Object.fromEntries(wrapped) };
}

function wrapFunction(
  telemetry: Telemetry,
  sdkFunction: SdkFunction,
  original: Call,
  settings: Settings,
  instrument: Instrument,
): Call {
  return function (this: unknown, ...args: unknown[]) {
    const params = record(args[0]) as Params | undefined;
    const call = telemetry.guard(() => readCall(params));
    if (params === undefined || call === undefined || call.isDisabled) {
      return original.apply(this, args);
    }
    const { name, options } = operationSpan(telemetry, settings, call);
    return activateSpan(telemetry, name, options, (span) => {
      if (span === undefined) return original.apply(this, args);
      const traced = telemetry.guard(() => {
        const operation = new AIOperation(telemetry, span, sdkFunction, params, settings);
        return { operation, params: instrument(operation, params) };
      });
      if (traced === undefined) {
        span.finish();
        return original.apply(this, args);
      }
      const { operation } = traced;
      const run = () => original.apply(this, [traced.params, ...args.slice(1)]);
      return sdkFunction.isStream
        ? runStream(operation, params, run)
        : runPromise(operation, run);
    });
  };
}

/** What may be read of a call before it is known to be traced. */
function readCall(params: Params | undefined): {
  readonly isDisabled: boolean;
  readonly isBounded: boolean;
  readonly agentName: string | undefined;
} {
  if (params === undefined) return { isDisabled: true, isBounded: false, agentName: undefined };
  return {
    isDisabled: isDisabled(params),
    isBounded: params[boundedKey] === true,
    agentName: agentName(params),
  };
}

function runPromise(operation: AIOperation, run: () => unknown): unknown {
  const { telemetry } = operation;
  const pending = runOrFail(operation, run);
  if (!isThenable(pending)) {
    telemetry.guard(() => operation.finish(pending));
    return pending;
  }
  return pending.then(
    (result) => {
      telemetry.guard(() => operation.finish(result));
      return result;
    },
    (cause: unknown) => {
      telemetry.guard(() => operation.fail(cause));
      throw cause;
    },
  );
}

function runStream(operation: AIOperation, params: Params, run: () => unknown): unknown {
  const { telemetry } = operation;
  const result = runOrFail(operation, run);
  telemetry.guard(() => {
    if (observeResult(operation, result)) operation.cancelOn(params["abortSignal"]);
    else operation.finish(undefined);
  });
  return result;
}

function runOrFail(operation: AIOperation, run: () => unknown): unknown {
  try {
    return run();
  } catch (cause) {
    operation.telemetry.guard(() => operation.fail(cause));
    throw cause;
  }
}
