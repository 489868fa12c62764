import { isThenable } from "../trace/thenable.ts";
import { isFunction, record, text } from "./read.ts";

/**
 * Results of the tools of one v7 call: the SDK's hook around a tool does not return what the tool did. Only used when
 * results are recorded.
 */
export class ToolResults {
  readonly #results = new Map<string, unknown[]>();

  /** The tools, handing their results over as they settle. The caller's own objects stay as they are. */
  capture(tools: unknown): unknown {
    const source = record(tools);
    if (source === undefined) return tools;
    return Object.fromEntries(
      Object.entries(source).map(([name, tool]) => [name, this.#captured(tool)]),
    );
  }

  /** The result of the tool call that has settled last under an id. */
  take(toolCallId: string | undefined): unknown {
    return toolCallId === undefined ? undefined : this.#results.get(toolCallId)?.pop();
  }

  #captured(tool: unknown): unknown {
    const source = record(tool);
    const execute = source?.["execute"];
    if (source === undefined || !isFunction(execute)) return tool;
    const copy = Object.create(
      Object.getPrototypeOf(source),
      Object.getOwnPropertyDescriptors(source),
    ) as object;
    const value = (...args: unknown[]) => {
      const toolCallId = text(record(args[1])?.["toolCallId"]);
      return this.#noted(toolCallId, execute.apply(source, args));
    };
    return Object.defineProperty(copy, "execute", {
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    });
  }

  #noted(toolCallId: string | undefined, result: unknown): unknown {
    if (isThenable(result)) {
      return result.then((value) => this.#noted(toolCallId, value));
    }
    const iterable = record(result);
    if (iterable !== undefined && Symbol.asyncIterator in iterable) {
      return this.#drained(toolCallId, iterable as unknown as AsyncIterable<unknown>);
    }
    this.#add(toolCallId, result);
    return result;
  }

  async *#drained(toolCallId: string | undefined, iterable: AsyncIterable<unknown>) {
    let last: unknown;
    for await (const value of iterable) {
      last = value;
      yield value;
    }
    this.#add(toolCallId, last);
  }

  #add(toolCallId: string | undefined, result: unknown): void {
    if (toolCallId === undefined) return;
    const results = this.#results.get(toolCallId) ?? [];
    results.push(result);
    this.#results.set(toolCallId, results);
  }
}
