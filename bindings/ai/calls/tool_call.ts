import { isFunction, isThenable, ownValue, record, text } from "../../base/values.ts";
import { Field } from "../../core/abi.gen.ts";
import type { Span } from "../../trace/span.ts";
import { runInTool } from "../../trace/tool_span.ts";
import { activateSpan } from "../../trace/tracer.ts";
import { addToolValue } from "../content/record.ts";
import { closeSpan, closeTool, type Ending, failing, toolError } from "./ending.ts";
import type { AIOperation } from "./operation.ts";
import { toolWith } from "./substitutes.ts";
import { type ToolInvocation, toolCallIn, toolSpan } from "./tool_span.ts";

/** A call of a tool that the SDK runs. */
export interface ToolRequest extends Omit<ToolInvocation, "type" | "clientPhase"> {
  /** The messages that led to the call. */
  readonly messages: unknown;
  /** The signal that the SDK passes to the tool. It may include a timeout of the tool. */
  readonly signal?: unknown;
  /** Returns the result. Absent if the execution of the tool returns it. */
  readonly result?: (() => unknown) | undefined;
}

/**
 * Runs a tool inside its execute_tool span. The span ends when the result settles. For an async generator it ends when
 * the generator is exhausted or abandoned.
 */
export function runToolCall<T>(operation: AIOperation, request: ToolRequest, execute: () => T): T {
  const { telemetry, content } = operation;
  if (operation.isOver) return execute();
  const { name, options, begin } = toolSpan(operation, request);
  return activateSpan(telemetry, name, options, (span) => {
    if (span === undefined) return execute();
    const end = (ending: Ending) => {
      forget();
      closeSpan(span, ending);
    };
    const forget = operation.toolStarted({ end });
    span.onTruncate = () => end(operation.abortEnding() ?? operation.lateEnding);
    telemetry.guard(() => {
      begin(span);
      operation.approvals.toolRuns(request, request.messages);
    });
    const fail = (cause: unknown) => end(operation.endingOf(cause, request.signal));
    const finish = (result: unknown) => {
      forget();
      telemetry.guard(() => {
        const fields = span.newFields();
        const value = request.result === undefined ? result : request.result();
        if (content.toolResults) addToolValue(fields, Field.toolCallResult, value, options.redact);
        // MCP tools return their errors.
        const isError = ownValue(value, "isError") === true;
        closeTool(span, fields, isError ? toolError : undefined);
      });
    };
    let result: T;
    try {
      result = runInTool({ name: request.toolName, span }, execute);
    } catch (cause) {
      fail(cause);
      throw cause;
    }
    const settle = { finish, fail };
    if (isThenable(result)) {
      return Promise.resolve(result).then(
        (value) => endWithResult(span, value, settle),
        (cause: unknown) => {
          fail(cause);
          throw cause;
        },
      ) as T;
    }
    return endWithResult(span, result, settle);
  });
}

/**
 * Returns the tools of a call with their execution observed. Does not change the caller's objects.
 *
 * @param isHooked Returns whether a hook of the SDK already traces the tool that starts.
 */
export function observedTools(
  operation: AIOperation,
  tools: unknown,
  isHooked: () => boolean,
): unknown {
  const source = record(tools);
  if (source === undefined) return tools;
  const observed: Record<string, unknown> = { ...source };
  for (const name of Object.keys(observed)) {
    observed[name] = observedTool(operation, name, observed[name], isHooked);
  }
  return observed;
}

function observedTool(
  operation: AIOperation,
  toolName: string,
  tool: unknown,
  isHooked: () => boolean,
): unknown {
  const source = record(tool);
  const execute = source?.["execute"];
  if (source === undefined || !isFunction(execute)) return tool;
  const value = (...args: unknown[]) => {
    if (isHooked()) return execute.apply(source, args);
    const options = record(args[1]);
    const toolCallId = text(options?.["toolCallId"]);
    const { messages, abortSignal: signal } = options ?? {};
    const request = { toolName, toolCallId, input: args[0], messages, signal };
    return runToolCall(operation, request, () => execute.apply(source, args));
  };
  return toolWith(source, "execute", value);
}

/** Ends the span of a tool. */
interface ToolEnd {
  finish(result: unknown): void;
  fail(cause: unknown): void;
}

function endWithResult<T>(span: Span, result: T, end: ToolEnd): T {
  if (!isAsyncIterable(result)) {
    end.finish(result);
    return result;
  }
  return drainedInSpan(span, result, end) as T;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  const iterable = record(value);
  return iterable !== undefined && isFunction(iterable[Symbol.asyncIterator as unknown as string]);
}

async function* drainedInSpan(
  span: Span,
  iterable: AsyncIterable<unknown>,
  end: ToolEnd,
): AsyncGenerator<unknown, unknown> {
  const iterator = span.activate(() => iterable[Symbol.asyncIterator]());
  let isExhausted = false;
  // The last value of a generator tool is its result.
  let last: unknown;
  try {
    while (true) {
      const step = await span.activate(() => iterator.next());
      if (step.done === true) {
        isExhausted = true;
        return step.value as unknown;
      }
      last = step.value;
      yield last;
    }
  } catch (cause) {
    isExhausted = true;
    end.fail(cause);
    throw cause;
  } finally {
    // The consumer left early. The cleanup of the generator belongs to the tool.
    if (!isExhausted) await span.activate(() => iterator.return?.());
    end.finish(last);
  }
}

/**
 * Records the tool calls in `content` that do not run in the Worker. Those that the SDK rejected, because the input is
 * invalid or the tool does not exist, get a failed execute_tool span below the operation; the model receives the error.
 * Those that the client runs get a span that says so.
 *
 * @param content The content of a step, as the SDK passes it.
 */
export function recordCallsElsewhere(operation: AIOperation, content: unknown): void {
  if (!Array.isArray(content)) return;
  // Branches of a stream carry the same parts, and so do steps whose calls share an id.
  for (const part of content) recordIfElsewhere(operation, part);
}

type Part = Readonly<Record<string, unknown>>;

/** Returns whether a part of a response is a tool call that is rejected or that the client runs. */
function runsElsewhere(operation: AIOperation, part: Part | undefined): part is Part {
  return isRejected(part) || operation.clientTools.has(part);
}

/** Returns whether a part of a response is a rejected tool call. The SDK does not reject tools of the provider. */
function isRejected(part: Part | undefined): part is Part {
  return (
    part?.["type"] === "tool-call" && part["invalid"] === true && part["providerExecuted"] !== true
  );
}

/** Like {@link recordCallsElsewhere}, for one part. Does nothing for a part that was recorded before. */
export function recordIfElsewhere(operation: AIOperation, value: unknown): void {
  const part = record(value);
  if (!runsElsewhere(operation, part) || operation.isClosed || !operation.isFirst(part)) return;
  if (!isRejected(part)) {
    operation.activate(() => operation.clientTools.recordRequest(part));
    return;
  }
  const tool = toolSpan(operation, toolCallIn(part));
  operation.activate(() =>
    activateSpan(operation.telemetry, tool.name, tool.options, (span) => {
      if (span === undefined) return;
      operation.telemetry.guard(() => tool.begin(span));
      closeSpan(span, failing(part["error"]));
    }),
  );
}
