import { errorType } from "../base/cause.ts";
import { reportOnce } from "../base/report_once.ts";
import type { Call } from "../trace/call.ts";
import { openEnvelope } from "../trace/envelope.ts";
import type { ContextHeaders } from "../trace/tracer.ts";

/** Whether a call runs a Workflow. */
export function isWorkflowRun({ handler, object }: Call): boolean {
  return object?.kind === "workflow" && handler === "run";
}

/**
 * Takes the trace context out of the messages of a batch, or out of the parameters of a Workflow. Other calls stay as
 * they are. Never throws.
 */
export function openedCall(call: Call): Call {
  const { handler, object } = call;
  const isBatch = handler === "queue" && (object === undefined || object.kind === "entrypoint");
  try {
    if (isBatch) return { ...call, carriers: openedBatch(call.args[0]) };
    return isWorkflowRun(call) ? openedRun(call) : call;
  } catch (cause) {
    reportOnce(`isotel: trace context cannot be read (${errorType(cause)}); its link is missing.`);
    return call;
  }
}

/** Replaces the bodies of messages that carry trace context by what was sent. Returns the contexts. */
function openedBatch(batch: unknown): ContextHeaders[] {
  const contexts: ContextHeaders[] = [];
  for (const message of (batch as MessageBatch | undefined)?.messages ?? []) {
    const opened = openEnvelope(message.body);
    if (opened === undefined) continue;
    // On the message itself: its methods do not work on a copy or a proxy.
    Object.defineProperty(message, "body", { value: opened.body, enumerable: true });
    contexts.push(opened.context);
  }
  return contexts;
}

function openedRun(call: Call): Call {
  const [event, ...rest] = call.args;
  const params = openEnvelope((event as { readonly payload: unknown } | undefined)?.payload);
  if (params === undefined) return call;
  const run = { ...(event as object), payload: params.body };
  return { ...call, args: [run, ...rest], carriers: [params.context] };
}
