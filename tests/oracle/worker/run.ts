import type { Case } from "../dimensions.ts";
import type { Log } from "../log.ts";
import { Caller } from "./caller.ts";
import { languageModel, otherModel } from "./models.ts";

type Call = (options: object) => unknown;
type Namespace = Readonly<Record<string, unknown>>;
type Agent = { generate: Call; stream: Call };

/** The result of a streaming function of the SDK. */
interface StreamResult {
  readonly [name: string]: unknown;
  toUIMessageStreamResponse(): Response;
  toTextStreamResponse(): Response;
  consumeStream(): PromiseLike<void>;
}

const prompt = "How is the weather in Lisbon?";
/** How long the caller waits for a call before its handler returns without it. */
const patienceMs = 700;
const promises = ["text", "finishReason", "totalUsage", "usage", "steps", "object", "output"];

/** The names under which a function is exported, the newest first. */
const exportNames: Readonly<Record<string, readonly string[]>> = {
  streamTextLowMemory: ["experimental_streamTextLowMemory"],
  streamLanguageModelCall: ["experimental_streamLanguageModelCall"],
  generateSpeech: ["generateSpeech", "experimental_generateSpeech"],
  transcribe: ["transcribe", "experimental_transcribe"],
  generateVideo: ["generateVideo", "experimental_generateVideo"],
};

/**
 * Makes the call of a case with the functions of `sdk`, reads its result in the way of the case, and logs what the
 * caller sees. Returns the response of the handler.
 */
export async function runCase(sdk: Namespace, value: Case, log: Log): Promise<Response> {
  const caller = new Caller(value, log);
  const done = makeCall(sdk, caller).catch((cause: unknown) => {
    log.add("caller", "failed", { cause });
    return undefined;
  });
  if (value.ender === "return") {
    // The call continues, and the response does not wait for it.
    await scheduler.wait(5);
    return new Response("returned");
  }
  // Some calls never settle, and the SDK does not end them.
  const response = await Promise.race([
    done,
    scheduler.wait(patienceMs).then(() => "gave up" as const),
  ]);
  if (response === "gave up") {
    log.add("caller", "gave up");
    return new Response("gave up");
  }
  if (response === undefined) await scheduler.wait(3);
  return response ?? new Response("done");
}

async function makeCall(sdk: Namespace, caller: Caller): Promise<Response | undefined> {
  const { case: value, log } = caller;
  await caller.point("before").catch(() => {});
  let result: unknown;
  try {
    const returned = callOf(sdk, caller)();
    log.add("caller", "called");
    result = await returned;
  } catch (cause) {
    log.add("caller", "rejected", { cause });
    await caller.point("after").catch(() => {});
    return undefined;
  }
  if (value.reader === "-") {
    log.add("caller", "resolved", { value: resultView(result) });
    await caller.point("after").catch(() => {});
    return undefined;
  }
  const response = await read(caller, result as StreamResult);
  await caller.point("after").catch(() => {});
  return response;
}

/** Returns the fields of a result that its caller reads. */
function resultView(result: unknown): object {
  const source = result as Readonly<Record<string, unknown>>;
  const names = [
    "text",
    "finishReason",
    "usage",
    "totalUsage",
    "object",
    "embedding",
    "embeddings",
    "ranking",
  ];
  const view: Record<string, unknown> = {};
  for (const name of names) {
    if (name in source) view[name] = source[name];
  }
  const { steps } = source;
  if (Array.isArray(steps)) view["steps"] = steps.map(stepView);
  return view;
}

function stepView(step: unknown): object {
  const { content, finishReason, usage } = step as Readonly<Record<string, unknown>>;
  return { content, finishReason, usage };
}

