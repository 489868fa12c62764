import { Operation, Outcome } from "../../core/abi.gen.ts";
import type { SpanFields } from "../../core/span_fields.ts";
import type { Span, SpanOptions } from "../../trace/span.ts";
import type { Attributes } from "../../trace/span_runtime.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import { activateSpan, runDetached } from "../../trace/tracer.ts";
import type { Redact } from "../../trace/user_attributes.ts";
import type { Part } from "../content/parts.ts";
import { type ContentPolicy, contentPolicy, noContent } from "../content/policy.ts";
import { addInput, addOutput } from "../content/record.ts";
import type { Settings, SpanInfo } from "../options.ts";
import { Approvals } from "./approvals.ts";
import type { CallOwner, OwnedCall } from "./call_owner.ts";
import {
  CallSignals,
  cancelling,
  closeSpan,
  type Ending,
  failing,
  finishing,
  truncating,
} from "./ending.ts";
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
import { ClientTools } from "./tool_span.ts";

/** An SDK function that isotel instruments. */
export interface SdkFunction {
  readonly name: string;
  readonly isStream: boolean;
  readonly outputType: string;
  /** Whether its stream continues after an abort if the model continues. */
  readonly leavesAbortToModel?: boolean;
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
  readonly clientTools: ClientTools = new ClientTools(this);
  readonly #span: Span;
  // An array, because there is rarely more than one.
  readonly #openCalls: OwnedCall[] = [];
  readonly #openTools = new Set<OwnedCall>();
  readonly #signals = new CallSignals();
  /** The caller's signal, if it ends the stream. */
  #abortSignal: AbortSignal | undefined;
  readonly #onAbort = () => {
    if (!this.#mayFailOtherwise()) this.stop();
  };
  /** Whether nothing ends a span of the operation any more. One function for all of its spans. */
  readonly #isLeft = () => this.isClosed || this.isAbandoned;
  #model: string | undefined;
  #givenModel: unknown;
  /** The metadata of the call, if child spans have it too. */
  #childMetadata: Attributes | undefined;
  #addAnswer: ((fields: SpanFields) => void) | undefined;
  /** Called once when the operation ends. */
  onClose: (() => void) | undefined;
  #hasConsumer = false;
  #callCount = 0;
  #stepNumber = 0;
  #failure: { readonly cause: unknown; readonly ending: Ending } | undefined;
  #isFinished = false;
  readonly #leavesAbortToModel: boolean;
  #isStopped = false;
  #output: StreamedOutput | undefined;
  #parts: WeakSet<object> | undefined;
  #lateEnding: Ending = cancelling;
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
    this.#leavesAbortToModel = sdkFunction.leavesAbortToModel === true;
    this.outputType = outputTypeOf(params) ?? sdkFunction.outputType;
    this.#span = span;
    span.recordsErrors = this.content.errorMessages;
    span.onTruncate = () => this.truncate();
    this.noteSignal(params["abortSignal"]);
    const fields = span.newFields();
    addCall(fields, sdkFunction.name, this.identity);
    const model = modelInfo(params["model"]);
    this.#model = model.modelId;
    this.#givenModel = params["model"];
    addRequest(fields, telemetry, model, params, this);
    if (this.content.agentInput)
      addInput(fields, promptOf(params), span.profile, this.redactor(this.#info));
    span.start(fields);
    const { contextKeys, metadataOnChildren } = settings;
    const metadata = span.isMeasuredOnly ? {} : metadataAttributes(telemetry, params, contextKeys);
    span.setAttributes(metadata);
    this.enrich(span, this.#info);
    if (metadataOnChildren) this.#childMetadata = metadata;
    this.approvals.recordDenied(params);
    this.clientTools.use(params["tools"]);
    this.clientTools.recordAnswers(params);
  }

  get stream(): boolean {
    return this.isStream;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether nothing ends the operation any more: its stream has no reader, or its caller has aborted it. */
  get isAbandoned(): boolean {
    if (this.isStream && !this.#hasConsumer) return true;
    return !this.#leavesAbortToModel && this.#signals.hasAborted;
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

  get #info(): SpanInfo {
    return { operation: "invoke_agent", agentName: this.identity.agentName, model: this.#model };
  }

  /** Returns the user's redaction for one span. */
  redactor(info: SpanInfo): Redact | undefined {
    return redactorOf(this.telemetry, this.settings.redact, info);
  }

  /** Adds the attributes of the user's `enrich` hook to a span that starts. */
  enrich(span: Span, info: SpanInfo): void {
    span.isAbandoned = this.#isLeft;
    if (span.isMeasuredOnly) return;
    if (this.#childMetadata !== undefined) span.setAttributes(this.#childMetadata);
    const attributes = enrichmentOf(this.telemetry, this.settings, info);
    if (attributes !== undefined) span.setAttributes(attributes);
  }

  /** Ends a streaming operation when its caller aborts, even if the stream has no reader. */
  cancelOn(signal: unknown): void {
    if (!(signal instanceof AbortSignal) || this.#isClosed) return;
    this.#abortSignal = signal;
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /**
   * Whether the reader of the stream may get another error than the timeout that has aborted the call: version 6 passes
   * on what the model does. If the model does nothing, the operation ends with its invocation.
   */
  #mayFailOtherwise(): boolean {
    const isTimeout = this.#signals.abortEnding()?.outcome === Outcome.failed;
    return isTimeout && this.#hasConsumer && this.#span.scope?.ended === false;
  }

  /** Notes a signal that can abort a model call. The SDK uses its own signals for timeouts. */
  noteSignal(signal: unknown): void {
    this.#signals.add(signal);
  }

  endingOf(cause: unknown, signal?: unknown): Ending {
    // After the last part, an abort has stopped nothing.
    return this.#isFinished ? failing(cause) : this.#signals.endingOf(cause, signal);
  }

  abortEnding(): Ending | undefined {
    return this.#signals.abortEnding();
  }

  /** A model call that follows a failed one is a retry, which belongs to the same step. */
  get stepNumber(): number {
    const isNext = this.#callCount > 0 && this.#failure === undefined;
    return isNext ? this.#stepNumber + 1 : this.#stepNumber;
  }

  /** Notes the start of a model call, which may be a retry. */
  callStarted(call: OwnedCall): void {
    this.#stepNumber = this.stepNumber;
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

  /** Returns whether a part of a response was not passed before. */
  isFirst(part: object): boolean {
    this.#parts ??= new WeakSet();
    if (this.#parts.has(part)) return false;
    this.#parts.add(part);
    return true;
  }

  /** Notes the start of a tool. Returns a function to call when it has ended. */
  toolStarted(tool: OwnedCall): () => void {
    this.#openTools.add(tool);
    return () => this.#openTools.delete(tool);
  }

  /**
   * Whether the operation has ended in an invocation that is over. Work that is still running may stop without notice.
   */
  get isOver(): boolean {
    return this.#isClosed && this.#span.scope?.ended === true;
  }

  noteAnswer(parts: readonly Part[], finishReason: string | undefined): void {
    const { profile } = this.#span;
    this.#addAnswer = (fields) =>
      addOutput(fields, parts, finishReason, profile, this.redactor(this.#info));
  }

  /** Notes an error of a model call or in the stream. The operation fails with it if no other call follows. */
  noteFailure(cause: unknown, ending: Ending = this.endingOf(cause)): void {
    if (!this.#isStopped) this.#failure = { cause, ending };
  }

  /** Notes that the SDK reports an abort. Later failures are consequences of it. */
  noteAbort(): void {
    const ending = this.#signals.abortEnding();
    if (ending !== undefined) this.#failure = { cause: ending.cause, ending };
    this.#isStopped = true;
  }

  /** Notes that the caller has got the last part of the stream. Aborting or leaving it then changes nothing. */
  noteLastPart(): void {
    this.#isFinished = true;
  }

  /** Ends the operation after the SDK function has returned or its promise was fulfilled. */
  finish(result: unknown): void {
    // The model calls have the summary. The result is read only if no model call was observed.
    const { telemetry } = this;
    const read = this.#callCount > 0 ? undefined : telemetry.guard(() => summarize(result));
    this.#end(finishing, read);
  }

  /** Notes that a consumer began to read the stream. */
  noteConsumer(): void {
    this.#hasConsumer = true;
  }

  /** Notes that the last consumer left before the end of the stream. */
  consumerLeft(): void {
    this.#settle(cancelling);
  }

  /** Notes that the stream of the SDK function reached its end. */
  streamEnded(): void {
    if (this.#output !== undefined && !this.#isClosed) this.#endAfter(this.#output);
    else this.#settle(this.#signals.abortEnding());
  }

  /** Observes the structured output of a stream, which is parsed on demand. */
  expectOutput(): StreamedOutput {
    this.#output ??= new StreamedOutput(this);
    return this.#output;
  }

  /** Ends the operation when the output has been parsed, if the caller asks for it right after the stream. */
  async #endAfter(output: StreamedOutput): Promise<void> {
    await output.parsed();
    this.telemetry.guard(() => this.#settle(this.#signals.abortEnding()));
  }

  /** Ends the operation because it was aborted. */
  stop(ending: Ending = this.#signals.abortEnding() ?? cancelling): void {
    // After the last part, the end of the stream follows.
    if (!this.#isFinished) this.#settle(ending);
  }

  fail(cause: unknown): void {
    this.#end(this.endingOf(cause));
  }

  /** Ends the operation. An error or a last part that was noted takes precedence over the given ending. */
  #settle(ending: Ending | undefined): void {
    if (this.#failure !== undefined) this.#end(this.#failure.ending);
    else if (this.#isFinished || ending === undefined) this.finish(undefined);
    else this.#end(ending);
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
    this.#settle(this.#signals.abortEnding() ?? truncating);
  }

  /** The ending of a model call or a tool that ends after its operation. */
  get lateEnding(): Ending {
    return this.#lateEnding;
  }

  /**
   * Ends the operation and its open calls. Does nothing if it has already ended.
   *
   * @param summary The summary of the result. Given if no model call supplied one.
   */
  #end(ending: Ending, summary: ResponseSummary = emptySummary()): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#lateEnding = callEnding(ending);
    this.onClose?.();
    this.#abortSignal?.removeEventListener("abort", this.#onAbort);
    // Each call removes itself from the list.
    for (const call of [...this.#openCalls]) call.end(this.#lateEnding);
    // A tool may outlast its operation. No code runs after an invocation that is over.
    if (this.isOver) for (const tool of [...this.#openTools]) tool.end(this.#lateEnding);
    const fields = this.#span.newFields();
    this.telemetry.guard(() => {
      addResponse(fields, summary);
      this.#addAnswer?.(fields);
    });
    closeSpan(this.#span, ending, fields);
  }
}

/** How many microtasks a caller may need from the end of a stream to `await result.output`. */
const microtasksToOutput = 64;

/** The structured output of a stream. The SDK parses it only if the caller asks for it. */
export class StreamedOutput {
  readonly #operation: AIOperation;
  #parsing: PromiseLike<unknown> | undefined;

  constructor(operation: AIOperation) {
    this.#operation = operation;
  }

  /** Notes that the output is being parsed. If it cannot be parsed, the operation fails. */
  noteParsing(parsing: PromiseLike<unknown>): void {
    this.#parsing = parsing.then(undefined, (cause: unknown) => this.#operation.noteFailure(cause));
  }

  /** Resolves when the output has been parsed, or if nothing asks for it. Needs no timer. */
  async parsed(): Promise<void> {
    for (let i = 0; i < microtasksToOutput && this.#parsing === undefined; i += 1) await undefined;
    await this.#parsing;
  }
}

/** Returns the ending of a call that its operation interrupts. */
function callEnding(ending: Ending): Ending {
  return ending.outcome === Outcome.truncated || ending.isAbort === true ? ending : cancelling;
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
  const redact = redactorOf(telemetry, settings.redact, {
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

/** Opens the span of an operation and runs `body` with it active; see {@link activateSpan}. */
export function activateOperation<T>(
  telemetry: Telemetry,
  settings: Settings,
  name: string,
  options: SpanOptions,
  body: (span: Span | undefined) => T,
): T {
  const run = () => activateSpan(telemetry, name, options, body);
  return settings.detached ? runDetached(telemetry, run) : run();
}

/** Returns the prompt and the instructions of a call in the form of a model's settings. */
function promptOf(params: Params): Readonly<Record<string, unknown>> {
  const { prompt, messages, instructions, system } = params;
  const list = typeof prompt === "string" ? [{ role: "user", content: prompt }] : prompt;
  return { prompt: list ?? messages, instructions: instructions ?? system };
}

// `Output.object()` and similar functions ask for JSON. Their `responseFormat` is a promise, their name is not.
function outputTypeOf(params: Params): string | undefined {
  const output = params["output"] ?? params["experimental_output"];
  if (typeof output !== "object" || output === null) return undefined;
  const { name } = output as { name?: unknown };
  return typeof name === "string" && name !== "text" ? "json" : undefined;
}
