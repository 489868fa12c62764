import { openEnvelope } from "../trace/envelope.ts";
import type { ContextHeaders } from "../trace/tracer.ts";

/**
 * Replaces the bodies of messages that carry trace context by what was sent.
 *
 * @returns the contexts.
 */
export function openedBatch(batch: unknown): ContextHeaders[] {
  const contexts: ContextHeaders[] = [];
  for (const message of (batch as MessageBatch).messages) {
    const opened = openEnvelope(message.body);
    if (opened === undefined) continue;
    // On the message itself: its methods do not work on a copy or a proxy.
    Object.defineProperty(message, "body", { value: opened.body, enumerable: true });
    contexts.push(opened.context);
  }
  return contexts;
}