function callOf(sdk: Namespace, caller: Caller): () => unknown {
  const { fn, major } = caller.case;
  const specification = major === 7 ? "v4" : "v3";
  const find = (name: string): Call => {
    const found = (exportNames[name] ?? [name])
      .map((one) => sdk[one])
      .find((one) => typeof one === "function");
    if (found === undefined) throw new Error(`The SDK has no ${name}.`);
    return found as Call;
  };
  const abortSignal = caller.signal;
  const maxRetries = caller.case.fault === "retryable" ? 1 : 0;
  const common = { abortSignal, maxRetries };
  const model = languageModel(caller, specification);
  switch (fn) {
    case "agent.generate":
    case "agent.stream": {
      const Agent = sdk["ToolLoopAgent"] as new (settings: object) => Agent;
      const {
        onChunk: _,
        onError: __,
        onAbort: ___,
        experimental_transform: ____,
        ...settings
      } = textOptions(sdk, caller, model);
      const { messages, prompt: text, timeout, ...rest } = settings as Record<string, unknown>;
      const agent = new Agent({ ...rest, maxRetries });
      const question = messages === undefined ? { prompt: text } : { messages };
      const options = { ...question, abortSignal, ...(timeout === undefined ? {} : { timeout }) };
      return () => (fn === "agent.generate" ? agent.generate(options) : agent.stream(options));
    }
    case "generateText":
    case "streamText":
    case "streamTextLowMemory":
      return () => find(fn)({ ...textOptions(sdk, caller, model), ...common });
    case "streamLanguageModelCall":
      return () =>
        find(fn)({ model, ...question(caller), abortSignal, download: download(caller) });
    case "generateObject":
    case "streamObject":
      return () =>
        find(fn)({
          model,
          schema: outputSchema(sdk, caller),
          ...question(caller),
          experimental_download: download(caller),
          onError: callback(caller, "onError"),
          ...(fn === "streamObject" ? { onFinish: callback(caller, "onFinish") } : {}),
          ...common,
        });
    default: {
      const other = otherModel(caller, specification);
      const inputs: Readonly<Record<string, object>> = {
        embed: { value: "a" },
        embedMany: { values: ["a", "b"] },
        rerank: { documents: ["a"], query: "q" },
        generateImage: { prompt: "a" },
        generateSpeech: { text: "a" },
        transcribe: { audio: new Uint8Array([82, 73, 70, 70, 0, 0]) },
        generateVideo: { prompt: "a" },
      };
      return () => find(fn)({ model: other, ...inputs[fn], ...common });
    }
  }
}

const fileMessage = {
  role: "user",
  content: [
    { type: "text", text: prompt },
    { type: "file", data: new URL("https://files.test/a.png"), mediaType: "image/png" },
  ],
};

function question(caller: Caller): object {
  if (caller.fails("download", 0)) return { messages: [fileMessage] };
  if (caller.fails("conversion")) {
    return { messages: [{ id: "1", role: "user", parts: [{ type: "text", text: prompt }] }] };
  }
  return { prompt };
}

function download(caller: Caller): (files: readonly object[]) => Promise<unknown> {
  return async (files) => {
    if (files.length > 0) await caller.fail("download");
    return files.map(() => ({ data: new Uint8Array(4), mediaType: "image/png" }));
  };
}

function callback(caller: Caller, place: Case["place"], name: string = place) {
  return async (event: unknown) => {
    const { finishReason, usage, error, steps, content, object } = event as Readonly<
      Record<string, unknown>
    >;
    const stepCount = Array.isArray(steps) ? steps.length : undefined;
    caller.log.add("callback", name, {
      value: {
        finishReason,
        usage,
        steps: stepCount,
        content: Array.isArray(content) ? content.length : undefined,
        object,
      },
      ...(error === undefined ? {} : { cause: error }),
    });
    await caller.fail(place);
  };
}

function outputSchema(sdk: Namespace, caller: Caller): unknown {
  const jsonSchema = sdk["jsonSchema"] as (schema: object, options: object) => unknown;
  const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
  return jsonSchema(schema, {
    validate: async (value: unknown) => {
      await caller.fail("outputSchema");
      return { success: true, value };
    },
  });
}

