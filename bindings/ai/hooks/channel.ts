import { reportOnce } from "../../base/report_once.ts";
import { isFunction, record, text } from "../../base/values.ts";
import { isRecorded, type Telemetry } from "../../trace/telemetry.ts";
import { activateOperation } from "../calls/operation.ts";
import { runProviderCall } from "../calls/provider_call.ts";
import { runToolCall } from "../calls/tool_call.ts";
import { type AITelemetryOptions, readSettings, type Settings } from "../options.ts";
import { OperationHooks, runObserved, toolRequest } from "./integration.ts";
import { openCalls, setListening, type TracedCall, takeClaim } from "./integration_calls.ts";
import { announcedOperation, type SdkEvent } from "./integration_events.ts";
import { modelCallsOf, modelFunctionOf, providerRequest } from "./integration_models.ts";

const channelName = "ai:telemetry";
const noOutput = "AI_NoOutputGeneratedError";

/** A message of the SDK. All stages of a call share one object. */
interface Message {
  readonly type: string;
  readonly event: SdkEvent;
  readonly error?: unknown;
}

interface StartChannel {
  runStores(message: unknown, body: (...args: unknown[]) => unknown, ...rest: unknown[]): unknown;
}

interface TracingChannel {
  readonly start: StartChannel;
  subscribe(subscribers: object): void;
  unsubscribe(subscribers: object): void;
}

/** An operation that the channel announced. */
class ChannelOperation extends OperationHooks implements TracedCall {
  truncate(): void {
    this.operation.truncate();
  }
}

let unsubscribe: (() => void) | undefined;

/**
 * Traces the calls on the tracing channel; see `traceAISDKChannel`.
 *
 * @param isTakenOver Returns whether another copy of this package traces the channel. The copy that takes over has
 * stopped this tracing before it returns.
 */
export function traceChannel(
  telemetry: Telemetry,
  options: AITelemetryOptions | undefined,
  isTakenOver?: () => boolean,
): () => void {
  const settings = readSettings(options);
  telemetry.addPrices(settings.prices);
  if (unsubscribe !== undefined) return unsubscribe;
  const channel = tracingChannel();
  if (channel === undefined) {
    reportOnce(
      "isotel: traceAISDKChannel traces nothing because the runtime has no diagnostics " +
        "channel. Add the compatibility flag nodejs_compat.",
    );
    return () => {};
  }
  const tracer = new ChannelTracer(telemetry, settings);
  const { start } = channel;
  const original = start.runStores;
  // A store that is bound to the channel cannot make a native span active. Running the call inside a span can.
  const runStores: StartChannel["runStores"] = (message, body, ...rest) => {
    const isActive = unsubscribe === stop;
    // The tracing that took over has not seen this message.
    if (isActive && isTakenOver?.() === true) return start.runStores(message, body, ...rest);
    return tracer.run(message, () => original.call(start, message, body, ...rest));
  };
  const subscribers = { asyncEnd: (message: unknown) => tracer.ended(message) };
  start.runStores = runStores;
  // The SDK publishes nothing without a subscriber.
  channel.subscribe(subscribers);
  setListening(true);
  const stop = () => {
    if (unsubscribe !== stop) return;
    unsubscribe = undefined;
    setListening(false);
    channel.unsubscribe(subscribers);
    if (start.runStores === runStores) start.runStores = original;
    tracer.stop();
  };
  unsubscribe = stop;
  return stop;
}

/**
 * Returns the tracing channel if the runtime has it. An import would make isotel fail to load in a runtime without the
 * channel.
 */
function tracingChannel(): TracingChannel | undefined {
  const { process } = globalThis as {
    process?: { getBuiltinModule?: (id: string) => unknown };
  };
  try {
    const diagnostics = record(process?.getBuiltinModule?.("node:diagnostics_channel"));
    const create = diagnostics?.["tracingChannel"];
    const channel = isFunction(create) ? create.call(diagnostics, channelName) : undefined;
    const start = record(record(channel)?.["start"]);
    return isFunction(start?.["runStores"]) ? (channel as TracingChannel) : undefined;
  } catch {
    return undefined;
  }
}

class ChannelTracer {
  readonly #telemetry: Telemetry;
  readonly #settings: Settings;
  readonly #streams = new WeakMap<object, ChannelOperation>();
  #isStopped = false;

  constructor(telemetry: Telemetry, settings: Settings) {
    this.#telemetry = telemetry;
    this.#settings = settings;
  }

