import { Field, Outcome } from "../../core/abi.gen.ts";
import type { FieldSet } from "../../core/field_set.ts";
import type { Span } from "../../trace/span.ts";
import { isThenable } from "../../trace/thenable.ts";
import { activateSpan } from "../../trace/tracer.ts";
import { record, text } from "../read.ts";
import type { ModelKind } from "../sdk/model_kinds.ts";
import type { SpanInfo } from "../span_info.ts";
import { observeStream } from "../streams/observe_stream.ts";
import type { CallOwner } from "./call_owner.ts";
import { gatewayHeaders, mergeGatewayAnswers } from "./gateway_answer.ts";
import { tokenUsage } from "./provider_usage.ts";
import { redactedTarget } from "./redaction.ts";
import { addCall, addRequest, type ModelInfo } from "./request.ts";
import { addResponse, emptySummary, type ResponseSummary, summarize } from "./response.ts";

/** What is asked of a model that does not chat. */
export interface ProviderRequest {
  readonly kind: ModelKind;
  readonly model: ModelInfo;
  readonly method: string;
  /** The options of the method. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** One request to a model that does not chat: its span, from the request to the last part of the answer. */
export class ProviderCall {
  readonly span: Span;
  readonly #owner: CallOwner;
  #summary: ResponseSummary = emptySummary();
  #hasOutput = false;
  #isFinished = false;
  #failure: { readonly cause: unknown } | undefined;

  constructor(owner: CallOwner, span: Span, request: ProviderRequest, info: SpanInfo) {
    this.#owner = owner;
    this.span = span;
    span.onTruncate = () => this.closeWith(Outcome.truncated);
    const { kind, options } = request;
    const fields = span.beginFields();
    addCall(fields, request.method, owner.identity);
    addRequest(fields, owner.telemetry, request.model, options, {
      stream: request.method === "doStream",
      outputType: kind.outputType,
    });
    addCounts(fields, options);
    span.start();
    owner.enrich(span, info);
    owner.callStarted(this);
  }

  /** The request settled with a result, or with the stream of one. */
  settled(result: unknown): void {
    const stream = record(result)?.["stream"];
    this.#summary = summaryOf(result);
    if (!(stream instanceof ReadableStream)) {
      this.#close(() => this.span.close(Outcome.finished));
      return;
    }
    const isObserved = observeStream(stream, {
      onChunk: (part) => this.#observe(part),
      onDone: () => this.#streamEnded(),
      onError: (cause) => this.fail(cause),
      onCancel: () => this.closeWith(Outcome.cancelled),
    });
    if (!isObserved) this.#close(() => this.span.close(Outcome.finished));
  }

  #noteGateway(headers: unknown): void {
    this.#summary.gateway = mergeGatewayAnswers(this.#summary.gateway, gatewayHeaders(headers));
  }

  fail(cause: unknown): void {
    this.#noteGateway(record(cause)?.["responseHeaders"]);
    this.#close(() => this.span.closeWithCause(cause));
  }

  closeWith(outcome: number): void {
    this.#close(() => this.span.close(outcome));
  }

  #observe(value: unknown): void {
    const part = record(value);
    switch (part?.["type"]) {
      case undefined:
      case "stream-start":
      case "raw":
        return;
      case "response-metadata":
        this.#summary.id = text(part["id"]) ?? this.#summary.id;
        this.#summary.model = text(part["modelId"]) ?? this.#summary.model;
        this.#noteGateway(part["headers"]);
        return;
      case "finish":
        this.#isFinished = true;
        this.#summary.usage = tokenUsage(part["usage"]);
        return;
      case "error":
        this.#failure = { cause: part["error"] };
        return;
      default:
    }
    if (this.#hasOutput) return;
    this.#hasOutput = true;
    this.span.firstChunk();
  }

  // An error part is no end: these streams go on, and have failed if they then end without a finish part.
  #streamEnded(): void {
    if (this.#failure !== undefined && !this.#isFinished) this.fail(this.#failure.cause);
    else this.closeWith(Outcome.finished);
  }

  #close(end: () => void): void {
    if (!this.#owner.callEnded(this)) return;
    addResponse(this.span.beginFields(), this.#summary, (value) => this.span.intern(value));
    end();
  }
}

/**
 * Runs a request to a model inside its span; just runs it where nothing records it.
 *
 * @param settle takes the result instead of {@link ProviderCall.settled}.
 */
export function runProviderCall(
  owner: CallOwner,
  request: ProviderRequest,
  execute: () => unknown,
  settle: (call: ProviderCall, result: unknown) => void = (call, result) => call.settled(result),
): unknown {
  const { telemetry } = owner;
  const { operation, label } = request.kind;
  const info: SpanInfo = {
    operation: label,
    agentName: owner.identity.agentName,
    model: request.model.modelId,
  };
  const options = owner.childOptions(operation, info);
  const target = redactedTarget(options.redact, "gen_ai.request.model", info.model);
  return activateSpan(telemetry, telemetry.nameOf(operation, target), options, (span) => {
    if (span === undefined) return execute();
    const call = telemetry.guard(() => new ProviderCall(owner, span, request, info));
    if (call === undefined) {
      span.finish();
      return execute();
    }
    let pending: unknown;
    try {
      pending = execute();
    } catch (cause) {
      telemetry.guard(() => call.fail(cause));
      throw cause;
    }
    if (!isThenable(pending)) {
      telemetry.guard(() => settle(call, pending));
      return pending;
    }
    return pending.then(
      (result) => {
        telemetry.guard(() => settle(call, result));
        return result;
      },
      (cause: unknown) => {
        telemetry.guard(() => call.fail(cause));
        throw cause;
      },
    );
  });
}

function addCounts(fields: FieldSet, options: Readonly<Record<string, unknown>>): void {
  // One choice is what there is without asking.
  if (options["n"] !== 1) fields.number(Field.choiceCount, options["n"]);
  fields.number(Field.embeddingDimensions, options["dimensions"]);
  fields.number(Field.retrievalTopK, options["topN"]);
}

function summaryOf(result: unknown): ResponseSummary {
  const source = record(result);
  const summary = summarize(result);
  summary.usage = tokenUsage(source?.["usage"]);
  // Results of embedding models name no model, the body of the provider's answer mostly does.
  summary.model ??= text(record(record(source?.["response"])?.["body"])?.["model"]);
  return summary;
}
