import { Operation, Outcome } from "../../core/abi.gen.ts";
import type { SpanFields } from "../../core/span_fields.ts";
import type { Span, SpanOptions } from "../../trace/span.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import type { Redact } from "../../trace/user_attributes.ts";
import { type ContentPolicy, contentPolicy, noContent } from "../content/policy.ts";
import type { Settings, SpanInfo } from "../options.ts";
import { Approvals } from "./approvals.ts";
import type { CallOwner, OwnedCall } from "./call_owner.ts";
import {
  type Identity,
  identityOf,
  metadataAttributes,
  type Params,
  telemetryOptions,
} from "./identity.ts";
import { enrichmentOf, redactedTarget, redactorOf } from "./redaction.ts";
import { addCall, addRequest, modelInfo } from "./request.ts";
import { addResponse, emptySummary, type ResponseSummary, summarize } from "./response.ts";

/** An SDK function that isotel instruments. */
export interface SdkFunction {
  readonly name: string;
  readonly isStream: boolean;
  readonly outputType: string;
}

/**
 * One call of an SDK function: its invoke_agent span and its model calls. It ends once, at the first end that is
 * observed. Open model calls end with it.
 */
export class AIOperation implements CallOwner {
  readonly telemetry: Telemetry;
  readonly identity: Identity;
  readonly isStream: boolean;
  readonly outputType: string;
  readonly settings: Settings;
  readonly content: ContentPolicy;
  readonly approvals: Approvals = new Approvals(this);
  readonly #span: Span;
  // An array, because there is rarely more than one.
  readonly #openCalls: OwnedCall[] = [];
  readonly #signals: AbortSignal[] = [];
  readonly #onAbort = () => this.cancel();
  #model: string | undefined;
  #givenModel: unknown;
  /** Called once when the operation ends. */
  onClose: (() => void) | undefined;
  #hasConsumer = false;
  #callCount = 0;
  #failure: { readonly cause: unknown } | undefined;
  #lateOutcome: number = Outcome.cancelled;
  #isClosed = false;

  constructor(
    telemetry: Telemetry,
    span: Span,
    sdkFunction: SdkFunction,
    params: Params,
    settings: Settings,
  ) {
    this.telemetry = telemetry;
    this.settings = settings;
    this.content = span.isMeasuredOnly
      ? noContent
      : contentPolicy(settings, telemetryOptions(params));
    this.identity = identityOf(params);
    this.isStream = sdkFunction.isStream;
    this.outputType = outputTypeOf(params) ?? sdkFunction.outputType;
    this.#span = span;
    span.onTruncate = () => this.truncate();
    span.isAbandoned = () => this.isStream && !this.#hasConsumer;
    const fields = span.newFields();
    addCall(fields, sdkFunction.name, this.identity);
    const model = modelInfo(params["model"]);
    this.#model = model.modelId;
    this.#givenModel = params["model"];
    addRequest(fields, telemetry, model, params, this);
    span.start(fields);
    if (!span.isMeasuredOnly) {
      span.setAttributes(metadataAttributes(telemetry, params, settings.contextKeys));
    }
    const { agentName } = this.identity;
    this.enrich(span, { operation: "invoke_agent", agentName, model: model.modelId });
    this.approvals.recordDenied(params);
  }