  /** Runs the stage of a call that a message announces inside its span. */
  run(message: unknown, stage: () => unknown): unknown {
    if (this.#isStopped) return stage();
    return runObserved(this.#telemetry, stage, (execute) => {
      const { type, event } = message as Message;
      switch (type) {
        case "generateText":
        case "streamText":
          return this.#runOperation(message as Message, execute);
        case "step":
          return this.#runStep(event, execute);
        case "languageModelCall":
          return this.#runModelCall(event, execute);
        case "executeTool":
          return this.#runTool(event, execute);
        default:
          return this.#runModelFunction(event, execute);
      }
    });
  }

  /** Handles the end of a call's stream. */
  ended(message: unknown): void {
    this.#telemetry.guard(() => {
      const call = this.#streams.get(message as object);
      if (call === undefined) return;
      const { event, error } = message as Message;
      const { failure } = call.operation;
      if (error === undefined) call.onEnd(undefined);
      // A stream without output rejects for lack of output, even if its model call had another error.
      else if (failure !== undefined && record(error)?.["name"] === noOutput) {
        call.onError({ error: failure.cause });
      } else call.onError({ ...event, error });
    });
  }

  stop(): void {
    this.#isStopped = true;
    openCalls.drop(this.#telemetry, this);
  }

  #runOperation(message: Message, execute: () => unknown): unknown {
    const telemetry = this.#telemetry;
    const { event } = message;
    const callId = text(event["callId"]);
    const isClaimed = takeClaim();
    if (callId === undefined || isClaimed || openCalls.has(callId)) return execute();
    const announced = announcedOperation(telemetry, this.#settings, event);
    if (announced === undefined) return execute();
    const { name, options } = announced;
    return activateOperation(telemetry, this.#settings, name, options, (span) => {
      const operation = span && announced.begin(span);
      if (operation === undefined) return execute();
      const call = new ChannelOperation(operation);
      openCalls.add(telemetry, callId, this, (onClose) => {
        operation.onClose = onClose;
        return call;
      });
      if (operation.isStream) this.#streams.set(message, call);
      const result = execute();
      if (!operation.isStream) {
        Promise.resolve(result).then(
          (value) => telemetry.guard(() => call.onEnd(value)),
          (error: unknown) => telemetry.guard(() => call.onError({ ...event, error })),
        );
      }
      return result;
    });
  }

  #runModelFunction(event: SdkEvent, execute: () => unknown): unknown {
    const telemetry = this.#telemetry;
    const modelFunction = modelFunctionOf(event);
    const callId = text(event["callId"]);
    if (modelFunction === undefined || callId === undefined) return execute();
    if (takeClaim() || openCalls.has(callId) || !isRecorded(telemetry)) return execute();
    const owner = modelCallsOf(telemetry, this.#settings, modelFunction, event);
    let close = () => {};
    // Added before the call runs, so that no registered integration traces it.
    openCalls.add(telemetry, callId, this, (onClose) => {
      close = onClose;
      return { truncate: onClose };
    });
    let result: unknown;
    const observed = runProviderCall(
      owner,
      providerRequest(modelFunction, event),
      () => {
        result = execute();
        return result;
      },
      (call, value) => call.settled(providerResult(value)),
    );
    Promise.resolve(observed).then(close, close);
    return result;
  }

  #runStep(event: SdkEvent, execute: () => unknown): unknown {
    const call = openCalls.get(event["callId"], this);
    const result = execute();
    if (call instanceof ChannelOperation && !call.operation.isStream) {
      Promise.resolve(result).then(
        (step) => this.#telemetry.guard(() => call.onStepEnd(step)),
        ignore,
      );
    }
    return result;
  }

  #runModelCall(event: SdkEvent, execute: () => unknown): unknown {
    const call = openCalls.get(event["callId"], this);
    if (!(call instanceof ChannelOperation)) return execute();
    let result: unknown;
    call
      .executeLanguageModelCall({
        ...event,
        execute: () => {
          result = execute();
          return Promise.resolve(result);
        },
      })
      .then(undefined, ignore);
    return result;
  }

  #runTool(event: SdkEvent, execute: () => unknown): unknown {
    const call = openCalls.get(event["callId"], this);
    if (!(call instanceof ChannelOperation)) return execute();
    let result: unknown;
    let output: unknown;
    const request = { ...toolRequest(event), result: () => output };
    runToolCall(call.operation, request, async () => {
      result = execute();
      // The SDK converts an error of a tool into an output.
      const outcome = record(record(await result)?.["output"]);
      if (outcome?.["type"] === "tool-error") throw outcome["error"];
      output = outcome?.["output"];
    }).then(undefined, ignore);
    return result;
  }
}

/** Returns the result of an SDK function in the form of its model's result. */
function providerResult(value: unknown): unknown {
  const source = record(value);
  const responses = source?.["responses"];
  const response = source?.["response"] ?? (Array.isArray(responses) ? responses[0] : undefined);
  return { usage: source?.["usage"], response };
}

// The caller receives the promise of the stage.
function ignore(): void {}
