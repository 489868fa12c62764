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
  cost: ReportedCost | undefined;
}

/** The cost of a model call in US dollars, as its provider or a gateway reports it. */
export interface ReportedCost {
  readonly amount: number;
  readonly source: "provider" | "gateway";
}

export function emptySummary(): ResponseSummary {
  return {
    id: undefined,
    model: undefined,
    finishReason: undefined,
    usage: undefined,
    toolCalls: 0,
    gateway: noAnswer,
    cost: undefined,
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
    cost: reportedCost(source),
  };
}

/**
 * Returns the cost that a response reports. `source` is the result of a model, or the finish part of its stream.
 *
 * | field | sender |
 * | --- | --- |
 * | `providerMetadata.gateway.cost` | Vercel's AI Gateway |
 * | `providerMetadata.openrouter.usage.cost`, `usage.raw.cost` | OpenRouter |
 * | `providerMetadata.perplexity.cost.totalCost`, `usage.raw.cost.total_cost` | Perplexity |
 * | `providerMetadata.xai.costInUsdTicks`, `usage.raw.cost_in_usd_ticks` | xAI |
 */
export function reportedCost(
  source: Readonly<Record<string, unknown>> | undefined,
): ReportedCost | undefined {
  const metadata = record(source?.["providerMetadata"]);
  const gateway = costIn(metadata?.["gateway"]);
  if (gateway !== undefined) return { amount: gateway, source: "gateway" };
  const provided = Object.values(metadata ?? {}).flatMap((own) => [own, record(own)?.["usage"]]);
  const raw = record(source?.["usage"])?.["raw"];
  const amount = [...provided, raw].map(costIn).find((cost) => cost !== undefined);
  return amount === undefined ? undefined : { amount, source: "provider" };
}

const ticksPerDollar = 1e10;

function costIn(value: unknown): number | undefined {
  const source = record(value);
  if (source === undefined) return undefined;
  const { cost } = source;
  const details = record(cost);
  const currency = text(details?.["currency"]) ?? text(source["currency"]) ?? "USD";
  if (currency.toUpperCase() !== "USD") return undefined;
  const ticks = amountOf(source["costInUsdTicks"] ?? source["cost_in_usd_ticks"]);
  const total = details?.["totalCost"] ?? details?.["total_cost"];
  return (
    amountOf(total) ?? amountOf(cost) ?? (ticks === undefined ? undefined : ticks / ticksPerDollar)
  );
}

/** Returns an amount of money: a number of at least 0, or its text. */
function amountOf(value: unknown): number | undefined {
  const isText = typeof value === "string" && /^\d+(\.\d+)?(e-?\d+)?$/i.test(value);
  const amount = isText ? Number(value) : number(value);
  return amount !== undefined && Number.isFinite(amount) && amount >= 0 ? amount : undefined;
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
  const { cost } = summary;
  if (cost !== undefined) {
    fields.number(Field.cost, cost.amount).verbatim(Field.costSource, cost.source);
  }
  // 0 may mean that none was observed. The core then uses the sum over the calls of the operation.
  if (summary.toolCalls > 0) fields.number(Field.toolCount, summary.toolCalls);
  fields.verbatim(Field.finishReason, summary.finishReason);
  addUsage(fields, summary.usage);
}

/**
 * Adds the details of a failure, other than its type, to the finish fields of a span.
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