  get stream(): boolean {
    return this.isStream;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The error of the last model call. Undefined if another call followed it. */
  get failure(): { readonly cause: unknown } | undefined {
    return this.#failure;
  }

  /** Returns the model object of the call, if it has this id. prepareStep may have replaced it. */
  givenModel(modelId: string | undefined): unknown {
    return modelId !== undefined && modelId === this.#model ? this.#givenModel : undefined;
  }

  /** Runs `body` inside the operation's span. */
  activate<T>(body: () => T): T {
    return this.#span.activate(body);
  }

  /** Returns the options of a child span. */
  childOptions(operation: number, info: SpanInfo): SpanOptions {
    return {
      operation,
      profile: this.#span.profile,
      parent: this.#span,
      bounded: this.#span.bounded,
      hasChunks: this.isStream && operation === Operation.chat,
      redact: this.redactor(info),
    };
  }

  /** Returns the user's redaction for one span. */
  redactor(info: SpanInfo): Redact | undefined {
    return redactorOf(this.telemetry, this.settings, info);
  }

  /** Adds the attributes of the user's `enrich` hook to a span that starts. */
  enrich(span: Span, info: SpanInfo): void {
    if (span.isMeasuredOnly) return;
    const attributes = enrichmentOf(this.telemetry, this.settings, info);
    if (attributes !== undefined) span.setAttributes(attributes);
  }

  /** Ends a streaming operation when the caller aborts, even if the stream has no reader. */
  cancelOn(signal: unknown): void {
    if (!(signal instanceof AbortSignal)) return;
    this.noteSignal(signal);
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Notes a signal that can abort a model call. The SDK uses its own signals for timeouts. */
  noteSignal(signal: unknown): void {
    if (signal instanceof AbortSignal && !this.#signals.includes(signal)) {
      this.#signals.push(signal);
    }
  }

  /** Notes the start of a model call, which may be a retry. */
  callStarted(call: OwnedCall): void {
    this.#callCount += 1;
    this.#failure = undefined;
    this.#openCalls.push(call);
  }

  /** Notes the end of a model call. Returns whether the call was still open. */
  callEnded(call: OwnedCall): boolean {
    const at = this.#openCalls.indexOf(call);
    if (at === -1) return false;
    if (at === this.#openCalls.length - 1) this.#openCalls.pop();
    else this.#openCalls.splice(at, 1);
    return true;
  }

  /** Notes the error of a model call. The operation fails with it if no other call follows. */
  noteFailure(cause: unknown): void {
    this.#failure = { cause };
  }

  /** Ends the operation after the SDK function has returned or its promise was fulfilled. */
  finish(result: unknown): void {
    // The model calls have the summary. The result is read only if no model call was observed.
    const { telemetry } = this;
    const read = this.#callCount > 0 ? undefined : telemetry.guard(() => summarize(result));
    this.#close(Outcome.finished, read);
  }

  /** Notes that a consumer began to read the stream. */
  noteConsumer(): void {
    this.#hasConsumer = true;
  }

  /** Notes that the last consumer left before the end of the stream. */
  consumerLeft(): void {
    if (this.#failure !== undefined) this.fail(this.#failure.cause);
    else this.cancel();
  }

  /** Notes that the stream of the SDK function reached its end. */
  streamEnded(): void {
    if (this.#failure !== undefined) this.fail(this.#failure.cause);
    else if (this.#signals.some((signal) => signal.aborted)) this.cancel();
    else this.finish(undefined);
  }

  fail(cause: unknown): void {
    const fields = this.#endFields(Outcome.cancelled);
    if (fields !== undefined) this.#span.closeWithCause(cause, fields);
  }

  /** Ends the operation because the caller or the runtime stopped it. */
  cancel(): void {
    this.#close(Outcome.cancelled);
  }

  /**
   * Ends the operation because the stream of a model failed. The SDK retries only failures that a stream reports as an
   * error part.
   */
  modelStreamFailed(cause: unknown): void {
    this.fail(cause);
  }

  /** Ends the operation because its invocation is over or too many operations are open. */
  truncate(): void {
    this.#close(Outcome.truncated);
  }

  /** The outcome of a model call that ends after its operation. */
  get lateOutcome(): number {
    return this.#lateOutcome;
  }

  #close(outcome: number, summary?: ResponseSummary): void {
    const fields = this.#endFields(outcome, summary);
    if (fields !== undefined) this.#span.close(outcome, fields);
  }

  /**
   * Ends the open calls. Returns the finish fields, or undefined if the operation has already ended.
   *
   * @param summary The summary of the result. Given if no model call supplied one.
   */
  #endFields(
    callOutcome: number,
    summary: ResponseSummary = emptySummary(),
  ): SpanFields | undefined {
    if (this.#isClosed) return undefined;
    this.#isClosed = true;
    this.#lateOutcome = callOutcome === Outcome.truncated ? Outcome.truncated : Outcome.cancelled;
    this.onClose?.();
    for (const signal of this.#signals) signal.removeEventListener("abort", this.#onAbort);
    // Each call removes itself from the list.
    for (const call of [...this.#openCalls]) call.closeWith(callOutcome);
    const fields = this.#span.newFields();
    this.telemetry.guard(() => addResponse(fields, summary));
    return fields;
  }
}

/**
 * Returns name and options of the span of an operation. Uses only data that may be read before the call is known to be
 * traced.
 */
export function operationSpan(
  telemetry: Telemetry,
  settings: Settings,
  call: { readonly agentName: string | undefined; readonly isBounded: boolean },
): { readonly name: string; readonly options: SpanOptions } {
  const redact = redactorOf(telemetry, settings, {
    operation: "invoke_agent",
    agentName: call.agentName,
  });
  const target = redactedTarget(redact, "gen_ai.agent.name", call.agentName);
  return {
    name: telemetry.nameOf(Operation.invokeAgent, target),
    options: {
      operation: Operation.invokeAgent,
      profile: settings.profile,
      bounded: call.isBounded,
      redact,
    },
  };
}

// `Output.object()` and similar functions ask for JSON. Their `responseFormat` is a promise, their name is not.
function outputTypeOf(params: Params): string | undefined {
  const output = params["output"] ?? params["experimental_output"];
  if (typeof output !== "object" || output === null) return undefined;
  const { name } = output as { name?: unknown };
  return typeof name === "string" && name !== "text" ? "json" : undefined;
}
