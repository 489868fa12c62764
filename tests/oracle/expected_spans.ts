import {
  CallRecord,
  canceled,
  cut,
  type Data,
  data,
  failed,
  finished,
  never,
  type Outcome,
  timedOut,
  typeOf,
  viewOf,
} from "./call_record.ts";
import { type Case, operationFunctions } from "./dimensions.ts";
import type { Entry, ErrorView } from "./log.ts";
import { type OperationEnd, operationEnd } from "./operation_end.ts";

export interface ExpectedSpan {
  /** The value of gen_ai.operation.name. */
  readonly operation: string;
  /**
   * More than one if the work and its operation end at the same time, because the caller cannot know which came first.
   */
  readonly outcomes: readonly Outcome[];
  /** Whether the span may be missing: its work began after the end of its operation, or the caller did not see it. */
  readonly isOptional?: boolean;
  /** Whether the span is a tool call that the SDK did not run. */
  readonly isElsewhere?: boolean;
  /** Only for a span that finished. */
  readonly finishReason?: string | undefined;
  /** Only for a span that finished. */
  readonly usage?: Usage | undefined;
  readonly toolCallId?: string | undefined;
  /** The parts of gen_ai.output.messages of a span that finished. */
  readonly content?: readonly unknown[];
  readonly parent: "root" | "operation" | "chat";
}

export interface Usage {
  readonly input: number | undefined;
  readonly output: number | undefined;
}

const withOperation: ReadonlySet<Case["fn"]> = new Set(operationFunctions);

const operationNames: Readonly<Partial<Record<Case["fn"], string>>> = {
  embed: "embeddings",
  embedMany: "embeddings",
  rerank: "rerank",
  streamLanguageModelCall: "chat",
};

/** Returns the expected spans of a call, derived from what its caller saw without isotel. */
export function expectedSpans(value: Case, entries: readonly Entry[]): ExpectedSpan[] {
  const record = new CallRecord(value, entries);
  const isOperation = withOperation.has(value.fn);
  const operation = operationEnd(record);
  if (!isOperation) {
    const name = operationNames[value.fn] ?? "generate_content";
    // A request that is still running when the call is over ends with its invocation if the caller has aborted it.
    // Otherwise the runtime stops it.
    const left = record.abortedAt < never ? record.abortOutcome : cut;
    const outcomes = name === "chat" ? operation.outcomes : [left];
    const calls = modelCalls(record, { ...operation, outcomes }, "root");
    return calls.map((call) => {
      // A timeout may come before.
      const isLate = value.ender === "AbortSignal.timeout" && call.outcomes.includes(cut);
      const ends = isLate ? [...call.outcomes, failed] : call.outcomes;
      return { ...call, operation: name, outcomes: ends };
    });
  }
  const calls = modelCalls(record, operation, "operation");
  const { outcomes, finishReason } = operation;
  return [
    { operation: "invoke_agent", outcomes, finishReason, parent: "root" },
    ...calls,
    ...toolCalls(record, operation),
  ];
}

interface ModelCall {
  readonly startedAt: number;
  parts: Data[];
  end:
    | { readonly what: string; readonly at: number; readonly error?: ErrorView | undefined }
    | undefined;
  inBand: { readonly error: ErrorView; readonly at: number } | undefined;
  finish: { readonly at: number; readonly value: Data } | undefined;
}

function modelCalls(
  record: CallRecord,
  operation: OperationEnd,
  parent: "root" | "operation",
): ExpectedSpan[] {
  const calls: ModelCall[] = [];
  for (const [at, { lane, what, n = 0, error, value }] of record.entries.entries()) {
    if (lane !== "model") continue;
    if (what === "start") {
      calls[n] = { startedAt: at, parts: [], end: undefined, inBand: undefined, finish: undefined };
      continue;
    }
    const call = calls[n] as ModelCall;
    const detail = data(value);
    switch (what) {
      case "part":
        // If a model continues after its stream was cancelled, nothing receives its parts.
        if (call.end !== undefined) break;
        call.parts.push(detail);
        if (detail["type"] === "finish") call.finish = { at, value: detail };
        break;
      case "in-band error":
        call.inBand = { error: error as ErrorView, at };
        break;
      case "returned":
        call.finish = { at, value: detail };
        call.end = { what, at };
        break;
      default:
        call.end ??= { what, at, error };
    }
  }
  return calls.map((call): ExpectedSpan => {
    const { usage, finishReason } = call.finish?.value ?? {};
    return {
      operation: "chat",
      outcomes: outcomesOfCall(record, operation, call),
      isOptional: call.startedAt > operation.at,
      finishReason: (data(finishReason)["unified"] ?? finishReason) as string | undefined,
      usage: usageOf(usage),
      content: contentOf(call),
      parent,
    };
  });
}

