import { Outcome } from "../core/abi.gen.ts";
import type { Span, SpanOptions } from "../trace/span.ts";
import type { Telemetry } from "../trace/telemetry.ts";
import { type Identity, identityOf, metadataAttributes, type Params } from "./identity.ts";
import type { ModelCall } from "./model_call.ts";
import type { Settings } from "./options.ts";
import { addCall, addRequest, modelInfo } from "./request.ts";
import { addResponse, emptySummary, type ResponseSummary, summarize } from "./response.ts";

/** An SDK function that instrumentation knows. */
export interface SdkFunction {
  readonly name: string;
  readonly isStream: boolean;
  readonly outputType: string;
}

/**
 * One call of an SDK function: its invoke_agent span and the model calls inside. It ends once, whoever is the first
 * to see the end; the calls that are open then end with it.
 */
export class AIOperation {
  readonly telemetry: Telemetry;
  readonly identity: Identity;
  readonly isStream: boolean;
  readonly outputType: string;
  readonly #span: Span;
  readonly #openCalls = new Set<ModelCall>();
  readonly #signals: AbortSignal[] = [];
  readonly #onAbort = () => this.cancel();
  #callCount = 0;
  #failure: { readonly cause: unknown } | undefined;
  #isClosed = false;

  constructor(
    telemetry: Telemetry,
    span: Span,
    sdkFunction: SdkFunction,
    params: Params,
    settings: Settings,
  ) {
    this.telemetry = telemetry;
    this.identity = identityOf(params);
    this.isStream = sdkFunction.isStream;
    this.outputType = outputTypeOf(params) ?? sdkFunction.outputType;
    this.#span = span;
    const fields = span.beginFields();
    addCall(fields, sdkFunction.name, this.identity);
    addRequest(fields, telemetry, modelInfo(params["model"]), params, this);
    span.start();
    span.setAttributes(metadataAttributes(telemetry, params, settings.contextKeys));
  }

  get stream(): boolean {
    return this.isStream;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Options of a child span. */
  childOptions(operation: number): SpanOptions {
    return {
      operation,
      profile: this.#span.profile,
      parent: this.#span,
      bounded: this.#span.bounded,
    };
  }

  /** Ends a stream's operation when the caller aborts, read or unread. */
  cancelOn(signal: unknown): void {
    if (!(signal instanceof AbortSignal)) return;
    this.noteSignal(signal);
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Notes a signal under which a model call runs; the SDK's own carry its time-outs. */
  noteSignal(signal: unknown): void {
    if (signal instanceof AbortSignal && !this.#signals.includes(signal)) {
      this.#signals.push(signal);
    }
  }

  /** A model call began. It may be the retry of one that failed. */
  callStarted(call: ModelCall): void {
    this.#callCount += 1;
    this.#failure = undefined;
    this.#openCalls.add(call);
  }

  /** Whether the call was still open. */
  callEnded(call: ModelCall): boolean {
    return this.#openCalls.delete(call);
  }

  /** Notes why a model call failed; the operation fails with it unless another call follows. */
  noteFailure(cause: unknown): void {
    this.#failure = { cause };
  }

  /** The SDK function returned, or its promise was fulfilled. */
  finish(result: unknown): void {
    // The calls say it all, unless none was seen; results are not read without need.
    const summary = this.#callCount > 0 ? emptySummary() : summarize(result);
    this.#close(Outcome.finished, summary, () => this.#span.close(Outcome.finished));
  }

  /** The last consumer of the stream went away before its end. */
  consumerLeft(): void {
    if (this.#failure !== undefined) this.fail(this.#failure.cause);
    else this.cancel();
  }

  /** The stream of an SDK function came to its end. */
  streamEnded(): void {
    if (this.#failure !== undefined) this.fail(this.#failure.cause);
    else if (this.#signals.some((signal) => signal.aborted)) this.cancel();
    else this.finish(undefined);
  }

  fail(cause: unknown): void {
    this.#close(Outcome.cancelled, emptySummary(), () => this.#span.closeWithCause(cause));
  }

  /** The caller or the runtime stopped it. */
  cancel(): void {
    this.#close(Outcome.cancelled, emptySummary(), () => this.#span.close(Outcome.cancelled));
  }

  #close(callOutcome: number, summary: ResponseSummary, end: () => void): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const signal of this.#signals) signal.removeEventListener("abort", this.#onAbort);
    for (const call of this.#openCalls) call.closeWith(callOutcome);
    addResponse(this.#span.beginFields(), summary, (value) => this.#span.intern(value));
    end();
  }
}

// `Output.object()` and its kin ask for JSON; their `responseFormat` is a promise, their name is not.
function outputTypeOf(params: Params): string | undefined {
  const output = params["output"] ?? params["experimental_output"];
  if (typeof output !== "object" || output === null) return undefined;
  const { name } = output as { name?: unknown };
  return typeof name === "string" && name !== "text" ? "json" : undefined;
}
