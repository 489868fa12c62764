import { errorMessage, failureOf } from "../../base/cause.ts";
import { number, record, text } from "../../base/values.ts";
import { Field } from "../../core/abi.gen.ts";
import type { SpanFields } from "../../core/span_fields.ts";
import {
  addGatewayAnswer,
  findGatewayAnswer,
  type GatewayAnswer,
  gatewayHeaders,
  mergeGatewayAnswers,
  noAnswer,
} from "./gateway_answer.ts";

/** The summary of a model's response, read from a result or collected from a stream. */
export interface ResponseSummary {
  id: string | undefined;
  model: string | undefined;
  finishReason: string | undefined;
  /** The usage object of the SDK or the provider, in any of their forms. */
  usage: unknown;
  toolCalls: number;
  gateway: GatewayAnswer;
}

export function emptySummary(): ResponseSummary {
  return {
    id: undefined,
    model: undefined,
    finishReason: undefined,
    usage: undefined,
    toolCalls: 0,
    gateway: noAnswer,
  };
}

/** Reads the result of `doGenerate` or of an SDK function. */
export function summarize(result: unknown): ResponseSummary {
  const source = record(result);
  const response = record(source?.["response"]);
  return {
    id: text(response?.["id"]),
    model: text(response?.["modelId"]),
    finishReason: finishReasonOf(source?.["finishReason"]),
    usage: source?.["totalUsage"] ?? source?.["usage"],
    toolCalls: countToolCalls(source),
    gateway: gatewayOf(source, response),
  };
}

/** Returns the AI Gateway data of the headers, else of the provider's metadata. */
export function gatewayOf(
  result: Readonly<Record<string, unknown>> | undefined,
  response: Readonly<Record<string, unknown>> | undefined,
): GatewayAnswer {
  const answer = gatewayHeaders(response?.["headers"]);
  const metadata = result?.["providerMetadata"];
  if (answer.logId !== undefined || metadata === undefined) return answer;
  return mergeGatewayAnswers(answer, findGatewayAnswer(metadata));
}

/** Returns a finish reason. It is a string, or `{unified, raw}` since specification v3. */
export function finishReasonOf(value: unknown): string | undefined {
  return text(value) ?? text(record(value)?.["unified"]);
}

/** Adds a summary to the finish fields of a span. */
export function addResponse(fields: SpanFields, summary: ResponseSummary): void {
  fields.text(Field.responseId, summary.id);
  fields.text(Field.responseModel, summary.model);
  addGatewayAnswer(fields, summary.gateway);
  // 0 may mean that none was observed. The core then uses the sum over the calls of the operation.
  if (summary.toolCalls > 0) fields.number(Field.toolCount, summary.toolCalls);
  fields.verbatim(Field.finishReason, summary.finishReason);
  addUsage(fields, summary.usage);
}

/**
 * Adds what a failure says besides its type to the finish fields of a span.
 *
 * @param withMessage whether to add the message of the error.
 */
export function addFailure(fields: SpanFields, cause: unknown, withMessage: boolean): void {
  const { statusCode, code } = failureOf(cause);
  fields.number(Field.httpStatusCode, statusCode).text(Field.errorCode, code);
  if (withMessage) fields.text(Field.errorMessage, errorMessage(cause));
}

/**
 * Adds usage to the fields. Reads both forms: `{inputTokens: n, inputTokenDetails: {...}}` of the SDK and
 * `{inputTokens: {total, cacheRead, cacheWrite}}` of providers since specification v3.
 */
function addUsage(fields: SpanFields, usage: unknown): void {
  const source = record(usage);
  if (source === undefined) return;
  const { inputTokens, outputTokens } = source;
  const input = record(inputTokens);
  const output = record(outputTokens);
  const inputDetails = record(source["inputTokenDetails"]);
  const outputDetails = record(source["outputTokenDetails"]);
  fields.number(Field.inputTokens, input === undefined ? inputTokens : input["total"]);
  fields.number(Field.outputTokens, output === undefined ? outputTokens : output["total"]);
  fields.number(
    Field.cacheReadInputTokens,
    number(inputDetails?.["cacheReadTokens"]) ??
      number(input?.["cacheRead"]) ??
      source["cachedInputTokens"],
  );
  fields.number(
    Field.cacheCreationInputTokens,
    number(inputDetails?.["cacheWriteTokens"]) ?? input?.["cacheWrite"],
  );
  fields.number(
    Field.reasoningOutputTokens,
    number(outputDetails?.["reasoningTokens"]) ??
      number(output?.["reasoning"]) ??
      source["reasoningTokens"],
  );
  fields.number(Field.totalTokens, source["totalTokens"]);
}

function countToolCalls(source: Readonly<Record<string, unknown>> | undefined): number {
  const content = source?.["content"];
  if (Array.isArray(content)) {
    let count = 0;
    for (const part of content) if (record(part)?.["type"] === "tool-call") count += 1;
    return count;
  }
  const toolCalls = source?.["toolCalls"];
  return Array.isArray(toolCalls) ? toolCalls.length : 0;
}
