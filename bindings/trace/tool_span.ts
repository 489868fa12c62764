import { AsyncLocalStorage } from "node:async_hooks";
import { sharedSlot } from "../base/shared.ts";
import type { Span } from "./span.ts";

/** A tool that runs, and its execute_tool span. */
export interface RunningTool {
  readonly name: string;
  readonly span: Span;
}

// Created on demand, so that it costs nothing until it is used.
const tools = sharedSlot<AsyncLocalStorage<RunningTool | undefined>>("tools");

/** Makes {@link runningTool} work from now on. */
export function followTools(): void {
  tools.value ??= new AsyncLocalStorage();
}

/** Returns the innermost tool that runs. Returns undefined before {@link followTools} was called. */
export function runningTool(): RunningTool | undefined {
  return tools.value?.getStore();
}

/** Runs `body` with `tool` as the {@link runningTool}. Undefined hides a tool from code that is not its own. */
export function runInTool<T>(tool: RunningTool | undefined, body: () => T): T {
  return tools.value === undefined ? body() : tools.value.run(tool, body);
}
