// User code that the library calls may call the library: hooks, getters of parameters and answers, tools, callbacks.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as aiV7 from "ai";
import * as testV7 from "ai/test";
import * as aiV6 from "ai-v6";
import * as testV6 from "ai-v6/test";
import { createIntegration } from "../../../bindings/ai/hooks/register.ts";
import type { AITelemetryOptions } from "../../../bindings/ai/options.ts";
import { wrapNamespace } from "../../../bindings/ai/sdk/wrap.ts";
import { GenAiMetrics } from "../../../bindings/metrics/built_in.ts";
import { defineMetricsIn } from "../../../bindings/metrics/define_metrics.ts";
import { counter, gauge, histogram } from "../../../bindings/metrics/definitions.ts";
import { readGenAi } from "../../../bindings/metrics/genai_options.ts";
import { withInvocationScope } from "../../../bindings/trace/invocation_scope.ts";
import { nativeRuntime } from "../../../bindings/trace/native_runtime.ts";
import type { SpanRuntime, SpanWriter } from "../../../bindings/trace/span_runtime.ts";
import { Telemetry } from "../../../bindings/trace/telemetry.ts";
import { Tracer } from "../../../bindings/trace/tracer.ts";
import { streamOf, usage } from "../support/ai_sdk.ts";
import { metering, settle } from "../support/metering.ts";
import { NativeDouble, type NativeDoubleSpan } from "../support/native_double.ts";
import { type Action, isReentrant, RunPlanner, UserCode } from "../support/user_code.ts";

// biome-ignore lint/suspicious/noExplicitAny: the functions of both majors, of which each run calls one.
type Loose = any;

interface Sdk {
  readonly name: "v6" | "v7";
  readonly namespace: object;
  /** A mock model of a kind, e.g. `Language`. */
  model(kind: string, options: object): object;
}

const sdks: readonly Sdk[] = [
  { name: "v7", namespace: aiV7, model: modelsIn(testV7, "V4") },
  { name: "v6", namespace: aiV6, model: modelsIn(testV6, "V3") },
];

function modelsIn(namespace: Loose, version: string): Sdk["model"] {
  return (kind, options) => new namespace[`Mock${kind}Model${version}`](options) as object;
}

/** What every text of the user's begins with, and what `redact` makes of it. */
const secret = "SECRET-";
const masked = "masked-";

const text = { type: "text", text: `${secret}answer` };
const toolCall = {
  type: "tool-call",
  toolCallId: `${secret}call`,
  toolName: "look",
  input: `{"q":"${secret}input"}`,
};
const providerTool = { ...toolCall, toolCallId: `${secret}own`, providerExecuted: true };
const providerResult = {
  type: "tool-result",
  toolCallId: `${secret}own`,
  toolName: "look",
  result: { found: `${secret}found` },
};
const response = { id: `${secret}response`, modelId: `${secret}model-2026` };
const reason = (unified: string) => ({ unified, raw: undefined });

/** One run: an SDK that is traced, and the user code of it. */
interface Run {
  readonly sdk: Sdk;
  readonly ai: Loose;
  readonly code: UserCode;
  readonly abort: AbortController;
  /** Prefix of names and texts of this run: those of reentrant calls are told apart by it. */
  readonly prefix: string;
}

type Scenario = (run: Run) => Promise<unknown>;

function languageModel({ sdk, code, prefix }: Run, answers: readonly (readonly object[])[]) {
  let requests = 0;
  const next = () => {
    const content = answers[Math.min(requests, answers.length - 1)] as readonly object[];
    requests += 1;
    const isCall = content.some((part) => part === toolCall);
    return { content, finishReason: reason(isCall ? "tool-calls" : "stop"), usage };
  };
  const model = sdk.model("Language", {
    modelId: `${prefix}model`,
    provider: `${prefix}provider.chat`,
    doGenerate: async () => code.getters({ ...next(), warnings: [], response }, "answer"),
    doStream: async () => {
      const { content, finishReason } = next();
      const parts = [
        { type: "stream-start", warnings: [] },
        { type: "response-metadata", ...response },
        ...content.flatMap((part) =>
          part === text
            ? [
                { type: "text-start", id: "0" },
                { type: "text-delta", id: "0", delta: text.text },
                { type: "text-end", id: "0" },
              ]
            : [part],
        ),
        { type: "finish", finishReason, usage },
      ];
      return { stream: streamOf(parts.map((part) => code.getters(part, "part"))) };
    },
  });
  const baseURL = () => {
    code.reach("baseURL");
    return "https://provider.test/v1";
  };
  return Object.assign(model, { config: { baseURL } });
}

