import type { Pipeline } from "../otlp/pipeline/pipeline.ts";
import { withInvocationScope } from "../trace/invocation_scope.ts";
import { otlpInvocations } from "./otlp_invocations.ts";
import { unwatchedWaitUntil } from "./wait_until.ts";

/** What the runtime calls: a handler or a method, and its first argument. */
export interface Call {
  readonly handler: string;
  readonly event: unknown;
}

/** Runs a body as an invocation of its own, exported where an export is set up. */
export function runInvocation<T>(call: Call, ctx: unknown, body: () => T): T {
  return withInvocationScope(exported(call, ctx, undefined, body));
}

/** The body as an invocation that is exported, where there is something to export it. */
export function exported<T>(
  call: Call,
  ctx: unknown,
  pipeline: Pipeline | undefined,
  body: () => T,
): () => T {
  const otlp = otlpInvocations();
  if (otlp === undefined) return body;
  const invocation = { ...call, waitUntil: unwatchedWaitUntil(ctx) };
  return () => otlp.run(invocation, pipeline, body);
}
