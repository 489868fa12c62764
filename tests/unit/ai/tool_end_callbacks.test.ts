import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Functions,
  type Sdk,
  sdks,
  type TextStream,
  textAnswer,
  textParts,
  usage,
  wrapped,
} from "../support/ai_sdk.ts";
import { attributesOf, recording } from "../support/tracing.ts";

// isotel observes the end of a tool of ai v7 by the callback `onToolExecutionEnd`. The caller's own callbacks are called
// as without isotel, wherever they are given. `experimental_onToolCallFinish` is an alias.

type Params = Readonly<Record<string, unknown>>;

interface Agent {
  generate(params: Params): Promise<unknown>;
  stream(params: Params): Promise<TextStream>;
}

type AgentClass = new (settings: Params) => Agent;

const [v7] = sdks as [Sdk];

const stable = "onToolExecutionEnd";
const alias = "experimental_onToolCallFinish";

/** The names of the callbacks that are given to one call. */
interface Place {
  readonly call?: readonly string[];
  /** In the settings of the agent. */
  readonly settings?: readonly string[];
  /** The callbacks that the SDK calls for each tool. */
  readonly called: readonly string[];
}

const inCall = `call ${stable}`;
const inSettings = `settings ${stable}`;

const places: Readonly<Record<string, Place>> = {
  "as parameter": { call: [stable], called: [inCall] },
  "as parameter under the alias": { call: [alias], called: [`call ${alias}`] },
  "as parameter under both names": { call: [stable, alias], called: [inCall] },
  nowhere: { called: [] },
};

// An agent does not use the alias.
const agentPlaces: Readonly<Record<string, Place>> = {
  "in the call": { call: [stable], called: [inCall] },
  "in the call under the alias": { call: [alias], called: [] },
  "in the call under both names": { call: [stable, alias], called: [inCall] },
  "in the settings": { settings: [stable], called: [inSettings] },
  "in the settings under the alias": { settings: [alias], called: [] },
  "in the settings under both names": { settings: [stable, alias], called: [inSettings] },
  "in the settings and the call": {
    settings: [stable],
    call: [stable],
    called: [inSettings, inCall],
  },
  "in the settings, and in the call under the alias": {
    settings: [stable],
    call: [alias],
    called: [inSettings],
  },
  "in the settings under the alias, and in the call": {
    settings: [alias],
    call: [stable],
    called: [inCall],
  },
  "in the settings and the call, under the alias": {
    settings: [alias],
    call: [alias],
    called: [],
  },
  "in the settings and the call, under both names": {
    settings: [stable, alias],
    call: [stable, alias],
    called: [inSettings, inCall],
  },
  nowhere: { called: [] },
};

interface Way {
  readonly places: Readonly<Record<string, Place>>;
  /** Makes a call and settles with its result. */
  run(functions: Functions, common: Params, settings: Params, call: Params): Promise<unknown>;
}

function agentOf(functions: Functions, settings: Params): Agent {
  const { ToolLoopAgent } = functions as unknown as { ToolLoopAgent: AgentClass };
  return new ToolLoopAgent(settings);
}

/** What the caller of a stream gets. */
async function read(stream: TextStream): Promise<unknown> {
  const types: string[] = [];
  for await (const { type } of stream.fullStream) types.push(type);
  const { steps } = stream as unknown as { steps: PromiseLike<readonly unknown[]> };
  return { types, text: await stream.text, steps: (await steps).map(stepView) };
}

async function resultView(result: Promise<unknown>): Promise<unknown> {
  const { text, steps } = (await result) as { text: string; steps: readonly unknown[] };
  return { text, steps: steps.map(stepView) };
}

function stepView(step: unknown): unknown {
  const { content, finishReason } = step as Params;
  return { content, finishReason };
}

const ways: Readonly<Record<string, Way>> = {
  generateText: {
    places,
    run: ({ generateText }, common, _, call) =>
      resultView(generateText({ ...common, ...call, prompt: "p" })),
  },
  streamText: {
    places,
    run: ({ streamText }, common, _, call) => read(streamText({ ...common, ...call, prompt: "p" })),
  },
  "ToolLoopAgent.generate": {
    places: agentPlaces,
    run: (functions, common, settings, call) =>
      resultView(agentOf(functions, { ...common, ...settings }).generate({ ...call, prompt: "p" })),
  },
  "ToolLoopAgent.stream": {
    places: agentPlaces,
    run: async (functions, common, settings, call) =>
      read(await agentOf(functions, { ...common, ...settings }).stream({ ...call, prompt: "p" })),
  },
};

