// Spans with attributes gen_ai.* of any content that the conventions allow.
import type { Random } from "../wasm/support/random.ts";

type Attributes = Record<string, unknown>;

const texts = [
  "Hello",
  "grüße, 日本語 🚀",
  'quote " and \\ backslash',
  "line\nbreak\ttab\u0001",
  '{"looks":"like JSON"}',
  "[1,2]",
  "/ slash",
  "x".repeat(300),
];
const values: readonly unknown[] = [
  { city: "Oslo", days: [1, 2.5, null] },
  [],
  {},
  "text",
  7,
  true,
];
const kinds = ["chat", "text_completion", "generate_content", "embeddings", "invoke_agent"];
const counts = ["input_tokens", "output_tokens", "cache_read.input_tokens"].concat(
  "cache_creation.input_tokens",
);
const settings = ["temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty"].concat(
  "seed",
  "max_tokens",
);

/** Not in it: what the vendor's converter leaves out or has no place for, such as pictures and reranking. */
export class RandomGenAi {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** `own` are attributes of the vendor that the user has set. */
  span(): { attributes: Attributes; own: Attributes } {
    const random = this.#random;
    const isTool = random.once(4);
    const attributes: Attributes = {
      "gen_ai.operation.name": isTool ? "execute_tool" : random.pick(kinds),
    };
    const maybe = (key: string, value: () => unknown) => {
      if (random.once(2)) attributes[key] = value();
    };
    const text = () => random.pick(texts);
    maybe("gen_ai.provider.name", text);
    maybe("gen_ai.request.model", () => random.pick(["gpt-4o", "claude"]));
    maybe("gen_ai.response.model", () => random.pick(["gpt-4o-2024", "claude-1"]));
    maybe("gen_ai.agent.name", text);
    maybe("gen_ai.conversation.id", text);
    maybe("app.own", text);
    for (const key of settings) {
      maybe(`gen_ai.request.${key}`, () => random.pick([0, 1, 0.5, -1.25, 1e21, 1e-7, 42]));
    }
    maybe("gen_ai.request.stop_sequences", () => [random.pick(texts), ...this.#list(text)]);
    for (const key of counts) maybe(`gen_ai.usage.${key}`, () => random.below(5_000));
    if (isTool) {
      attributes["gen_ai.tool.name"] = text();
      maybe("gen_ai.tool.description", text);
      maybe("gen_ai.tool.call.id", text);
      maybe("gen_ai.tool.call.arguments", () => JSON.stringify(random.pick(values)));
      maybe("gen_ai.tool.call.result", () => JSON.stringify(random.pick(values)));
    } else {
      maybe("gen_ai.response.finish_reasons", () => [random.pick(["stop", "length"])]);
      maybe("gen_ai.input.messages", () => this.#json(this.#messages(true)));
      maybe("gen_ai.output.messages", () => this.#json(this.#messages(false)));
      maybe("gen_ai.system_instructions", () =>
        random.once(3) ? text() : this.#json([{ type: "text", content: text() }]),
      );
      maybe("gen_ai.tool.definitions", () => this.#json(this.#tools()));
    }
    const own: Attributes = {};
    const vendor = ["session.id", "llm.model_name", "input.value", "openinference.span.kind"];
    if (random.once(4)) own[random.pick(vendor)] = "mine";
    return { attributes, own };
  }

  /** Space between the tokens, escapes that need not be there, and broken JSON. */
  #json(value: unknown): string {
    const json = JSON.stringify(value);
    if (this.#random.once(12)) return json.slice(0, -1);
    if (this.#random.once(4)) {
      return json.replace(/[\u0080-\uffff]/g, (unit) => {
        return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
      });
    }
    return json;
  }

  #list<T>(make: () => T): T[] {
    return Array.from({ length: this.#random.below(4) }, make);
  }

  #messages(isInput: boolean): unknown[] {
    const random = this.#random;
    return this.#list(() => {
      if (isInput && random.once(10)) return random.pick([null, 7, {}, { role: "user" }]);
      if (isInput && random.once(3)) {
        return { role: "tool", parts: [this.#response(), ...this.#list(() => this.#response())] };
      }
      return {
        parts: this.#list(() => this.#part()),
        role: isInput ? random.pick(["user", "system", "assistant"]) : "assistant",
        finish_reason: "stop",
      };
    });
  }

  #response(): unknown {
    const random = this.#random;
    return {
      type: "tool_call_response",
      id: random.pick(["call-1", null]),
      response: random.pick([...values, null]),
    };
  }

  #part(): unknown {
    const random = this.#random;
    return random.pick<() => unknown>([
      () => ({ type: "text", content: random.pick(texts) }),
      () => ({ content: random.pick(texts), type: "text", nested: { type: "other" } }),
      () => ({ type: "reasoning", content: random.pick(texts) }),
      () => ({ type: "tool_call", id: "call-1", name: "weather", arguments: random.pick(values) }),
      () => ({ type: "tool_call", name: random.pick(texts), arguments: null }),
      () => ({ type: "omitted", parts: 3 }),
      () => ({ type: "blob", mime_type: "audio/mp3", modality: "audio", size: 7 }),
      () => random.pick([null, 3, "text", { content: "no type" }]),
    ])();
  }

  #tools(): unknown[] {
    const random = this.#random;
    const schema = { type: "object", properties: { city: { type: "string" } } };
    return this.#list(() =>
      random.pick<unknown>([
        { type: "function", name: "weather", description: random.pick(texts), parameters: schema },
        { name: "weather", inputSchema: schema },
        { type: "function", function: { name: "weather" } },
        { type: "extension" },
        7,
      ]),
    );
  }
}