function textOptions(sdk: Namespace, caller: Caller, model: object): Record<string, unknown> {
  const { case: value, log } = caller;
  const isStructured = value.place === "outputText" || value.place === "outputSchema";
  const output = sdk["Output"] as { object(options: object): object };
  let sawChunk = false;
  let steps = 0;
  return {
    model,
    tools: tools(sdk, caller),
    ...question(caller),
    ...(caller.timeout === undefined ? {} : { timeout: caller.timeout }),
    ...(isStructured ? { output: output.object({ schema: outputSchema(sdk, caller) }) } : {}),
    experimental_download: download(caller),
    stopWhen: async ({ steps: done }: { steps: readonly unknown[] }) => {
      await caller.fail("stopWhen");
      return done.length >= 3;
    },
    prepareStep: async ({
      stepNumber,
      messages,
    }: {
      stepNumber: number;
      messages: readonly object[];
    }) => {
      log.add("callback", "prepareStep", { n: stepNumber });
      await caller.fail("prepareStep", stepNumber);
      if (stepNumber > 0 && value.ender.startsWith("abort")) await caller.point("between steps");
      return stepNumber === 1 && caller.fails("download", 1)
        ? { messages: [...messages, fileMessage] }
        : {};
    },
    ...(value.place === "repair"
      ? {
          experimental_repairToolCall: async () => {
            await caller.fail("repair");
            return null;
          },
        }
      : {}),
    ...(value.place === "transform"
      ? {
          experimental_transform: () =>
            new TransformStream({
              async transform(part: { type: string }, controller) {
                if (part.type === "text-delta") await caller.fail("transform");
                controller.enqueue(part);
              },
            }),
        }
      : {}),
    onChunk: async ({ chunk }: { chunk: { type: string } }) => {
      if (sawChunk || chunk.type !== "text-delta") return;
      sawChunk = true;
      log.add("callback", "onChunk");
      await caller.fail("onChunk");
    },
    onStepFinish: async (step: unknown) => {
      log.add("callback", "onStepFinish", { n: steps, value: stepView(step) });
      steps += 1;
      await caller.fail("onStepFinish", steps - 1);
    },
    onFinish: callback(caller, "onFinish"),
    onError: callback(caller, "onError"),
    onAbort: callback(caller, "onAbort"),
  };
}

function tools(sdk: Namespace, caller: Caller): object {
  const { case: value, log } = caller;
  const jsonSchema = sdk["jsonSchema"] as (schema: object, options?: object) => unknown;
  const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
  let calls = 0;
  type Options = { readonly toolCallId: string; readonly abortSignal?: AbortSignal };
  const running = async <T>(
    name: string,
    { toolCallId }: Options,
    input: unknown,
    body: () => Promise<T>,
  ) => {
    const n = calls;
    calls += 1;
    log.add("tool", "start", { n, value: { name, toolCallId, input } });
    try {
      const answer = await body();
      log.add("tool", "returned", { n, value: answer });
      return answer;
    } catch (cause) {
      log.add("tool", "threw", { n, cause });
      throw cause;
    }
  };
  const look = (input: unknown, options: Options) =>
    running("weather", options, input, async () => {
      await caller.point("in a tool", options.abortSignal);
      await caller.fail("tool", undefined, options.abortSignal);
      if (value.place === "toolAnswer") {
        return { isError: true, content: [{ type: "text", text: "the station is down" }] };
      }
      return { degrees: 21 };
    });
  async function* lookTwice(_input: unknown, options: Options) {
    const n = calls;
    calls += 1;
    log.add("tool", "start", {
      n,
      value: { name: "weather", toolCallId: options.toolCallId, input: _input },
    });
    try {
      yield { degrees: 20 };
      await caller.point("in a tool", options.abortSignal);
      await caller.fail("toolIterator", undefined, options.abortSignal);
      yield { degrees: 21 };
      log.add("tool", "returned", { n, value: { degrees: 21 } });
    } catch (cause) {
      log.add("tool", "threw", { n, cause });
      throw cause;
    }
  }
  return {
    weather: {
      description: "The weather of a city",
      inputSchema: jsonSchema(schema, {
        validate: async (input: unknown) => {
          await caller.fail("toolSchema");
          return { success: true, value: input };
        },
      }),
      execute: value.place === "toolIterator" ? lookTwice : look,
      ...(value.place === "approval"
        ? {
            needsApproval: async () => {
              await caller.fail("approval");
              return false;
            },
          }
        : {}),
      ...(value.place === "toModelOutput"
        ? {
            toModelOutput: async () => {
              await caller.fail("toModelOutput");
              return { type: "text", value: "21" };
            },
          }
        : {}),
    },
    clock: {
      description: "The time of a city",
      inputSchema: jsonSchema(schema),
      execute: (input: unknown, options: Options) =>
        running("clock", options, input, async () => {
          await scheduler.wait(1);
          return { time: "12:00" };
        }),
    },
    ask: { description: "Asks the user", inputSchema: jsonSchema(schema) },
    search: {
      type: "provider",
      id: "oracle.search",
      isProviderExecuted: true,
      args: {},
      inputSchema: jsonSchema(schema),
      outputSchema: jsonSchema({ type: "object" }),
    },
  };
}