const calls = [
  { type: "tool-call", toolCallId: "call-slow", toolName: "slow", input: '{"a":1}' },
  { type: "tool-call", toolCallId: "call-fast", toolName: "fast", input: '{"a":2}' },
  { type: "tool-call", toolCallId: "call-failing", toolName: "failing", input: "{}" },
];
const finishReason = { unified: "tool-calls", raw: undefined };

/** A model that calls three tools at once, and then answers. */
function model() {
  return v7.model({
    generate: [() => ({ content: calls, finishReason, usage, warnings: [] }), textAnswer()],
    stream: [
      () => [
        { type: "stream-start", warnings: [] },
        ...calls,
        { type: "finish", finishReason, usage },
      ],
      textParts("Hello"),
    ],
  });
}

/** Resolves after some turns of the event loop. Their order, unlike that of timers, does not depend on the load. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Copies an event without the values that differ between two calls. */
function eventView(event: unknown): unknown {
  assert.ok(typeof event === "object" && event !== null);
  const { callId, toolExecutionMs, ...rest } = event as Params;
  assert.equal(typeof callId, "string");
  assert.equal(typeof toolExecutionMs, "number");
  return structuredClone(rest);
}

/** What a callback does after it has logged its event. */
const behaviours: Readonly<Record<string, (log: (what: string) => void) => unknown>> = {
  "take time": async (log) => {
    await turns(2);
    log("has ended");
  },
  throw: () => {
    throw new TypeError("a fault of a callback");
  },
  reject: async (log) => {
    await turns(2);
    log("rejects");
    throw new TypeError("a fault of a callback");
  },
};

/** Makes a call. Returns what its tools and callbacks logged, in order, and its result. */
async function run(functions: Functions, way: string, place: Place, behaviour: string) {
  const log: (readonly unknown[])[] = [];
  const tool = (toolName: string, length: number, end: () => unknown) =>
    v7.tool(async (input: unknown) => {
      log.push(["tool starts", toolName, input]);
      await turns(length);
      log.push(["tool ends", toolName]);
      return end();
    });
  const tools = {
    slow: tool("slow", 12, () => "slow result"),
    fast: tool("fast", 1, () => ({ degrees: 21 })),
    failing: tool("failing", 6, () => {
      throw new RangeError("a fault of a tool");
    }),
  };
  const callbacks = (from: string, names: readonly string[] = []): Params => {
    const entries = names.map((name) => {
      const callback = function (this: unknown, ...args: readonly unknown[]) {
        log.push([`${from} ${name}`, typeof this, ...args.map(eventView)]);
        return behaviours[behaviour]?.((what) => log.push([`${from} ${name} ${what}`]));
      };
      return [name, callback] as const;
    });
    return Object.fromEntries(entries);
  };
  const common = {
    model: model(),
    tools,
    stopWhen: v7.stopAfter(4),
    onStepEnd: () => log.push(["step ends"]),
  };
  const settings = callbacks("settings", place.settings);
  const call = callbacks("call", place.call);
  const result = await (ways[way] as Way).run(functions, common, settings, call);
  return { log, result };
}

for (const [way, { places: own }] of Object.entries(ways)) {
  describe(`callbacks for the end of a tool of ${way}`, () => {
    for (const [name, place] of Object.entries(own)) {
      for (const behaviour of Object.keys(behaviours)) {
        test(`that ${behaviour} are called as without isotel if they are given ${name}`, async () => {
          const plain = await run(v7.namespace, way, place, behaviour);
          const tracing = recording();
          const observed = await run(wrapped(tracing.telemetry, v7), way, place, behaviour);
          assert.deepEqual(observed, plain);
          for (const from of ["settings", "call"]) {
            for (const callback of [stable, alias]) {
              const heard = plain.log.filter(([what]) => what === `${from} ${callback}`);
              const count = place.called.includes(`${from} ${callback}`) ? 3 : 0;
              assert.equal(heard.length, count, `${from} ${callback}`);
            }
          }
          const ends = tracing.runtime.spans
            .filter((span) => span.name.startsWith("execute_tool"))
            .map((span) => [span.name, span.ended, attributesOf(span)["error.type"]]);
          assert.deepEqual(ends, [
            ["execute_tool slow", true, undefined],
            ["execute_tool fast", true, undefined],
            ["execute_tool failing", true, "RangeError"],
          ]);
          assert.equal(tracing.count("swallowed_errors"), 0);
        });
      }
    }
  });
}
