import { number, record, text } from "../../base/values.ts";
import { Field, Operation } from "../../core/abi.gen.ts";
import type { SpanFields } from "../../core/span_fields.ts";
import type { Span } from "../../trace/span.ts";
import type { SpanInfo } from "../options.ts";
import type { CallOwner } from "./call_owner.ts";
import { cancelling, finishing } from "./ending.ts";
import { gatewayHeaders, mergeGatewayAnswers } from "./gateway_answer.ts";
import type { ModelKind } from "./model_kinds.ts";
import { observeStream } from "./observe_stream.ts";
import { addCall, addRequest, addServer, type ModelInfo } from "./request.ts";
import { RequestCall, runRequest } from "./request_call.ts";
import { type ResponseSummary, reportedCost, summarize } from "./response.ts";

/** A request to a model that is not a chat model. */
export interface ProviderRequest {
  readonly kind: ModelKind;
  readonly model: ModelInfo;
  readonly method: string;
  /** The model object, if it is available. */
  readonly source?: unknown;
  /** The options of the method. */
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * One request to a model that is not a chat model. Its span lasts from the request to the last part of the response.
 */
export class ProviderCall extends RequestCall {
  #isFinished = false;
  #failure: { readonly cause: unknown } | undefined;

  constructor(owner: CallOwner, span: Span, request: ProviderRequest, info: SpanInfo) {
    super(owner, span);
    const { kind, options } = request;
    if (kind.operation === Operation.generateContent) this.observe(owner.redactor(info));
    const fields = span.newFields();
    addCall(fields, request.method, owner.identity);
    addRequest(fields, owner.telemetry, request.model, options, {
      stream: request.method === "doStream",
      outputType: kind.outputType,
    });
    addServer(fields, span.profile, request.source);
    addCounts(fields, options);
    span.start(fields);
    owner.enrich(span, info);
    owner.callStarted(this);
  }

  settled(result: unknown): void {
    const stream = record(result)?.["stream"];
    this.summary = summaryOf(result);
    if (!(stream instanceof ReadableStream)) {
      this.end(finishing);
      return;
    }
    const isObserved = observeStream(stream, {
      onChunk: (part) => this.#observe(part),
      onDone: () => this.#streamEnded(),
      onError: (cause) => this.fail(cause),
      onCancel: () => this.interrupt(cancelling),
    });
    if (!isObserved) this.end(finishing);
  }

  #noteGateway(headers: unknown): void {
    this.summary.gateway = mergeGatewayAnswers(this.summary.gateway, gatewayHeaders(headers));
  }

  fail(cause: unknown): void {
    this.#noteGateway(record(cause)?.["responseHeaders"]);
    this.end(this.owner.endingOf(cause));
  }

  #observe(value: unknown): void {
    const part = record(value);
    switch (part?.["type"]) {
      case undefined:
      case "stream-start":
      case "raw":
        return;
      case "response-metadata":
        this.summary.id = text(part["id"]) ?? this.summary.id;
        this.summary.model = text(part["modelId"]) ?? this.summary.model;
        this.#noteGateway(part["headers"]);
        return;
      case "finish":
        this.#isFinished = true;
        this.summary.usage = tokenUsage(part["usage"]);
        this.summary.cost = reportedCost(part);
        return;
      case "error":
        this.#failure = { cause: part["error"] };
        return;
      default:
        this.noteOutput();
    }
  }

  // An error part does not end these streams. They have failed if they then end without a finish part.
  #streamEnded(): void {
    if (this.#failure !== undefined && !this.#isFinished) this.fail(this.#failure.cause);
    else this.end(finishing);
  }
}

/**
 * Runs a request to a model inside its span. Runs it without a span if nothing records it.
 *
 * @param settle Handles the result. Default: {@link ProviderCall.settled}.
 */
export function runProviderCall(
  owner: CallOwner,
  request: ProviderRequest,
  execute: () => unknown,
  settle?: (call: ProviderCall, result: unknown) => void,
): unknown {
  const { operation, label } = request.kind;
  const info: SpanInfo = {
    operation: label,
    agentName: owner.identity.agentName,
    model: request.model.modelId,
  };
  const open = (span: Span) => new ProviderCall(owner, span, request, info);
  return runRequest(owner, operation, info, open, execute, settle);
}

function addCounts(fields: SpanFields, options: Readonly<Record<string, unknown>>): void {
  // One choice is the default.
  if (options["n"] !== 1) fields.number(Field.choiceCount, options["n"]);
  fields.number(Field.embeddingDimensions, options["dimensions"]);
  fields.number(Field.retrievalTopK, options["topN"]);
}

function summaryOf(result: unknown): ResponseSummary {
  const source = record(result);
  const summary = summarize(result);
  summary.usage = tokenUsage(source?.["usage"]);
  // Results of embedding models do not name the model. The body of the provider's response usually does.
  summary.model ??= text(record(record(source?.["response"])?.["body"])?.["model"]);
  return summary;
}

/** Usage in the form that the SDK has for language models. */
interface TokenUsage {
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
  readonly totalTokens: number | undefined;
}

/**
 * Returns the token usage of a model that is not a chat model. The form depends on the kind:
 *
 * - embeddings: `{tokens}`
 * - images, decisions, streamed speech: `{inputTokens, outputTokens, totalTokens}`
 * - translations: tokens for each modality
 * - speech, transcription: the provider's own form
 */
function tokenUsage(usage: unknown): TokenUsage | undefined {
  const source = record(usage);
  if (source === undefined) return undefined;
  const read = (...keys: readonly string[]) =>
    keys.map((key) => number(source[key])).find((value) => value !== undefined);
  const embedded = read("tokens");
  return {
    inputTokens:
      embedded ??
      read("inputTokens", "input_tokens", "prompt_tokens") ??
      sum(read("inputTextTokens"), read("inputAudioTokens")),
    outputTokens:
      read("outputTokens", "output_tokens", "completion_tokens") ??
      sum(read("outputTextTokens"), read("outputAudioTokens")),
    totalTokens: embedded ?? read("totalTokens", "total_tokens"),
  };
}

function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined && b === undefined ? undefined : (a ?? 0) + (b ?? 0);
}
