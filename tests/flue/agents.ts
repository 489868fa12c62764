// Agents of the real @flue/runtime whose model is a script.
import { setTimeout as wait } from "node:timers/promises";
import {
  type FauxProviderHandle,
  type FauxResponseStep,
  fauxAssistantMessage,
  fauxProvider,
  fauxText,
  fauxToolCall,
} from "@earendil-works/pi-ai/providers/faux";
import {
  defineTool,
  init,
  instrument,
  setProvider,
  useModel,
  useSubagent,
  useTool,
} from "@flue/runtime";

export { instrument };

const model = { contextWindow: 100_000, maxTokens: 1_000 };

export const script: FauxProviderHandle = fauxProvider({
  models: [
    { id: "parent", ...model },
    { id: "child", ...model },
  ],
});
setProvider(script.provider);

const lookup = defineTool({
  name: "lookup",
  description: "Looks something up.",
  async run({ log }) {
    log.info("looking", { where: "catalogue" });
    await wait(2);
    insideTool?.();
    return "found";
  },
});

const boom = defineTool({
  name: "boom",
  description: "Fails.",
  run() {
    throw new RangeError("the secret of the tool");
  },
});

let insideTool: (() => void) | undefined;

/** What the tool `lookup` does besides. */
export function setInsideTool(body: (() => void) | undefined): void {
  insideTool = body;
}

function Summarizer() {
  return "You summarize.";
}

export function Reporter() {
  useModel("faux/parent");
  useTool(lookup);
  useTool(boom);
  useSubagent({
    name: "summarizer",
    description: "Summarizes.",
    model: "faux/child",
    agent: Summarizer,
  });
  return "You report.";
}

export function Compactor() {
  useModel("faux/parent", { compaction: { reserveTokens: 99_000, keepRecentTokens: 1 } });
  return "You talk at length.";
}

const done = () => fauxAssistantMessage("done");
const calls = (...blocks: ReturnType<typeof fauxToolCall>[]) =>
  fauxAssistantMessage(blocks, { stopReason: "toolUse" });

let instances = 0;

/** Sends messages to a new instance of an agent, one after the other; what came of the last. */
async function converse(
  agent: typeof Reporter,
  steps: readonly FauxResponseStep[],
  ...messages: readonly string[]
): Promise<string> {
  script.setResponses([...steps]);
  instances += 1;
  const handle = init(agent, { id: `instance-${instances}` });
  let text = "";
  for (const message of messages) {
    ({ text } = await handle.read(await handle.dispatch(message)));
  }
  return text;
}

export const scenarios = {
  /** A turn that calls a tool and delegates a task, and one that ends. */
  toolAndTask: (): Promise<string> =>
    converse(
      Reporter,
      [
        calls(
          fauxToolCall("lookup", {}),
          fauxToolCall("task", { agent: "summarizer", prompt: "Summarize." }),
        ),
        // The task's own turn.
        fauxAssistantMessage("a summary"),
        done(),
      ],
      "Begin",
    ),

  failingTool: (): Promise<string> =>
    converse(Reporter, [calls(fauxToolCall("boom", {})), done()], "Begin"),

  /** Aborted while the model answers. */
  async aborted(): Promise<string> {
    const handle = init(Reporter, { id: `aborted-${Date.now()}` });
    let isAsked = () => {};
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve;
    });
    script.setResponses([
      async () => {
        isAsked();
        await wait(200);
        return fauxAssistantMessage([fauxText("too late")]);
      },
    ]);
    const receipt = await handle.dispatch("Begin");
    await asked;
    await handle.abort();
    return handle.read(receipt).then(
      () => "completed",
      (error: { outcome?: string }) => String(error.outcome),
    );
  },

  /** Two long messages, each of which is summarized. */
  compaction: (): Promise<string> => {
    const answers = Array.from({ length: 12 }, done);
    return converse(Compactor, answers, "long ".repeat(1_000), "longer ".repeat(1_000));
  },
} as const;

export type Scenario = keyof typeof scenarios;
