import type { Message, Model, StreamPart } from "../model/model_types.ts";

const millisecondsPerPart = 2;
const usage = {
  inputTokens: { total: 12, noCache: 12, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 8, text: 8, reasoning: undefined },
};

/**
 * A model that needs no API key. If the prompt asks for an email, it calls `send_email` and then reports the result. If
 * the prompt asks it to count, it counts to 100. It repeats every other prompt.
 */
export function scriptedModel(): Model {
  return {
    specificationVersion: "v4",
    provider: "scripted",
    modelId: "chat-1",
    supportedUrls: {},
    doGenerate() {
      throw new Error("This model only streams.");
    },
    async doStream({ prompt, abortSignal }) {
      return { stream: streamOf(answerTo(prompt), abortSignal) };
    },
  };
}

function answerTo(prompt: readonly Message[]): StreamPart[] {
  const last = prompt.at(-1);
  if (last?.role === "tool") {
    const isSent = last.content.some(
      (part) => part.type === "tool-result" && part.output.type === "json",
    );
    return textParts(isSent ? "The email is sent." : "Then I will not send it.");
  }
  const text = last?.role === "user" ? textOf(last) : "";
  if (/\bemail\b/.test(text)) {
    const input = JSON.stringify({ to: "ada@example.com" });
    return finished("tool-calls", [
      { type: "tool-call", toolCallId: "call_email", toolName: "send_email", input },
    ]);
  }
  if (/\bcount\b/.test(text)) return textParts(Array.from(Array(100).keys()).join(" "));
  return textParts(`You said: ${text}`);
}

function textOf({ content }: Extract<Message, { role: "user" }>): string {
  return content.map((part) => (part.type === "text" ? part.text : "")).join(" ");
}

function textParts(text: string): StreamPart[] {
  const deltas = (text.match(/\S+\s*/g) ?? []).map(
    (delta): StreamPart => ({ type: "text-delta", id: "text", delta }),
  );
  const start: StreamPart = { type: "text-start", id: "text" };
  return finished("stop", [start, ...deltas, { type: "text-end", id: "text" }]);
}

function finished(reason: "stop" | "tool-calls", parts: StreamPart[]): StreamPart[] {
  const finishReason = { unified: reason, raw: undefined };
  return [
    { type: "stream-start", warnings: [] },
    ...parts,
    { type: "finish", finishReason, usage },
  ];
}

function streamOf(
  parts: StreamPart[],
  signal: AbortSignal | undefined,
): ReadableStream<StreamPart> {
  const rest = parts.values();
  return new ReadableStream({
    async pull(controller) {
      await scheduler.wait(millisecondsPerPart);
      if (signal?.aborted) {
        controller.error(signal.reason);
        return;
      }
      const { done, value } = rest.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}