/** Reads a stream in the way of the case. Returns the response if the client reads it. */
async function read(caller: Caller, result: StreamResult): Promise<Response | undefined> {
  const { case: value, log } = caller;
  switch (value.reader) {
    case "ui response":
      return result.toUIMessageStreamResponse();
    case "text response":
      return result.toTextStreamResponse();
    case "consume":
      await Promise.resolve(result.consumeStream()).then(
        () => log.add("caller", "consumed"),
        (cause: unknown) => log.add("caller", "read error", { cause }),
      );
      break;
    case "promises":
      break;
    case "unread":
      await scheduler.wait(5);
      return undefined;
    default: {
      const name =
        value.reader === "fullStream" && !("fullStream" in result) ? "stream" : value.reader;
      const isWhole = await readParts(caller, result[name] as ReadableStream<unknown>);
      if (!isWhole) return undefined;
    }
  }
  await logPromises(log, result);
  return undefined;
}

/** Reads a stream part by part. Returns whether it was read to its end. */
async function readParts(caller: Caller, stream: ReadableStream<unknown>): Promise<boolean> {
  const { case: value, log } = caller;
  let source = stream;
  let twin: ReadableStream<unknown> | undefined;
  if (value.ender === "tee") [source, twin] = stream.tee();
  const reader = source.getReader();
  let isLeft = false;
  try {
    for (;;) {
      const { done, value: part } = await reader.read();
      if (done) {
        log.add("caller", "read to the end");
        return true;
      }
      log.add("caller", "part", { value: part });
      const when = timeOf(part);
      if (when === undefined) continue;
      if (caller.leaves(when)) {
        isLeft = true;
        log.add("caller", "left", { value: when });
        break;
      }
      if (when === "finish part" && value.ender.startsWith("abort"))
        await caller.point(when).catch(() => {});
    }
  } catch (cause) {
    log.add("caller", "read error", { cause });
    return false;
  }
  if (isLeft) await reader.cancel(value.ender === "cancel" ? "enough" : undefined);
  if (twin === undefined) return false;
  const other = twin.getReader();
  try {
    for (;;) {
      const { done, value: part } = await other.read();
      if (done) break;
      log.add("caller", "part", { value: part });
    }
    log.add("caller", "read to the end");
  } catch (cause) {
    log.add("caller", "read error", { cause });
  }
  return false;
}

function timeOf(part: unknown): Case["when"] | undefined {
  const type = typeof part === "string" ? "text-delta" : (part as { type?: string }).type;
  switch (type) {
    case "text-delta":
    case "tool-call":
    case "object":
      return "first chunk";
    case "finish-step":
      return "between steps";
    case "finish":
    case "model-call-end":
      return "finish part";
    default:
      return undefined;
  }
}

const promiseWaitMs = 300;

/** Logs how the promises of a result settle. */
async function logPromises(log: Log, result: StreamResult): Promise<void> {
  const deadline = scheduler.wait(promiseWaitMs).then((): Settled => ({ isPending: true }));
  const settled = promises.map(async (name): Promise<[string, Settled]> => {
    try {
      const promise = Promise.resolve(result[name]).then((value): Settled => ({ value }));
      return [name, await Promise.race([promise, deadline])];
    } catch (cause) {
      return [name, { cause }];
    }
  });
  for (const [name, outcome] of await Promise.all(settled)) {
    if ("cause" in outcome)
      log.add("caller", "rejected promise", { value: name, cause: outcome.cause });
    else if (outcome.isPending === true) log.add("caller", "pending promise", { value: name });
    else if (outcome.value !== undefined) {
      const { value } = outcome;
      log.add("caller", "fulfilled promise", {
        value: { [name]: name === "steps" ? (value as unknown[]).map(stepView) : value },
      });
    }
  }
}

interface Settled {
  readonly isPending?: boolean;
  readonly value?: unknown;
  readonly cause?: unknown;
}
