import type { Content, GenerateResult, Message } from "./model_types.ts";

export type Turn = Pick<GenerateResult, "content" | "finishReason" | "usage">;

/**
 * Returns the next turn of the scripted model: it looks up the weather, converts the temperature, then answers. Depends
 * only on the conversation so far.
 */
export function nextTurn(prompt: readonly Message[]): Turn {
  const results = prompt.flatMap((message) => (message.role === "tool" ? message.content : []));
  const step = results.length;
  const weather = jsonResult(results[0]);
  const converted = jsonResult(results[1]);
  const city = cityIn(prompt);
  if (step === 0) {
    return turn(step, [toolCall("call_weather", "lookup_weather", { city })]);
  }
  if (weather === undefined) {
    return turn(step, [{ type: "text", text: `The weather in ${city} cannot be looked up now.` }]);
  }
  const celsius = weather["celsius"];
  if (step === 1) {
    return turn(step, [toolCall("call_convert", "convert_temperature", { celsius })]);
  }
  const text =
    `It is ${celsius} degrees Celsius in ${city}, which is ${converted?.["fahrenheit"]} degrees Fahrenheit. ` +
    "The sky is clear, and a light jacket will do if you go out today.";
  return turn(step, [{ type: "text", text }]);
}

type ToolMessagePart = Extract<Message, { role: "tool" }>["content"][number];

function jsonResult(part: ToolMessagePart | undefined): Record<string, unknown> | undefined {
  if (part?.type !== "tool-result" || part.output.type !== "json") {
    return undefined;
  }
  return part.output.value as Record<string, unknown>;
}

function cityIn(prompt: readonly Message[]): string {
  const user = prompt.findLast((message) => message.role === "user");
  const text = user?.content.map((part) => (part.type === "text" ? part.text : "")).join(" ") ?? "";
  return /\bin (\p{Lu}[\p{L}-]*(?: \p{Lu}[\p{L}-]*)*)/u.exec(text)?.[1] ?? "Lisbon";
}

function toolCall(toolCallId: string, toolName: string, input: object): Content {
  return { type: "tool-call", toolCallId, toolName, input: JSON.stringify(input) };
}

// The first call writes the prompt cache. Later calls read it.
function turn(step: number, content: Content[]): Turn {
  const isCall = content.some((part) => part.type === "tool-call");
  const cacheRead = step === 0 ? 0 : 64;
  const cacheWrite = step === 0 ? 64 : 0;
  const noCache = 36 + 20 * step;
  const text = isCall ? 12 : 30;
  const reasoning = 8;
  return {
    content,
    finishReason: isCall
      ? { unified: "tool-calls", raw: "tool_calls" }
      : { unified: "stop", raw: "stop" },
    usage: {
      inputTokens: { total: noCache + cacheRead + cacheWrite, noCache, cacheRead, cacheWrite },
      outputTokens: { total: text + reasoning, text, reasoning },
    },
  };
}
