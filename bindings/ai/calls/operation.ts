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
export class AIOperation implements CallOwner {
  readonly telemetry: Telemetry;
  readonly identity: Identity;
  readonly isStream: boolean;
  readonly outputType: string;
  readonly settings: Settings;
  readonly content: ContentPolicy;
  readonly approvals: Approvals = new Approvals(this);
  readonly #span: Span;
  // Hardly ever more than one at a time.
  readonly #openCalls: OwnedCall[] = [];
  readonly #signals: AbortSignal[] = [];
  readonly #onAbort = () => this.cancel();
  #model: string | undefined;
  #givenModel: unknown;
  /** Called once, as the operation ends. */
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

  /** Why the last model call failed, unless another followed it. */
  get failure(): { readonly cause: unknown } | undefined {
    return this.#failure;
  }

  /** The model object the call was given, if that is the one of this id; prepareStep may have put in another. */
  givenModel(modelId: string | undefined): unknown {
    return modelId !== undefined && modelId === this.#model ? this.#givenModel : undefined;
  }

  /** Runs `body` inside the operation's span. */
  activate<T>(body: () => T): T {
    return this.#span.activate(body);
  }

  /** Options of a child span. */
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

  /** The user's redaction for one span. */
  redactor(info: SpanInfo): Redact | undefined {
    return redactorOf(this.telemetry, this.settings, info);
  }

  /** Adds what the user's hook has to add to a span that starts. */
  enrich(span: Span, info: SpanInfo): void {
    if (span.isMeasuredOnly) return;
    const attributes = enrichmentOf(this.telemetry, this.settings, info);
    if (attributes !== undefined) span.setAttributes(attributes);
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
  callStarted(call: OwnedCall): void {
    this.#callCount += 1;
    this.#failure = undefined;
    this.#openCalls.push(call);
  }

  /** Whether the call was still open. */
  callEnded(call: OwnedCall): boolean {
    const at = this.#openCalls.indexOf(call);
    if (at === -1) return false;
    if (at === this.#openCalls.length - 1) this.#openCalls.pop();
    else this.#openCalls.splice(at, 1);
    return true;
  }

  /** Notes why a model call failed; the operation fails with it unless another call follows. */
  noteFailure(cause: unknown): void {
    this.#failure = { cause };
  }

  /** The SDK function returned, or its promise was fulfilled. */
  finish(result: unknown): void {
    // The calls say it all, unless none was seen; results are not read without need.
    const { telemetry } = this;
    const read = this.#callCount > 0 ? undefined : telemetry.guard(() => summarize(result));
    this.#close(Outcome.finished, read);
  }

  /** Somebody began to read the stream. */
  noteConsumer(): void {
    this.#hasConsumer = true;
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
    const fields = this.#endFields(Outcome.cancelled);
    if (fields !== undefined) this.#span.closeWithCause(cause, fields);
  }

  /** The caller or the runtime stopped it. */
  cancel(): void {
    this.#close(Outcome.cancelled);
  }

  /** A model's stream broke off. Only what a stream says to be an error is tried again, so this is the end. */
  modelStreamFailed(cause: unknown): void {
    this.fail(cause);
  }

  /** Its invocation is over, or there are too many to remember. */
  truncate(): void {
    this.#close(Outcome.truncated);
  }

  /** How a model call ends that finds its operation over. */
  get lateOutcome(): number {
    return this.#lateOutcome;
  }

  #close(outcome: number, summary?: ResponseSummary): void {
    const fields = this.#endFields(outcome, summary);
    if (fields !== undefined) this.#span.close(outcome, fields);
  }

  /**
   * Ends the calls that are open; the finish fields, or undefined when the operation has ended before.
   *
   * @param summary of the result, where no call told of it.
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
    // Each takes itself off the list.
    for (const call of [...this.#openCalls]) call.closeWith(callOutcome);
    const fields = this.#span.newFields();
    this.telemetry.guard(() => addResponse(fields, summary));
    return fields;
  }
}

/** Name and options of the span of an operation, from what may be read of a call before it is known to be traced. */
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

// `Output.object()` and its kin ask for JSON; their `responseFormat` is a promise, their name is not.
function outputTypeOf(params: Params): string | undefined {
  const output = params["output"] ?? params["experimental_output"];
  if (typeof output !== "object" || output === null) return undefined;
  const { name } = output as { name?: unknown };
  return typeof name === "string" && name !== "text" ? "json" : undefined;
}