/** Parameters of a call of a language model. */
function callOf(run: Run, answers: readonly (readonly object[])[]): Record<string, unknown> {
  const { sdk, ai, code, prefix } = run;
  const identity = code.getters(
    { agentId: `${prefix}agent-id`, conversationId: `${prefix}conversation`, tenant: prefix },
    "metadata",
  );
  const telemetry =
    sdk.name === "v7"
      ? {
          telemetry: code.getters(
            { functionId: `${prefix}agent`, includeRuntimeContext: { tenant: true } },
            "telemetry",
          ),
          runtimeContext: identity,
        }
      : {
          experimental_telemetry: {
            functionId: `${prefix}agent`,
            isEnabled: true,
            metadata: identity,
          },
        };
  return {
    ...code.getters(
      {
        temperature: 0.5,
        stopSequences: [`${prefix}stop`],
        messages: [{ role: "user", content: [{ type: "text", text: `${prefix}question` }] }],
      },
      "params",
    ),
    ...telemetry,
    model: languageModel(run, answers),
    maxRetries: 0,
    tools: {
      look: {
        description: `${prefix}description`,
        inputSchema: ai.jsonSchema({ type: "object" }),
        execute: () => {
          code.reach("execute");
          return code.getters({ output: `${prefix}output`, list: [1, `${prefix}item`] }, "result");
        },
        toModelOutput: ({ output }: { output?: { output?: unknown } }) => {
          code.reach("toModelOutput");
          return { type: "text", value: String(output?.output ?? "") };
        },
      },
    },
    stopWhen: ai.stepCountIs(3),
    onStepFinish: () => code.reach("onStepFinish"),
    prepareStep: () => {
      code.reach("prepareStep");
      return {};
    },
  };
}

async function textOf(run: Run, answers: readonly (readonly object[])[]): Promise<unknown> {
  const result = await run.ai.generateText(callOf(run, answers));
  const { finishReason, steps } = result;
  return [result.text, finishReason, steps.length, JSON.stringify(result.toolResults)];
}

async function streamed(run: Run, answers: readonly (readonly object[])[]): Promise<unknown> {
  const result = run.ai.streamText({ ...callOf(run, answers), onError() {} });
  const types: string[] = [];
  for await (const part of result.fullStream) types.push(part.type);
  return [types, await result.text, await result.finishReason];
}

/** An error whose name is user code. */
class Failure extends Error {
  readonly #code: UserCode;

  constructor({ code }: Run) {
    super(`${secret}message`);
    this.#code = code;
    const get = () => {
      this.#code.reach("get error.name");
      return `${secret}Failure`;
    };
    Object.defineProperty(this, "name", { get });
  }
}

async function failureOf(call: PromiseLike<unknown>): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    return (error as Error).message;
  }
}

/** A call of a function that only calls a model. */
function modelCall(name: string, kind: string, method: string, answer: object, params: object) {
  return async ({ sdk, ai, code, prefix }: Run): Promise<unknown> => {
    const model = sdk.model(kind, {
      modelId: `${prefix}model`,
      provider: `${prefix}provider`,
      maxEmbeddingsPerCall: 1,
      [method]: async () => ({
        ...answer,
        ...code.getters({ usage: (answer as { usage?: unknown }).usage }, "answer"),
        warnings: [],
        response: { timestamp: new Date(0), ...code.getters(response, "response"), headers: {} },
      }),
    });
    const result = await ai[name]({ ...code.getters(params, "params"), model, maxRetries: 0 });
    return Object.keys(result).length;
  };
}