function outcomesOfCall(record: CallRecord, operation: OperationEnd, call: ModelCall): Outcome[] {
  const own = ownOutcome(record, call);
  const isDone = call.end !== undefined && call.end.at <= operation.at;
  if (isDone && own !== undefined) return [own];
  // The end of the operation may have ended the call.
  return [...(own === undefined ? [] : [own]), ...interrupted(operation)];
}

function ownOutcome(record: CallRecord, { end, inBand, finish }: ModelCall): Outcome | undefined {
  if (inBand !== undefined) return record.failedWith(inBand.error, inBand.at);
  if (finish !== undefined) return finished;
  if (end?.error !== undefined) return record.failedWith(end.error, end.at);
  return end?.what === "closed" ? finished : undefined;
}

/** The possible ends of work that its operation interrupts. */
function interrupted(operation: OperationEnd): Outcome[] {
  return operation.outcomes.flatMap((outcome): Outcome[] => {
    switch (outcome.end) {
      case "failed":
        return outcome.errorType === "TimeoutError" ? [outcome, canceled] : [canceled];
      case "finished":
        return [canceled];
      case "cut":
        return [canceled, cut];
      case "truncated":
        return [outcome, cut];
      default:
        return [outcome];
    }
  });
}

function tokens(value: unknown): number | undefined {
  return typeof value === "number" ? value : (data(value)["total"] as number | undefined);
}

function usageOf(value: unknown): Usage {
  const { inputTokens, outputTokens, tokens: embedded } = data(value);
  return { input: tokens(inputTokens) ?? tokens(embedded), output: tokens(outputTokens) };
}

/** The parts of an answer, block by block, in the order in which the blocks began. */
function contentOf({ parts, finish }: ModelCall): readonly unknown[] {
  const returned = finish?.value["content"];
  if (Array.isArray(returned)) return returned.map((part) => messagePart(data(part)));
  const blocks = new Map<string, { type: string; content: string }>();
  const content: unknown[] = [];
  for (const part of parts) {
    const [type, phase] = splitType(String(part["type"]));
    const key = `${type} ${part["id"]}`;
    if (phase === "start") {
      const block = { type, content: "" };
      blocks.set(key, block);
      content.push(block);
    } else if (phase === "delta") {
      const block = blocks.get(key);
      if (block !== undefined) block.content += String(part["delta"]);
    } else if (phase === undefined && !envelope.has(type)) content.push(messagePart(part));
  }
  return content;
}

const envelope: ReadonlySet<string> = new Set(["stream-start", "response-metadata", "finish"]);

function splitType(type: string): [string, string | undefined] {
  const [, block, phase] = /^(text|reasoning)-(start|delta|end)$/.exec(type) ?? [];
  return [block ?? type, phase];
}

function messagePart(part: Data): unknown {
  const { type, text, toolCallId, toolName, input, result, mediaType } = part;
  switch (type) {
    case "text":
    case "reasoning":
      return { type, content: text };
    case "tool-call":
      return { type: "tool_call", id: toolCallId, name: toolName, arguments: parsed(input) };
    case "tool-result":
      return { type: "tool_call_response", id: toolCallId, response: result };
    case "file":
      return { type: "blob", modality: "image", mime_type: mediaType };
    default:
      return { type };
  }
}

function parsed(input: unknown): unknown {
  try {
    return JSON.parse(String(input));
  } catch {
    return input;
  }
}

function toolCalls(record: CallRecord, operation: OperationEnd): ExpectedSpan[] {
  const { entries } = record;
  const spans: ExpectedSpan[] = [];
  for (const [at, { lane, what, n, value }] of entries.entries()) {
    if (lane !== "tool" || what !== "start") continue;
    const endAt = entries.findIndex(
      (entry) => entry.lane === "tool" && entry.n === n && entry.what !== "start",
    );
    spans.push({
      operation: "execute_tool",
      toolCallId: data(value)["toolCallId"] as string,
      outcomes: outcomesOfTool(record, operation, entries[endAt], endAt),
      isOptional: at > operation.at,
      parent: "operation",
    });
  }
  const elsewhere = callsElsewhere(record, operation);
  return [
    ...spans,
    ...(elsewhere.length > 0 ? elsewhere : unseenCall(record)),
    ...providerTools(record, operation),
  ];
}

