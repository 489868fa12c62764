import { Field, Operation } from "../core/abi.gen.ts";
import type { Span } from "../trace/span.ts";
import { isThenable } from "../trace/thenable.ts";
import { activateSpan } from "../trace/tracer.ts";
import type { AIOperation } from "./operation.ts";
import { isFunction, record, text } from "./read.ts";
import { addCall } from "./request.ts";

/** Which tool the model called. */
export interface ToolRequest {
  readonly toolName: string;
  readonly toolCallId: string | undefined;
}

/**
 * Runs a tool inside its execute_tool span, which ends when the result settles or, for an async generator, when it is
 * drained or abandoned.
 */
export function runToolCall<T>(operation: AIOperation, request: ToolRequest, execute: () => T): T {
  const { telemetry } = operation;
  const options = operation.childOptions(Operation.executeTool);
  const name = telemetry.nameOf(Operation.executeTool, request.toolName);
  return activateSpan(telemetry, name, options, (span) => {
    if (span === undefined) return execute();
    telemetry.guard(() => {
      const fields = span.beginFields();
      addCall(fields, "tool.execute", operation.identity);
      fields.text(Field.toolName, request.toolName).text(Field.toolCallId, request.toolCallId);
      span.start();
    });
    let result: T;
    try {
      result = execute();
    } catch (cause) {
      span.fail(cause);
      throw cause;
    }
    if (isThenable(result)) {
      return Promise.resolve(result).then(
        (value) => endWithResult(span, value),
        (cause: unknown) => {
          span.fail(cause);
          throw cause;
        },
      ) as T;
    }
    return endWithResult(span, result);
  });
}

/** The tools of a call, each running inside a span. The caller's own objects stay as they are. */
export function observedTools(operation: AIOperation, tools: unknown): unknown {
  const source = record(tools);
  if (source === undefined) return tools;
  return Object.fromEntries(
    Object.entries(source).map(([name, tool]) => [name, observedTool(operation, name, tool)]),
  );
}

function observedTool(operation: AIOperation, toolName: string, tool: unknown): unknown {
  const source = record(tool);
  const execute = source?.["execute"];
  if (source === undefined || !isFunction(execute)) return tool;
  const observed = Object.create(
    Object.getPrototypeOf(source),
    Object.getOwnPropertyDescriptors(source),
  ) as object;
  const value = (...args: unknown[]) => {
    const toolCallId = text(record(args[1])?.["toolCallId"]);
    return runToolCall(operation, { toolName, toolCallId }, () => execute.apply(source, args));
  };
  return Object.defineProperty(observed, "execute", {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}

function endWithResult<T>(span: Span, result: T): T {
  if (!isAsyncIterable(result)) {
    span.finish();
    return result;
  }
  return drainedInSpan(span, result) as T;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  const iterable = record(value);
  return iterable !== undefined && isFunction(iterable[Symbol.asyncIterator as unknown as string]);
}

async function* drainedInSpan(
  span: Span,
  iterable: AsyncIterable<unknown>,
): AsyncGenerator<unknown, unknown> {
  const iterator = span.activate(() => iterable[Symbol.asyncIterator]());
  let isExhausted = false;
  try {
    while (true) {
      const step = await span.activate(() => iterator.next());
      if (step.done === true) {
        isExhausted = true;
        return step.value as unknown;
      }
      yield step.value;
    }
  } catch (cause) {
    isExhausted = true;
    span.fail(cause);
    throw cause;
  } finally {
    // Abandoned early: the generator's own clean-up belongs to the tool.
    if (!isExhausted) await span.activate(() => iterator.return?.());
    span.finish();
  }
}