const tokens = { usage: { tokens: 3 } };
const scenarios: Readonly<Record<string, Scenario>> = {
  "generateText with a tool": (run) => textOf(run, [[toolCall], [text]]),
  "streamText with a tool": (run) => streamed(run, [[toolCall], [text]]),
  "generateText with a tool of the provider": (run) =>
    textOf(run, [[providerTool, providerResult, text]]),
  "streamText with a tool of the provider": (run) =>
    streamed(run, [[providerTool, providerResult, text]]),
  "generateText that needs an approval": async (run) => {
    const call = callOf(run, [[toolCall]]);
    const { look } = call["tools"] as { look: object };
    const needsApproval = () => {
      run.code.reach("needsApproval");
      return true;
    };
    const tools = { look: { ...look, needsApproval } };
    return (await run.ai.generateText({ ...call, tools })).finishReason;
  },
  "generateText that fails": (run) => {
    const model = run.sdk.model("Language", {
      modelId: `${run.prefix}model`,
      provider: "p",
      doGenerate: async () => {
        throw new Failure(run);
      },
    });
    return failureOf(run.ai.generateText({ ...callOf(run, [[text]]), model }));
  },
  "streamText that is left": async (run) => {
    const result = run.ai.streamText(callOf(run, [[text]]));
    result.text.then(undefined, () => {});
    const types: string[] = [];
    for await (const part of result.fullStream) {
      types.push(part.type);
      if (part.type === "text-delta") break;
    }
    return types;
  },
  generateObject: async (run) => {
    const { messages, temperature, model } = callOf(run, [[{ ...text, text: '{"a":"SECRET-b"}' }]]);
    const call = { messages, temperature, model, output: "no-schema", maxRetries: 0 };
    return (await run.ai.generateObject(call)).object;
  },
  "an agent": async (run) => {
    const { messages, ...settings } = callOf(run, [[toolCall], [text]]);
    const agent = new run.ai.ToolLoopAgent({ ...settings, id: `${run.prefix}agent` });
    return (await agent.generate({ messages })).text;
  },
  embed: modelCall(
    "embed",
    "Embedding",
    "doEmbed",
    { embeddings: [[1]], ...tokens },
    {
      value: `${secret}value`,
    },
  ),
  embedMany: modelCall(
    "embedMany",
    "Embedding",
    "doEmbed",
    { embeddings: [[1]], ...tokens },
    {
      values: [`${secret}a`, `${secret}b`],
    },
  ),
  rerank: modelCall(
    "rerank",
    "Reranking",
    "doRerank",
    { ranking: [{ index: 0, relevanceScore: 1 }] },
    { documents: [`${secret}document`], query: `${secret}query`, topN: 1 },
  ),
  image: modelCall(
    "generateImage",
    "Image",
    "doGenerate",
    { images: ["iVBORw0KGgo="], usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 } },
    { prompt: `${secret}prompt`, n: 1 },
  ),
  speech: modelCall(
    "experimental_generateSpeech",
    "Speech",
    "doGenerate",
    { audio: new Uint8Array([1]), usage: { input_tokens: 1, output_tokens: 2 } },
    { text: `${secret}text` },
  ),
  transcription: modelCall(
    "experimental_transcribe",
    "Transcription",
    "doGenerate",
    { text: `${secret}transcript`, segments: [], language: "en", durationInSeconds: 1 },
    { audio: new Uint8Array([82, 73, 70, 70]) },
  ),
};

/** Everything a run of a scenario leaves behind. */
interface Trace {
  readonly points: readonly string[];
  readonly result: unknown;
  /** Spans and metrics that no reentrant code made. */
  readonly own: readonly object[];
  readonly metrics: readonly string[];
  /** All that leaves, whoever made it. */
  readonly all: string;
  readonly double: NativeDouble;
  readonly diagnostics: Readonly<Record<string, number>>;
}

/** The runtime of a double, which notes the spans that reentrant code opens. */
function notingRuntime(double: NativeDouble, reentrantIds: Set<number>): SpanRuntime {
  const runtime = nativeRuntime(double.tracing);
  const note = () => {
    if (isReentrant()) reentrantIds.add(double.spans.length + 1);
  };
  return {
    ...runtime,
    startActiveSpan<T>(name: string, body: (writer: SpanWriter) => T): T {
      note();
      return runtime.startActiveSpan(name, body);
    },
    startSpan(name) {
      note();
      return runtime.startSpan(name);
    },
  };
}

interface Setting {
  readonly sdk: Sdk;
  readonly scenario: Scenario;
  readonly semconv: "agents" | "latest";
  /** Through an integration of the SDK's own rather than by wrapping. */
  readonly isHooked: boolean;
}