function outcomesOfTool(
  record: CallRecord,
  operation: OperationEnd,
  ended: Entry | undefined,
  at: number,
): Outcome[] {
  if (ended === undefined) return [...interrupted(operation), cut];
  const own: Outcome[] =
    ended.what === "threw"
      ? failuresOfTool(record, ended.error as ErrorView, at)
      : data(ended.value)["isError"] === true
        ? [{ end: "failed", errorType: "tool_error" }]
        : [finished];
  return at <= operation.at ? own : [...own, ...interrupted(operation)];
}

/** The possible ends of a tool that threw. */
function failuresOfTool(record: CallRecord, error: ErrorView, at: number): Outcome[] {
  const { ender, fn, way } = record.case;
  // The signal of the tool has timed out. isotel gets this signal only if it replaces the tool: hooks do not get it.
  const isReplaced = fn === "streamTextLowMemory" && way.includes("wrap");
  const isTimeout = ender === "timeout tool" && isReplaced && error.name === "AbortError";
  return isTimeout ? [timedOut] : record.failuresWith(error, at);
}

/** Tool calls that the SDK rejected, which the caller sees as invalid, and calls of tools that the client runs. */
function callsElsewhere({ entries }: CallRecord, operation: OperationEnd): ExpectedSpan[] {
  const refused = new Map<string, ExpectedSpan>();
  const read = (part: Data, at: number) => {
    const isInvalid = part["invalid"] === true;
    if (part["type"] !== "tool-call" || !(isInvalid || part["toolName"] === "ask")) return;
    const toolCallId = String(part["toolCallId"]);
    if (refused.has(toolCallId)) return;
    refused.set(toolCallId, {
      operation: "execute_tool",
      toolCallId,
      outcomes: isInvalid
        ? [{ end: "failed", errorType: typeOf(viewOf(part["error"])) }]
        : [finished],
      isOptional: at > operation.at,
      isElsewhere: true,
      parent: "operation",
    });
  };
  for (const [at, { lane, value }] of entries.entries()) {
    // The caller may not get the answer of the model.
    if (lane === "model") continue;
    read(data(value), at);
    const { content, steps } = data(value);
    const lists = [
      content,
      ...(Array.isArray(steps) ? steps.map((step) => data(step)["content"]) : []),
    ];
    for (const list of lists) {
      if (Array.isArray(list)) for (const part of list) read(data(part), at);
    }
  }
  return [...refused.values()];
}

/** Such a call in a step that did not end. The caller may not have seen it. */
function unseenCall({ case: { place, script }, entries }: CallRecord): ExpectedSpan[] {
  const isRefused = place === "toolInput" || place === "toolSchema" || place === "repair";
  const toolCallId = script === "clientTool" ? "call_ask" : "call_weather";
  const isCalled = entries.some(({ lane, value }) => {
    return lane === "model" && data(value)["toolCallId"] === toolCallId;
  });
  if (!(isRefused || script === "clientTool") || !isCalled) return [];
  const outcomes = [isRefused ? failed : finished];
  return [
    {
      operation: "execute_tool",
      toolCallId,
      outcomes,
      isOptional: true,
      parent: "operation",
    },
  ];
}

/** Tools that the provider runs. The model of the case returns the call and the result. */
function providerTools({ entries }: CallRecord, operation: OperationEnd): ExpectedSpan[] {
  const isCall = (part: Data) => part["type"] === "tool-call" && part["providerExecuted"] === true;
  const startedAt = entries.findIndex(({ lane, value }) => {
    if (lane !== "model") return false;
    const { content } = data(value);
    const parts = Array.isArray(content) ? content.map(data) : [];
    return isCall(data(value)) || parts.some(isCall);
  });
  if (startedAt < 0) return [];
  const resultAt = entries.findIndex(({ lane, what, value }) => {
    return lane === "model" && (what === "returned" || data(value)["type"] === "tool-result");
  });
  const hasResult = resultAt >= 0 && resultAt <= operation.at;
  return [
    {
      operation: "execute_tool",
      toolCallId: "call_search",
      outcomes: hasResult ? [finished] : [canceled, cut, finished],
      isOptional: startedAt > operation.at,
      parent: "chat",
    },
  ];
}
