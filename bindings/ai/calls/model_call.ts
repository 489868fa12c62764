import { Operation, Outcome } from "../../core/abi.gen.ts";
import type { Span } from "../../trace/span.ts";
import { activateSpan } from "../../trace/tracer.ts";
import { partsOf } from "../content/parts.ts";
import { addInput, addOutput } from "../content/record.ts";
import { StreamedAnswer } from "../content/streamed_answer.ts";
import { record, text } from "../read.ts";
import type { SpanInfo } from "../span_info.ts";
import { observeStream } from "../streams/observe_stream.ts";
import type { CallOwner } from "./call_owner.ts";
import {
  findGatewayAnswer,
  type GatewayAnswer,
  mergeGatewayAnswers,
  watchBinding,
} from "./gateway_answer.ts";
import { interceptModel } from "./model_proxy.ts";
import { redactedTarget } from "./redaction.ts";
import { addCall, addRequest, type ModelInfo, modelInfo } from "./request.ts";
import {
  addResponse,
  emptySummary,
  finishReasonOf,
  gatewayOf,
  type ResponseSummary,
  summarize,
} from "./response.ts";

/** What the SDK asks a model for. */
export interface ModelRequest {
  readonly model: ModelInfo;
  readonly method: "doGenerate" | "doStream";
  /** The model itself, where it is at hand. */
  readonly source?: unknown;
  /** Temperature and the like, under the SDK's names. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** One attempt at a model call: a chat span from the request to the last part of the answer. */
export class ModelCall {
  readonly span: Span;
  readonly #operation: CallOwner;
  readonly #info: SpanInfo;
  readonly #answer: StreamedAnswer | undefined;
  #summary: ResponseSummary = emptySummary();
  readonly #bindingAnswer: () => GatewayAnswer;
  #content: unknown;
  #hasOutput = false;
  #failure: { readonly cause: unknown } | undefined;

  constructor(operation: CallOwner, span: Span, request: ModelRequest, info: SpanInfo) {
    this.#operation = operation;
    this.#info = info;
    this.span = span;
    span.onTruncate = () => this.closeWith(Outcome.truncated);
    const { telemetry, identity, isStream, outputType, content } = operation;
    if (isStream && content.outputMessages) this.#answer = new StreamedAnswer();
    const fields = span.beginFields();
    addCall(fields, request.method, identity);
    addRequest(fields, telemetry, request.model, request.settings, {
      stream: isStream,
      outputType,
    });
    if (content.inputMessages) {
      addInput(fields, request.settings, span.profile, operation.redactor(info));
    }
    span.start();
    operation.enrich(span, info);
    this.#bindingAnswer = watchBinding(request.source);
    operation.callStarted(this);
  }

  /** The call settled with the result of doGenerate, or with the stream of doStream. */
  settled(result: unknown): void {
    const stream = record(result)?.["stream"];
    if (!(stream instanceof ReadableStream)) {
      this.#summary = this.#operation.telemetry.guard(() => summarize(result)) ?? this.#summary;
      this.#noteGateway(this.#bindingAnswer());
      this.#content = this.#operation.telemetry.guard(() => record(result)?.["content"]);
      this.#close(() => this.span.close(Outcome.finished));
      return;
    }
    const source = record(result);
    this.#noteGateway(this.#bindingAnswer());
    this.#noteGateway(gatewayOf(source, record(source?.["response"])));
    const isObserved = observeStream(stream, {
      onChunk: (part) => this.#operation.telemetry.guard(() => this.observe(part)),
      onDone: () => this.#streamEnded(),
      onError: (cause) => {
        this.fail(cause);
        this.#operation.modelStreamFailed?.(cause);
      },
      onCancel: () => this.cancel(),
    });
    if (this.#operation.isClosed) this.closeWith(this.#operation.lateOutcome);
    else if (!isObserved) this.#close(() => this.span.close(Outcome.finished));
  }

  /** Takes one part of a model's stream into account. */
  observe(value: unknown): void {
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
        this.#summary.id = text(part["id"]) ?? this.#summary.id;
        this.#summary.model = text(part["modelId"]) ?? this.#summary.model;
        return;
      case "finish":
        this.#summary.finishReason = finishReasonOf(part["finishReason"]);
        this.#summary.usage = part["usage"];
        this.#noteGateway(findGatewayAnswer(part["providerMetadata"]));
        return;
      case "error":
        this.#failure = { cause: part["error"] };
        return;
      case "tool-call":
        this.#summary.toolCalls += 1;
        break;
      default:
    }
    if (!this.#hasOutput) {
      this.#hasOutput = true;
      this.span.firstChunk();
    }
  }

  #noteGateway(answer: GatewayAnswer): void {
    this.#summary.gateway = mergeGatewayAnswers(this.#summary.gateway, answer);
  }

  fail(cause: unknown): void {
    this.#operation.telemetry.guard(() => {
      this.#noteGateway(findGatewayAnswer(cause));
      this.#noteGateway(this.#bindingAnswer());
    });
    this.#operation.noteFailure(cause);
    this.#close(() => this.span.closeWithCause(cause));
  }

  cancel(): void {
    this.#close(() => this.span.close(Outcome.cancelled));
  }

  /** Ends the call as its operation ends, if it is still open. */
  closeWith(outcome: number): void {
    this.#close(() => this.span.close(outcome));
  }

  #streamEnded(): void {
    if (this.#failure !== undefined) this.fail(this.#failure.cause);
    else this.#close(() => this.span.close(Outcome.finished));
  }

  #close(end: () => void): void {
    if (!this.#operation.callEnded(this)) return;
    const fields = this.span.beginFields();
    // What a provider handed over may throw when it is read: the span ends all the same.
    this.#operation.telemetry.guard(() => {
      addResponse(fields, this.#summary, (value) => this.span.intern(value));
      if (!this.#operation.content.outputMessages) return;
      const parts = this.#answer?.parts() ?? partsOf(this.#content);
      const redact = this.#operation.redactor(this.#info);
      addOutput(fields, parts, this.#summary.finishReason, this.span.profile, redact);
    });
    end();
  }
}

/** Runs a model call inside its chat span; just runs it where the operation is over or nothing records it. */
export function runModelCall<T>(
  operation: CallOwner,
  request: ModelRequest,
  execute: () => PromiseLike<T>,
): PromiseLike<T> {
  const { telemetry } = operation;
  const info: SpanInfo = {
    operation: "chat",
    agentName: operation.identity.agentName,
    model: request.model.modelId,
  };
  const options = operation.childOptions(Operation.chat, info);
  const target = redactedTarget(options.redact, "gen_ai.request.model", info.model);
  const name = telemetry.nameOf(Operation.chat, target);
  return activateSpan(telemetry, name, options, (span) => {
    if (span === undefined) return execute();
    const call = telemetry.guard(() => new ModelCall(operation, span, request, info));
    if (call === undefined) {
      span.finish();
      return execute();
    }
    let pending: PromiseLike<T>;
    try {
      pending = execute();
    } catch (cause) {
      telemetry.guard(() => call.fail(cause));
      throw cause;
    }
    return pending.then(
      (result) => {
        telemetry.guard(() => call.settled(result));
        return result;
      },
      (cause: unknown) => {
        telemetry.guard(() => call.fail(cause));
        throw cause;
      },
    );
  });
}

/** A model whose calls get chat spans; everything else about it is the original's. */
export function observedModel(operation: CallOwner, model: object): object {
  return interceptModel(model, (key, method) => {
    if (key !== "doGenerate" && key !== "doStream") return undefined;
    return (options, ...rest) => {
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
