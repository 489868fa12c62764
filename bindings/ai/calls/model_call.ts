import { record, text } from "../../base/values.ts";
import { Field, Operation, Profile } from "../../core/abi.gen.ts";
import type { SpanFields } from "../../core/span_fields.ts";
import type { Span } from "../../trace/span.ts";
import { sentMessages } from "../content/messages.ts";
import { partsOf } from "../content/parts.ts";
import { addInput, addOutput, addToolDefinitions, type ContentFields } from "../content/record.ts";
import { StreamedAnswer } from "../content/streamed_answer.ts";
import type { SpanInfo } from "../options.ts";
import type { CallOwner } from "./call_owner.ts";
import { cancelling, type Ending, finishing } from "./ending.ts";
import {
  findGatewayAnswer,
  type GatewayAnswer,
  mergeGatewayAnswers,
  watchBinding,
} from "./gateway_answer.ts";
import { observeStream } from "./observe_stream.ts";
import { ProviderTools } from "./provider_tools.ts";
import { addCall, addRequest, addServer, type ModelInfo, modelInfo } from "./request.ts";
import { RequestCall, runRequest } from "./request_call.ts";
import { finishReasonOf, gatewayOf, reportedCost, summarize } from "./response.ts";
import { interceptModel } from "./substitutes.ts";

/** A request of the SDK to a language model. */
export interface ModelRequest {
  readonly model: ModelInfo;
  readonly method: "doGenerate" | "doStream";
  /** The model object, if it is available. */
  readonly source?: unknown;
  /** Settings such as the temperature, under the names of the SDK. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** One attempt at a model call. Its chat span lasts from the request to the last part of the response. */
class ModelCall extends RequestCall {
  readonly #info: SpanInfo;
  readonly #tools: ProviderTools;
  readonly #answer: StreamedAnswer | undefined;
  readonly #bindingAnswer: () => GatewayAnswer;
  #content: unknown;
  #isFinished = false;
  /** The error part of the stream. */
  #failure: { readonly cause: unknown; readonly ending: Ending } | undefined;

  constructor(owner: CallOwner, span: Span, request: ModelRequest, info: SpanInfo) {
    super(owner, span);
    this.#info = info;
    this.#tools = new ProviderTools(owner, span);
    const { telemetry, identity, isStream, outputType } = owner;
    const { content } = this;
    const { settings } = request;
    const recordsAnswer = content.outputMessages || content.agentOutput;
    const redact = owner.redactor(info);
    this.observe(redact);
    if (isStream && recordsAnswer) {
      const maxBytes = content.contentOn === "spans" ? undefined : this.event?.maxBytes;
      this.#answer = new StreamedAnswer(maxBytes);
    }
    const fields = span.newFields();
    addCall(fields, request.method, identity);
    addRequest(fields, telemetry, request.model, settings, {
      stream: isStream,
      outputType,
    });
    addServer(fields, span.profile, request.source);
    fields.number(Field.stepNumber, owner.stepNumber);
    if (content.inputMessages) {
      const prompt = { ...settings, messages: sentMessages(settings["messages"]) };
      this.#record(fields, (target, profile) => addInput(target, prompt, profile, redact));
    }
    if (content.toolDefinitions) {
      this.#record(fields, (target, profile) =>
        addToolDefinitions(target, settings, profile, redact),
      );
    }
    span.start(fields);
    owner.enrich(span, info);
    this.#bindingAnswer = watchBinding(request.source);
    owner.callStarted(this);
  }

  settled(result: unknown): void {
    const { owner } = this;
    const source = record(result);
    const stream = source?.["stream"];
    if (!(stream instanceof ReadableStream)) {
      this.summary = owner.telemetry.guard(() => summarize(result)) ?? this.summary;
      this.#noteGateway(this.#bindingAnswer());
      owner.telemetry.guard(() => {
        this.#content = source?.["content"];
        this.#observeTools(this.#content);
      });
      this.end(finishing);
      return;
    }
    this.#noteGateway(this.#bindingAnswer());
    this.#noteGateway(gatewayOf(source, record(source?.["response"])));
    const isObserved = observeStream(stream, {
      onChunk: (part) => this.#observeGuarded(part),
      onDone: () => this.end(finishing),
      onError: (cause) => {
        this.fail(cause);
        owner.modelStreamFailed?.(cause);
      },
      onCancel: () => this.interrupt(cancelling),
    });
    if (owner.isClosed) this.end(owner.lateEnding);
    else if (!isObserved) this.end(finishing);
  }

