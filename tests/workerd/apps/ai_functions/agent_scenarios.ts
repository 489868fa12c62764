import { z } from "zod";
import { chatModel } from "./chat_model.ts";
import type { Major } from "./outcomes.ts";
import type { Scenario } from "./scenarios.ts";
import type { Namespace } from "./subjects.ts";

interface Result {
  readonly text: string;
  readonly textStream: AsyncIterable<string>;
}

interface Agent {
  readonly id: string | undefined;
  readonly version: string;
  generate(options: object): Promise<Result>;
  stream(options: object): Promise<Result>;
}

type AgentClass = new (settings: object) => Agent;

const prompt = "Go.";
const uiMessages = [{ id: "m1", role: "user", parts: [{ type: "text", text: "Go." }] }];

export function agentClass(ai: Namespace): AgentClass {
  return ai["ToolLoopAgent"] as unknown as AgentClass;
}

/** Telemetry options under the name of the major. */
export function telemetry(major: Major, functionId: string): object {
  const options = { isEnabled: true, functionId };
  return major === "v7" ? { telemetry: options } : { experimental_telemetry: options };
}

async function textOf(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const chunks: unknown[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

export const agentScenarios: Readonly<Record<string, Scenario>> = {
  agent_class(ai, _major, plain) {
    const Traced = agentClass(ai);
    const Plain = agentClass(plain);
    const agent = new Traced({ model: "m", id: "a" });
    return {
      isPlain: agent instanceof Plain,
      isTraced: agent instanceof Traced,
      isAlias: ai["Experimental_Agent"] === ai["ToolLoopAgent"],
      name: Traced.name === Plain.name,
      length: Traced.length === Plain.length,
      generate: Traced.prototype.generate.length === Plain.prototype.generate.length,
      id: agent.id,
      version: agent.version,
    };
  },

  async agent_subclass(ai, major) {
    class Counting extends agentClass(ai) {
      static readonly label = "counting";
      #calls = 0;

      override async generate(options: object) {
        this.#calls += 1;
        const { text } = await super.generate(options);
        return { text: `${text} ${this.#calls}` } as Result;
      }
    }
    const agent = new Counting({
      id: "counter",
      model: chatModel(major, "chat-1"),
    });
    return [Counting.label, (await agent.generate({ prompt })).text];
  },

  async agent_prepare_call(ai, major, plain) {
    const results = [];
    for (const namespace of [plain, ai]) {
      const seen: unknown[] = [];
      const settings = {
        id: "preparing",
        model: chatModel(major, "chat-1"),
        ...telemetry(major, "first"),
        async prepareCall(this: unknown, call: Record<string, unknown>) {
          seen.push(Object.keys(call).sort(), call["model"] === settings.model, typeof this);
          return { ...call, model: chatModel(major, "chat-2"), ...telemetry(major, "second") };
        },
      };
      const agent = new (agentClass(namespace))(settings);
      const { text } = await agent.generate({ prompt });
      results.push([seen, text]);
    }
    return results;
  },

  async agent_prepare_call_fails(ai, major) {
    const cause = new RangeError("a secret");
    const agent = new (agentClass(ai))({
      model: chatModel(major, "chat-1"),
      prepareCall: () => Promise.reject(cause),
    });
    const results = [];
    for (const method of ["generate", "stream"] as const) {
      results.push(await agent[method]({ prompt }).catch((error: unknown) => error === cause));
    }
    return results;
  },

  async agent_concurrent(ai, major) {
    const agent = new (agentClass(ai))({ id: "one", model: chatModel(major, "chat-1") });
    const results = await Promise.all([1, 2, 3, 4].map(() => agent.generate({ prompt })));
    return results.map(({ text }) => text);
  },

  async agent_in_tool(ai, major) {
    const inner = new (agentClass(ai))({ id: "inner", model: chatModel(major, "chat-2") });
    const outer = new (agentClass(ai))({
      id: "outer",
      model: chatModel(major, "chat-1", { tools: ["delegate"] }),
      tools: {
        delegate: {
          inputSchema: z.object({}),
          execute: async () => {
            const { textStream } = await inner.stream({ prompt });
            return (await textOf(textStream)).join("");
          },
        },
      },
    });
    return (await outer.generate({ prompt })).text;
  },

  async agent_ui(ai, major) {
    const agent = new (agentClass(ai))({ id: "ui", model: chatModel(major, "chat-1") });
    return ai["createAgentUIStreamResponse"]?.({ agent, uiMessages });
  },

  async agent_transport(ai, major) {
    const agent = new (agentClass(ai))({ id: "direct", model: chatModel(major, "chat-1") });
    const Transport = ai["DirectChatTransport"] as unknown as new (
      options: object,
    ) => {
      sendMessages(options: object): Promise<AsyncIterable<unknown>>;
    };
    const stream = await new Transport({ agent }).sendMessages({ messages: uiMessages });
    return (await textOf(stream)).length > 0;
  },

  async agent_unwrapped(_ai, major, plain) {
    const agent = new (agentClass(plain))({ id: "plain", model: chatModel(major, "chat-1") });
    return (await agent.generate({ prompt })).text;
  },
};
