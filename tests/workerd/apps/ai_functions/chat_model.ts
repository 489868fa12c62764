import { tracer } from "isotel";
import type { Major } from "./outcomes.ts";

const usage = {
  inputTokens: { total: 7, noCache: 7, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 3, text: 3, reasoning: undefined },
};

/** A model that calls the tools named, one a request, and then gives the text; from the start again after that. */
export function chatModel(
  major: Major,
  modelId: string,
  { tools = [], text = "done" }: { tools?: readonly string[]; text?: string } = {},
) {
  let requests = 0;
  const next = async () => {
    const toolName = tools[requests % (tools.length + 1)];
    requests += 1;
    await tracer.withSpan("provider_work", {}, () => scheduler.wait(1));
    const toolCall = {
      type: "tool-call",
      toolCallId: `call_${toolName}`,
      toolName,
      input: "{}",
    };
    return {
      content: toolName === undefined ? [{ type: "text", text }] : [toolCall],
      finishReason: { unified: toolName === undefined ? "stop" : "tool-calls", raw: undefined },
      usage,
      warnings: [],
    };
  };
  return {
    specificationVersion: major === "v7" ? "v4" : "v3",
    provider: "scripted",
    modelId,
    supportedUrls: {},
    doGenerate: next,
    async doStream() {
      const { content, finishReason } = await next();
      const parts = content.flatMap((part): object[] =>
        "text" in part
          ? [
              { type: "text-start", id: "0" },
              ...part.text.split(" ").map((delta) => ({ type: "text-delta", id: "0", delta })),
              { type: "text-end", id: "0" },
            ]
          : [part],
      );
      const rest = [
        { type: "stream-start", warnings: [] },
        ...parts,
        { type: "finish", finishReason, usage },
      ].values();
      const stream = new ReadableStream({
        async pull(controller) {
          await scheduler.wait(1);
          const { done, value } = rest.next();
          if (done === true) controller.close();
          else controller.enqueue(value);
        },
      });
      return { stream };
    },
  };
}

/** A model of the oldest specification both majors take. */
export function chatModelV2(modelId: string) {
  return {
    specificationVersion: "v2",
    provider: "scripted",
    modelId,
    supportedUrls: {},
    async doGenerate() {
      await scheduler.wait(1);
      return {
        content: [{ type: "text", text: "done" }],
        finishReason: "stop",
        usage: { inputTokens: 7, outputTokens: 3, totalTokens: 10 },
        warnings: [],
      };
    },
  };
}