  #observeTools(content: unknown): void {
    if (!Array.isArray(content)) return;
    for (const value of content) {
      const part = record(value);
      if (part !== undefined) this.#tools.observe(part);
    }
  }

  /** Records one part of a model's stream. */
  #observe(value: unknown): void {
    const part = record(value);
    if (part === undefined) return;
    this.#answer?.add(part);
    switch (part["type"]) {
      case "stream-start":
      case "raw":
      case "text-start":
      case "reasoning-start":
      case "text-end":
      case "reasoning-end":
        return;
      case "response-metadata":
        this.summary.id = text(part["id"]) ?? this.summary.id;
        this.summary.model = text(part["modelId"]) ?? this.summary.model;
        return;
      case "finish":
        this.#isFinished = true;
        this.summary.finishReason = finishReasonOf(part["finishReason"]);
        this.summary.usage = part["usage"];
        this.summary.cost = reportedCost(part);
        this.#noteGateway(findGatewayAnswer(part["providerMetadata"]));
        return;
      case "error":
        this.#failure = { cause: part["error"], ending: this.owner.endingOf(part["error"]) };
        return;
      case "tool-call":
        this.summary.toolCalls += 1;
        break;
      default:
    }
    this.noteOutput();
    this.#tools.observe(part);
  }

  // Like telemetry.guard(), without a closure for each part.
  #observeGuarded(part: unknown): void {
    try {
      this.#observe(part);
    } catch (cause) {
      this.owner.telemetry.countSwallowed(cause);
    }
  }

  #noteGateway(answer: GatewayAnswer): void {
    this.summary.gateway = mergeGatewayAnswers(this.summary.gateway, answer);
  }

  fail(cause: unknown): void {
    this.#fail(cause, this.owner.endingOf(cause));
  }

  #fail(cause: unknown, ending: Ending): void {
    const { owner } = this;
    owner.telemetry.guard(() => {
      this.#noteGateway(findGatewayAnswer(cause));
      this.#noteGateway(this.#bindingAnswer());
    });
    owner.noteFailure(cause, ending);
    super.end(ending);
  }

  /** Ends the call. An error part or a finish part that has arrived takes precedence over the given ending. */
  override end(ending: Ending): void {
    if (this.#failure !== undefined) this.#fail(this.#failure.cause, this.#failure.ending);
    else super.end(this.#isFinished ? finishing : ending);
  }

  protected override endChildren(ending: Ending): void {
    this.#tools.end(ending);
  }

  protected override addContent(fields: SpanFields): void {
    const { owner } = this;
    const { outputMessages, agentOutput } = this.content;
    if (!outputMessages && !agentOutput) return;
    const parts = this.#answer?.parts() ?? partsOf(this.#content);
    if (agentOutput) owner.noteAnswer?.(parts, this.summary.finishReason);
    if (!outputMessages) return;
    const redact = owner.redactor(this.#info);
    this.#record(fields, (target, profile) =>
      addOutput(target, parts, this.summary.finishReason, profile, redact),
    );
  }

  /** Adds content to the span, its log record, or both. */
  #record(fields: SpanFields, add: (target: ContentFields, profile: number) => void): void {
    const { event } = this;
    const { contentOn } = this.content;
    if (event === undefined || contentOn !== "events") add(fields, this.span.profile);
    if (event !== undefined && contentOn !== "spans") add(event, Profile.latest);
  }
}

/** Runs a model call inside its chat span. Runs it without a span if the operation is over or nothing records it. */
export function runModelCall<T>(
  owner: CallOwner,
  request: ModelRequest,
  execute: () => PromiseLike<T>,
): PromiseLike<T> {
  const info: SpanInfo = {
    operation: "chat",
    agentName: owner.identity.agentName,
    model: request.model.modelId,
  };
  const open = (span: Span) => new ModelCall(owner, span, request, info);
  return runRequest(owner, Operation.chat, info, open, execute);
}

/**
 * Returns a model whose calls get chat spans. It otherwise behaves like `model`.
 *
 * @param isHooked Returns whether a hook of the SDK already traces the call that starts.
 */
export function observedModel(
  operation: CallOwner,
  model: object,
  isHooked: () => boolean,
): object {
  return interceptModel(model, (key, method) => {
    if (key !== "doGenerate" && key !== "doStream") return undefined;
    return (options, ...rest) => {
      if (isHooked()) return method(options, ...rest);
      const settings = record(options) ?? {};
      operation.noteSignal(settings["abortSignal"]);
      return runModelCall(
        operation,
        { model: modelInfo(model), method: key, source: model, settings },
        () => method(options, ...rest) as PromiseLike<unknown>,
      );
    };
  });
}
