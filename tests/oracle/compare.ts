import { isDeepStrictEqual } from "node:util";
import type { Span } from "../harness/spans.ts";
import type { Data, Outcome } from "./call_record.ts";
import type { Case } from "./dimensions.ts";
import type { ExpectedSpan } from "./expected_spans.ts";
import type { Entry, Lane } from "./log.ts";

const comparedLanes: readonly Lane[] = ["caller", "callback", "model", "tool", "signal", "client"];

/** How a stream of a model ends. */
const ends: ReadonlySet<string> = new Set(["cancelled", "closed", "errored", "read error"]);

/** Returns the differences of two runs of a call for its caller. Only the order within a lane counts. */
export function differences(
  { ender, place, reader }: Case,
  plain: readonly Entry[],
  observed: readonly Entry[],
): string[] {
  const found: string[] = [];
  const stops = ender !== "nobody" || place === "transform" || reader === "unread";
  for (const lane of comparedLanes) {
    let a = plain.filter((entry) => entry.lane === lane);
    let b = observed.filter((entry) => entry.lane === lane);
    // A branch of a tee may get one part more or less before it gets an error.
    const isTwin = lane === "caller" && ender === "tee";
    const isInside = lane === "model" || lane === "tool" || lane === "callback" || isTwin;
    if (ender === "return" || (stops && isInside)) {
      // The progress of a call until its invocation is over depends only on time. When its caller stops it, the model
      // may be a part ahead, and its stream may end either way.
      [a, b] = [a, b].map((list) => list.filter(({ what }) => !ends.has(what))) as [
        Entry[],
        Entry[],
      ];
      const length = Math.min(a.length, b.length);
      [a, b] = [a.slice(0, length), b.slice(0, length)];
    }
    if (isDeepStrictEqual(a, b)) continue;
    const at = a.findIndex((entry, index) => !isDeepStrictEqual(entry, b[index]));
    const index = at < 0 ? a.length : at;
    const [from, to] = [JSON.stringify(a[index]), JSON.stringify(b[index])];
    found.push(`${lane} differs at ${index}: plain ${from}, observed ${to}`);
  }
  return found;
}

const keys = {
  operation: "gen_ai.operation.name",
  errorType: "error.type",
  canceled: "cloudflare.agents.canceled",
  truncated: "cloudflare.agents.span.truncated",
  finishReason: "cloudflare.agents.response.finish_reason",
  input: "gen_ai.usage.input_tokens",
  output: "gen_ai.usage.output_tokens",
  toolCallId: "gen_ai.tool.call.id",
  inputMessages: "gen_ai.input.messages",
  outputMessages: "gen_ai.output.messages",
} as const;

/** Returns the operation of a span. A span that never closed has lost its attributes, but not its name. */
export function operationOf({ attributes, closed, name }: Span): string {
  return String(closed ? attributes[keys.operation] : name.split(" ")[0]);
}

const operationNames: ReadonlySet<string> = new Set([
  "invoke_agent",
  "chat",
  "execute_tool",
  "embeddings",
  "rerank",
  "generate_content",
]);

/** Returns the differences between the spans of a call and the expected spans. */
export function disagreements(
  value: Case,
  expected: readonly ExpectedSpan[],
  spans: readonly Span[],
): string[] {
  const found: string[] = [];
  const inner = spans.filter((span) => !span.isInvocation && operationNames.has(operationOf(span)));
  const operations = new Set([
    ...expected.map(({ operation }) => operation),
    ...inner.map(operationOf),
  ]);
  for (const operation of operations) {
    const actual = inner.filter((span) => operationOf(span) === operation);
    const wanted = expected.filter((one) => one.operation === operation);
    found.push(...groupDifferences(value, operation, wanted, actual, spans));
  }
  found.push(...sumDifferences(inner));
  return found;
}

/** Compares the spans of one operation, in the order in which they started. */
function groupDifferences(
  value: Case,
  operation: string,
  expected: readonly ExpectedSpan[],
  actual: readonly Span[],
  spans: readonly Span[],
): string[] {
  const wanted = [...expected];
  while (wanted.length > actual.length) {
    const ids = new Set(actual.map((span) => span.attributes[keys.toolCallId]));
    const missing = wanted.findLastIndex(
      ({ isOptional, toolCallId }) => isOptional === true && !ids.has(toolCallId),
    );
    const optional = wanted.findLastIndex(({ isOptional }) => isOptional === true);
    const at = missing < 0 ? optional : missing;
    if (at < 0) break;
    wanted.splice(at, 1);
  }
  if (wanted.length !== actual.length) {
    return [`${operation}: ${actual.length} spans, expected ${wanted.length}`];
  }
  const found: string[] = [];
  const free = [...actual];
  for (const [index, one] of wanted.entries()) {
    const at =
      one.toolCallId === undefined
        ? 0
        : free.findIndex((span) => span.attributes[keys.toolCallId] === one.toolCallId);
    const [span] = free.splice(Math.max(at, 0), 1) as [Span];
    const label = `${operation} ${index}`;
    if (!span.closed) {
      // The runtime closes open spans, unless other work outlasts the handler, such as the send of metrics.
      if (!one.outcomes.some(({ end }) => end === "cut")) found.push(`${label}: never closed`);
      continue;
    }
    const ways = one.outcomes.map((outcome) => outcomeDifferences(label, one, outcome, span));
    // Reports the differences from the likeliest outcome.
    if (ways.every((way) => way.length > 0)) found.push(...(ways[0] as string[]));
    found.push(...parentDifferences(label, one, span, spans));
    found.push(...contentDifferences(label, value, one, span));
  }
  return found;
}

