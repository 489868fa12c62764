import * as aiV7 from "ai";
import { MockLanguageModelV4 } from "ai/test";
import * as aiV6 from "ai-v6";
import { MockLanguageModelV3 } from "ai-v6/test";
import type { AITelemetryOptions } from "../../../bindings/ai/options.ts";
import { wrapNamespace } from "../../../bindings/ai/sdk/wrap.ts";
import type { Telemetry } from "../../../bindings/trace/telemetry.ts";
import { keepAtExit } from "./keep_spans.ts";

/** The part of a result of `generateText` that tests read. */
export interface TextResult {
  readonly text: string;
}

/** The part of a result of `streamText` that tests read. */
export interface TextStream {
  readonly text: PromiseLike<string>;
  readonly textStream: ReadableStream<string> & AsyncIterable<string>;
  readonly fullStream: ReadableStream<{ readonly type: string }> & AsyncIterable<{ type: string }>;
  consumeStream(): PromiseLike<void>;
}

type Params = Readonly<Record<PropertyKey, unknown>>;

/** The functions of both majors, as loosely typed as tests of both at once need. */
export interface Functions {
  generateText(params: Params): Promise<TextResult>;
  streamText(params: Params): TextStream;
}

export interface Sdk {
  readonly name: "v6" | "v7";
  readonly namespace: Functions;
  /** A model that answers with these, in turn. */
  model(answers: ModelAnswers): MockModel;
  tool(execute: (...args: never[]) => unknown): object;
  stopAfter(steps: number): unknown;
}

export interface ModelAnswers {
  readonly modelId?: string;
  readonly provider?: string;
  readonly generate?: readonly (() => unknown)[];
  readonly stream?: readonly (() => readonly unknown[] | ReadableStream)[];
  readonly headers?: Readonly<Record<string, string>>;
}

export interface MockModel {
  readonly modelId: string;
  readonly provider: string;
  readonly doGenerateCalls: readonly Params[];
  readonly doStreamCalls: readonly Params[];
}

function make(
  name: Sdk["name"],
  namespace: typeof aiV6 | typeof aiV7,
  Model: new (options: never) => MockModel,
): Sdk {
  return {
    name,
    namespace: namespace as unknown as Functions,
    model({ modelId = "model-1", provider = "google.vertex.chat", generate, stream, headers }) {
      const next = (answers: readonly (() => unknown)[] = []) => {
        let calls = 0;
        return async () => {
          const answer = answers[Math.min(calls, answers.length - 1)];
          calls += 1;
          return answer?.();
        };
      };
      const nextStream = next(stream);
      const options = {
        modelId,
        provider,
        doGenerate: next(generate),
        doStream: async () => {
          const answer = await nextStream();
          const parts = answer instanceof ReadableStream ? answer : streamOf(answer as unknown[]);
          return { stream: parts, ...(headers === undefined ? {} : { response: { headers } }) };
        },
      };
      return new Model(options as never);
    },
    tool: (execute) => ({
      description: "a tool",
      inputSchema: namespace.jsonSchema({ type: "object", properties: {} }),
      execute,
    }),
    stopAfter: (steps) => namespace.stepCountIs(steps),
  };
}

export const sdks: readonly Sdk[] = [
  make("v7", aiV7, MockLanguageModelV4 as unknown as new (options: never) => MockModel),
  make("v6", aiV6, MockLanguageModelV3 as unknown as new (options: never) => MockModel),
];

/** The SDK's functions, traced. */
export function wrapped(telemetry: Telemetry, sdk: Sdk, options?: AITelemetryOptions): Functions {
  keepAtExit(telemetry, options?.semconv);
  return wrapNamespace(telemetry, sdk.namespace, options);
}

export function streamOf<T>(chunks: readonly T[]): ReadableStream<T> {
  const rest = chunks.values();
  return new ReadableStream<T>(
    {
      pull(controller) {
        const { done, value } = rest.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
    },
    { highWaterMark: 0 },
  );
}

export const usage = {
  inputTokens: { total: 100, noCache: 60, cacheRead: 30, cacheWrite: 10 },
  outputTokens: { total: 20, text: 15, reasoning: 5 },
};

const reason = (unified: string) => ({ unified, raw: undefined });

/** A `doGenerate` result that is a text. */
export const textAnswer =
  (text = "Hello") =>
  () => ({
    content: [{ type: "text", text }],
    finishReason: reason("stop"),
    usage,
    warnings: [],
    response: { id: "response-text", modelId: "model-1-0001" },
  });

/** A `doGenerate` result that calls tools. */
export const toolAnswer =
  (...toolNames: readonly string[]) =>
  () => ({
    content: toolNames.map((toolName) => ({
      type: "tool-call",
      toolCallId: `call-${toolName}`,
      toolName,
      input: "{}",
    })),
    finishReason: reason("tool-calls"),
    usage,
    warnings: [],
    response: { id: "response-tools", modelId: "model-1-0001" },
  });

const finish = (unified: string) => ({ type: "finish", finishReason: reason(unified), usage });

/** The parts of a streamed text. */
export const textParts =
  (...deltas: readonly string[]) =>
  () => [
    { type: "stream-start", warnings: [] },
    { type: "response-metadata", id: "response-text", modelId: "model-1-0001" },
    { type: "text-start", id: "0" },
    ...deltas.map((delta) => ({ type: "text-delta", id: "0", delta })),
    { type: "text-end", id: "0" },
    finish("stop"),
  ];

/** The parts of a streamed tool call. */
export const toolParts = (toolName: string) => () => [
  { type: "stream-start", warnings: [] },
  { type: "response-metadata", id: "response-tools", modelId: "model-1-0001" },
  { type: "tool-call", toolCallId: `call-${toolName}`, toolName, input: "{}" },
  finish("tool-calls"),
];
