import { AsyncLocalStorage } from "node:async_hooks";
import * as aiV7 from "ai";
import * as aiV6 from "ai-v6";
import type { Case } from "../dimensions.ts";
import { Log } from "../log.ts";
import { runCase } from "./run.ts";

export type Namespaces = Readonly<Record<6 | 7, Readonly<Record<string, unknown>>>>;

export const originals: Namespaces = { 6: aiV6, 7: aiV7 };

const logs = new Map<string, Log>();

const current = new AsyncLocalStorage<Log>();

// The SDK logs the errors of streams that have no onError.
console.error = (cause: unknown) => current.getStore()?.add("callback", "console.error", { cause });
(globalThis as { AI_SDK_LOG_WARNINGS?: boolean }).AI_SDK_LOG_WARNINGS = false;

/** Runs the case in the body of a request, or returns its log so far. */
export async function answer(
  request: Request,
  namespaceOf: (value: Case) => Namespaces[6],
): Promise<Response> {
  const [, action = "", id = ""] = new URL(request.url).pathname.split("/");
  if (action === "log") {
    const log = logs.get(id);
    logs.delete(id);
    return Response.json(log?.entries ?? []);
  }
  const value: Case = await request.json();
  const log = new Log();
  logs.set(id, log);
  return current.run(log, () => runCase(namespaceOf(value), value, log));
}