function outcomeDifferences(
  label: string,
  { finishReason, usage, operation }: ExpectedSpan,
  outcome: Outcome,
  { attributes, status }: Span,
): string[] {
  const found: string[] = [];
  const check = (what: string, actual: unknown, wanted: unknown) => {
    if (actual !== wanted) found.push(`${label}: ${what} is ${actual}, expected ${wanted}`);
  };
  const isFailed = outcome.end === "failed";
  check("status", status, isFailed ? "error" : "unset");
  if (outcome.end === "cut") {
    check("finish_reason", attributes[keys.finishReason], undefined);
    return found;
  }
  const errorType = attributes[keys.errorType];
  check("error.type", errorType, isFailed ? (outcome.errorType ?? errorType) : undefined);
  check("canceled", attributes[keys.canceled], outcome.end === "canceled" ? true : undefined);
  check("truncated", attributes[keys.truncated], outcome.end === "truncated" ? true : undefined);
  if (outcome.end !== "finished") return found;
  if (finishReason !== undefined) {
    check("finish_reason", attributes[keys.finishReason], finishReason);
  }
  if ((operation === "chat" || operation === "embeddings") && usage !== undefined) {
    check("input tokens", attributes[keys.input], usage.input);
    check("output tokens", attributes[keys.output], usage.output);
  }
  return found;
}

function parentDifferences(
  label: string,
  { parent }: ExpectedSpan,
  span: Span,
  spans: readonly Span[],
): string[] {
  const actual = spans.find(({ spanId }) => spanId === span.parentSpanId);
  const isRight = {
    root: actual?.isInvocation === true,
    operation: actual !== undefined && operationOf(actual) === "invoke_agent",
    chat: actual !== undefined && operationOf(actual) === "chat",
  };
  return isRight[parent] ? [] : [`${label}: is below ${actual?.name}, expected ${parent}`];
}

function contentDifferences(
  label: string,
  value: Case,
  { operation, content }: ExpectedSpan,
  { attributes }: Span,
): string[] {
  if (operation !== "chat") return [];
  const hasInput = attributes[keys.inputMessages] !== undefined;
  if (hasInput !== value.content) return [`${label}: ${hasInput ? "has" : "lacks"} its prompt`];
  const json = attributes[keys.outputMessages];
  if (!value.content) return json === undefined ? [] : [`${label}: has content`];
  // If the answer is not complete, any part of it may be recorded.
  if (attributes[keys.finishReason] === undefined || content === undefined) return [];
  const [message] = JSON.parse(String(json ?? "[]")) as { parts: Data[] }[];
  const actual = message?.parts.map((part) => {
    if (part["type"] !== "blob") return part;
    const { content: _, bytes: __, ...rest } = part;
    return rest;
  });
  if (isDeepStrictEqual(actual ?? [], content)) return [];
  return [`${label}: content is ${JSON.stringify(actual)}, expected ${JSON.stringify(content)}`];
}

/** Whether the runtime has ended a span, which then has no end attributes. */
function isCut({ attributes, status }: Span): boolean {
  const ends = [keys.finishReason, keys.canceled, keys.truncated];
  return status === "unset" && ends.every((key) => attributes[key] === undefined);
}

/** The usage of an operation is the sum over its model calls. */
function sumDifferences(spans: readonly Span[]): string[] {
  const operation = spans.find((span) => operationOf(span) === "invoke_agent");
  if (operation === undefined || !operation.closed || isCut(operation)) return [];
  const calls = spans.filter((span) => operationOf(span) === "chat");
  return [keys.input, keys.output].flatMap((key) => {
    const values = calls.map((call) => call.attributes[key]).filter((value) => value !== undefined);
    const sum = values.length === 0 ? undefined : values.reduce<number>((a, b) => a + Number(b), 0);
    const actual = operation.attributes[key];
    return actual === sum ? [] : [`invoke_agent 0: ${key} is ${actual}, its calls have ${sum}`];
  });
}
