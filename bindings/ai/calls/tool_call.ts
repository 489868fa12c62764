import { Field, Outcome } from "../../core/abi.gen.ts";
import type { Span } from "../../trace/span.ts";
import { isThenable } from "../../trace/thenable.ts";
import { activateSpan } from "../../trace/tracer.ts";
import { addToolValue } from "../content/record.ts";
import { isFunction, record, text } from "../read.ts";
import type { AIOperation } from "./operation.ts";
import { toolWith } from "./tool_copy.ts";
import { type ToolInvocation, toolSpan } from "./tool_span.ts";

/** A call of a tool that the SDK runs. */
export interface ToolRequest extends Omit<ToolInvocation, "type"> {
  /** The messages that led to the call. */
  readonly messages: unknown;
  /** The result, where running the tool does not return it. */
  readonly result?: (() => unknown) | undefined;
}

/**
 * Runs a tool inside its execute_tool span, which ends when the result settles or, for an async generator, when it is
 * drained or abandoned.
 */
export function runToolCall<T>(operation: AIOperation, request: ToolRequest, execute: () => T): T {
  const { telemetry, content } = operation;
  const { name, options, begin } = toolSpan(operation, request);
  return activateSpan(telemetry, name, options, (span) => {
    if (span === undefined) return execute();
    telemetry.guard(() => {
      begin(span);
      operation.approvals.toolRuns(request, request.messages);
    });
    const finish = (result: unknown) => {
      telemetry.guard(() => {
        const fields = span.newFields();
        if (content.toolResults) {
          const value = request.result === undefined ? result : request.result();
          addToolValue(fields, Field.toolCallResult, value, options.redact);
        }
        span.close(Outcome.finished, fields);
      });
    };
    let result: T;
    try {
      result = execute();
    } catch (cause) {
      span.fail(cause);
      throw cause;
    }
    if (isThenable(result)) {
      return Promise.resolve(result).then(
        (value) => endWithResult(span, value, finish),
        (cause: unknown) => {
          span.fail(cause);
          throw cause;
        },
      ) as T;
    }
    return endWithResult(span, result, finish);
  });
}

/** The tools of a call, each running inside a span. The caller's own objects stay as they are. */
export function observedTools(operation: AIOperation, tools: unknown): unknown {
  const source = record(tools);
  if (source === undefined) return tools;
  const observed: Record<string, unknown> = { ...source };
  for (const name of Object.keys(observed)) {
    observed[name] = observedTool(operation, name, observed[name]);
  }
  return observed;
}

function observedTool(operation: AIOperation, toolName: string, tool: unknown): unknown {
  const source = record(tool);
  const execute = source?.["execute"];
  if (source === undefined || !isFunction(execute)) return tool;
  const value = (...args: unknown[]) => {
    const options = record(args[1]);
    const toolCallId = text(options?.["toolCallId"]);
    const request = { toolName, toolCallId, input: args[0], messages: options?.["messages"] };
    return runToolCall(operation, request, () => execute.apply(source, args));
  };
  return toolWith(source, "execute", value);
}

function endWithResult<T>(span: Span, result: T, finish: (result: unknown) => void): T {
  if (!isAsyncIterable(result)) {
    finish(result);
    return result;
  }
  return drainedInSpan(span, result, finish) as T;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  const iterable = record(value);
  return iterable !== undefined && isFunction(iterable[Symbol.asyncIterator as unknown as string]);
}

async function* drainedInSpan(
  span: Span,
  iterable: AsyncIterable<unknown>,
  finish: (result: unknown) => void,
): AsyncGenerator<unknown, unknown> {
  const iterator = span.activate(() => iterable[Symbol.asyncIterator]());
  let isExhausted = false;
  // What a generator tool yields last is its result.
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
    span.fail(cause);
    throw cause;
  } finally {
    // Abandoned early: the generator's own clean-up belongs to the tool.
    if (!isExhausted) await span.activate(() => iterator.return?.());
    finish(last);
  }
}