async function traceOf(
  { sdk, scenario, semconv, isHooked }: Setting,
  target?: number,
  actionName?: string,
): Promise<Trace> {
  const { meter, collect } = metering();
  const double = new NativeDouble();
  double.isTraced = true;
  const reentrantIds = new Set<number>();
  const runtime = notingRuntime(double, reentrantIds);
  const telemetry = new Telemetry(meter.host, runtime, () => 1_000_000);
  new GenAiMetrics(meter).use(readGenAi(undefined, assert.fail));
  meter.core();
  const tracer = new Tracer(telemetry);
  const code = new UserCode(target, () =>
    actionName === "abort" ? abort.abort() : actions[actionName ?? ""]?.(),
  );
  const options: AITelemetryOptions = {
    semconv,
    storeMessages: true,
    storeTools: true,
    redact(key, value) {
      code.reach(`redact ${key}`);
      return value.replaceAll(secret, masked);
    },
    enrich({ operation }) {
      code.reach(`enrich ${operation}`);
      return code.getters({ "app.note": `${secret}note`, "app.list": [`${secret}item`] }, "enrich");
    },
  };
  const integration = isHooked ? createIntegration(telemetry, options) : undefined;
  const ai =
    integration === undefined
      ? wrapNamespace(telemetry, sdk.namespace, options)
      : hooked(sdk, integration);
  const abort = new AbortController();
  const inner: Run = { sdk, ai, code: new UserCode(), abort, prefix: `${secret}reentrant-` };
  const actions = actionsOn({ tracer, meter, inner });
  const result = await tracer.withSpan("root", {}, () =>
    scenario({ sdk, ai, code, abort, prefix: secret }),
  );
  await code.settled();
  await settle();
  const own = double.spans.filter(({ id }) => !reentrantIds.has(id));
  const lines = collect()
    .text.split("\n")
    .filter((line) => !/^#|_created/.test(line));
  return {
    points: code.points,
    result,
    own: own.map((span) => described(span, double)).sort((a, b) => (a.path < b.path ? -1 : 1)),
    metrics: lines.filter((line) => line.startsWith("gen_ai") && !line.includes("reentrant")),
    all: JSON.stringify([double.spans, lines]),
    double,
    diagnostics: tracer.diagnostics(),
  };
}

/** The SDK with an integration in every call. */
function hooked({ namespace }: Sdk, integration: object): Loose {
  const sdk = namespace as Loose;
  const call = (name: string) => (params: Loose) =>
    sdk[name]({ ...params, telemetry: { ...params.telemetry, integrations: [integration] } });
  return { ...sdk, generateText: call("generateText"), streamText: call("streamText") };
}

function described(
  { name, attributes, status, ended, parentId }: NativeDoubleSpan,
  double: NativeDouble,
) {
  const names = [name];
  for (let id = parentId; id !== 0; ) {
    const above = double.spans[id - 1] as NativeDoubleSpan;
    names.unshift(above.name);
    id = above.parentId;
  }
  const path = `${names.join(" > ")} ${JSON.stringify(attributes)}`;
  return { path, names, attributes: { ...attributes }, status, ended };
}

/** Every public function, in success and in failure. */
function actionsOn({
  tracer,
  meter,
  inner,
}: {
  tracer: Tracer;
  meter: Loose;
  inner: Run;
}): Record<string, Action> {
  const metrics = defineMetricsIn(meter, {
    count: counter("reentrant_count", { labels: ["reentrant"] }),
    size: histogram("reentrant_size", { labels: ["reentrant"], bounds: [1, 2] }),
    level: gauge("reentrant_level", { labels: ["reentrant"], aggregate: "max" }),
  });
  const throwing = () => {
    throw new Error("no");
  };
  return {
    "withSpan that returns": () => tracer.withSpan("re", { a: 1, b: "x".repeat(100) }, () => 1),
    "withSpan that throws": () => tracer.withSpan("re", {}, throwing),
    "withSpan that rejects": () => tracer.withSpan("re", {}, async () => throwing()),
    "a span that is finished and failed": () =>
      tracer.openSpan("re", { big: "€".repeat(30_000) }, (span) => {
        span.setAttributes({ list: ["a", "b"], none: undefined });
        span.setStatus("ok");
        span.fail(new TypeError("no"));
        span.finish({ late: 1 });
      }),
    "a scope with a span that nobody ends": () =>
      withInvocationScope(() => tracer.openSpan("re", {}, () => {}, { boundToInvocation: true }), {
        detached: true,
      }),
    "counter, gauge and histogram": () => {
      metrics.count.add(1, { reentrant: "a" });
      metrics.level.set(2, { reentrant: "b".repeat(300) });
      metrics.size.record(
        1.5,
        { reentrant: "c" },
        { traceId: "a".repeat(32), spanId: "b".repeat(16) },
      );
    },
    "a flush of metrics": () => {
      metrics.count.add(1, { reentrant: "flush" });
      meter.flush(true);
    },
    diagnostics: () => tracer.diagnostics(),
    generateText: () => textOf(inner, [[toolCall], [text]]),
    "generateText that fails": () => scenarios["generateText that fails"]?.(inner),
    streamText: () => streamed(inner, [[toolCall], [text]]),
    "streamText that is left": () => scenarios["streamText that is left"]?.(inner),
    embed: () => scenarios["embed"]?.(inner),
  };
}

const actionNames = Object.keys(
  actionsOn({ tracer: new Tracer({} as Telemetry), meter: metering().meter, inner: {} as Run }),
);

const planner = new RunPlanner(actionNames, (what) => /^(redact|enrich|get error)/.test(what));
const actionsPerHook = 5;
let runs = 0;

/** Compares a run with others in which an action is taken somewhere. */
async function assertUnmoved(setting: Setting): Promise<void> {
  const alone = await traceOf(setting);
  assert.ok(alone.points.length > 0 && alone.own.length > 1 && alone.metrics.length > 0);
  assert.doesNotMatch(alone.all, /SECRET/);
  for (const { target, actionName } of planner.runsOf(alone.points, actionsPerHook)) {
    const what = `${actionName} at point ${target}, ${alone.points[target]}`;
    const run = await traceOf(setting, target, actionName);
    assert.doesNotMatch(run.all, /SECRET/, what);
    assert.deepEqual(run.result, alone.result, what);
    assert.deepEqual(run.points, alone.points, what);
    assert.deepEqual(run.own, alone.own, what);
    assert.deepEqual(run.metrics, alone.metrics, what);
    const { spans } = run.double;
    assert.ok(
      spans.every(({ ended, writesAfterEnd }) => ended && writesAfterEnd === 0),
      what,
    );
    assert.equal(run.diagnostics["traps"], 0, what);
    runs += 1;
  }
}

const promise =
  "inside of a call, whatever user code does, nothing unredacted leaves and no span differs:";

for (const sdk of sdks) {
  describe(`ai ${sdk.name}: ${promise}`, () => {
    for (const [name, scenario] of Object.entries(scenarios)) {
      const semconv = sdk.name === "v7" ? "latest" : "agents";
      test(name, () => assertUnmoved({ sdk, scenario, semconv, isHooked: false }));
    }
  });
}

describe(`a registered integration: ${promise}`, () => {
  for (const name of ["generateText with a tool", "streamText with a tool"]) {
    test(name, () => {
      const [sdk] = sdks;
      const scenario = scenarios[name];
      assert.ok(sdk !== undefined && scenario !== undefined);
      return assertUnmoved({ sdk, scenario, semconv: "agents", isHooked: true });
    });
  }
});

for (const sdk of sdks) {
  test(`ai ${sdk.name}: a hook that aborts the call leaves no span open`, async () => {
    const aborted: Scenario = async (run) => {
      const parts = [providerTool, { ...providerTool, toolCallId: `${secret}more` }, text];
      const result = run.ai.streamText({
        ...callOf(run, [parts]),
        abortSignal: run.abort.signal,
        onError() {},
      });
      for (const promise of [result.text, result.finishReason, result.steps]) {
        promise.then(undefined, () => {});
      }
      for await (const _ of result.fullStream);
    };
    const setting = { sdk, scenario: aborted, semconv: "latest", isHooked: false } as const;
    const { points } = await traceOf(setting);
    for (const [target, what] of points.entries()) {
      if (points.indexOf(what) !== target) continue;
      const { double } = await traceOf(setting, target, "abort");
      const open = double.spans.filter(({ ended }) => !ended).map(({ name }) => name);
      assert.deepEqual(open, [], `aborted at point ${target}, ${what}`);
    }
  });
}

test("every action had its turn at every kind of hook", (t) => {
  t.diagnostic(`${runs} runs`);
  assert.ok(runs > 100 * actionNames.length, `${runs} runs`);
});
