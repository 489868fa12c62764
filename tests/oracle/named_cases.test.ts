import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Span } from "../harness/spans.ts";
import { type Case, isAllowed, names } from "./dimensions.ts";
import { Oracle } from "./oracle.ts";

// Calls whose spans once differed from what their callers saw, and their correct ends.

interface Said {
  readonly errorType?: string;
  readonly canceled?: boolean;
  readonly finishReason?: string;
}

const plain: Omit<Case, "major" | "seed"> = {
  fn: "generateText",
  way: "wrap",
  script: "text",
  place: "nowhere",
  fault: "none",
  step: 0,
  ender: "nobody",
  when: "-",
  reader: "-",
  obeys: true,
  content: false,
};
const stream = { fn: "streamText", reader: "fullStream" } as const;
const lateAfterTimeout = {
  ...stream,
  place: "midStream",
  fault: "late",
  ender: "AbortSignal.timeout",
  when: "first chunk",
  obeys: false,
} as const;
const timedOut: Said = { errorType: "TimeoutError" };
const canceled: Said = { canceled: true };

type Row = readonly [name: string, values: Partial<Case>, said: Said, operation?: string];

const rows: readonly Row[] = [
  [
    "a stream whose prepareStep throws in its second step fails",
    { ...stream, script: "tool", place: "prepareStep", fault: "own class", step: 1 },
    { errorType: "QuotaExceeded" },
  ],
  [
    "a stream whose prepareStep throws in its first step fails",
    { ...stream, place: "prepareStep", fault: "TypeError" },
    { errorType: "TypeError" },
  ],
  [
    "a response whose prepareStep throws fails",
    {
      ...stream,
      reader: "ui response",
      script: "tool",
      place: "prepareStep",
      fault: "TypeError",
      step: 1,
    },
    { errorType: "TypeError" },
  ],
  [
    "an agent whose prepareStep throws fails",
    {
      ...stream,
      fn: "agent.stream",
      script: "tool",
      place: "prepareStep",
      fault: "TypeError",
      step: 1,
    },
    { errorType: "TypeError" },
  ],
  [
    "a stream whose download fails in its second step fails",
    { ...stream, script: "tool", place: "download", fault: "own class", step: 1 },
    { errorType: "QuotaExceeded" },
  ],
  [
    "a stream whose download fails in its first step fails",
    { ...stream, place: "download", fault: "TypeError" },
    { errorType: "TypeError" },
  ],
  [
    "a stream whose transform throws fails, even if it is aborted after that",
    {
      ...stream,
      place: "transform",
      fault: "TypeError",
      ender: "abort",
      when: "after",
      reader: "promises",
    },
    { errorType: "TypeError" },
  ],
  [
    "a stream whose needsApproval throws fails",
    { ...stream, script: "tool", place: "approval", fault: "TypeError" },
    { errorType: "TypeError" },
  ],
  [
    "a stream whose stopWhen throws fails",
    { ...stream, script: "tool", place: "stopWhen", fault: "TypeError" },
    { errorType: "TypeError" },
  ],
  [
    "generateText that AbortSignal.timeout ends has timed out",
    { ender: "AbortSignal.timeout", when: "request" },
    timedOut,
  ],
  [
    "generateText that its timeout ends has timed out",
    { ender: "timeout total", when: "request" },
    timedOut,
  ],
  [
    "streamText that AbortSignal.timeout ends before its answer has timed out",
    { ...stream, ender: "AbortSignal.timeout", when: "request" },
    timedOut,
  ],
  [
    "streamText that its timeout ends between chunks has timed out",
    { ...stream, ender: "timeout total", when: "first chunk" },
    timedOut,
  ],
  [
    "the model call that a timeout ends has timed out too",
    { ...stream, ender: "timeout chunk", when: "first chunk" },
    timedOut,
    "chat",
  ],
  [
    "a tool of streamTextLowMemory that throws an AbortError after its timeout has timed out",
    {
      ...stream,
      major: 7,
      fn: "streamTextLowMemory",
      script: "tool",
      place: "tool",
      fault: "AbortError",
      ender: "timeout tool",
      when: "in a tool",
      obeys: false,
    },
    timedOut,
    "execute_tool",
  ],
  [
    "a stream that reports its timeout has timed out, even if its model has another error",
    { ...lateAfterTimeout, major: 7 },
    timedOut,
  ],
  [
    "a stream that passes on an error of its model after a timeout fails with this error",
    { ...lateAfterTimeout, major: 6 },
    { errorType: "Error" },
  ],
  [
    "a model call that fails after a timeout fails with its error",
    { ...lateAfterTimeout, major: 6 },
    { errorType: "Error" },
    "chat",
  ],
  [
    "generateText that is aborted with a text is canceled",
    { ender: "abort text", when: "request" },
    canceled,
  ],
  [
    "generateText that is aborted with an Error of a class of the caller's is canceled",
    { ender: "abort own class", when: "request" },
    canceled,
  ],
  [
    "a tool that is running when its call is aborted is canceled",
    { script: "tool", ender: "abort own class", when: "in a tool" },
    canceled,
    "execute_tool",
  ],
  [
    "embed that is aborted with a text is canceled",
    { fn: "embed", ender: "abort text", when: "request" },
    canceled,
    "embeddings",
  ],
  [
    "a call whose tool never settles is canceled when it was aborted and its handler returns",
    {
      script: "tool",
      place: "tool",
      fault: "never",
      ender: "abort",
      when: "in a tool",
      obeys: false,
    },
    canceled,
  ],
  [
    "a model call that starts when its call has been aborted and never settles is canceled",
    {
      ...stream,
      script: "tool",
      place: "request",
      fault: "never",
      step: 1,
      ender: "abort",
      when: "between steps",
      reader: "promises",
      obeys: false,
    },
    canceled,
    "chat",
  ],
  [
    "a model call that starts after the response of its aborted call and never settles is canceled",
    {
      ...stream,
      place: "request",
      fault: "never",
      ender: "abort own class",
      when: "before",
      reader: "text response",
      obeys: false,
    },
    canceled,
    "chat",
  ],
  [
    "a request that never settles is canceled when its call was aborted and its handler returns",
    {
      fn: "embed",
      place: "request",
      fault: "never",
      ender: "abort",
      when: "request",
      obeys: false,
    },
    canceled,
    "embeddings",
  ],
  [
    "a tool that returns isError fails",
    { script: "tool", place: "toolAnswer", fault: "Error" },
    { errorType: "tool_error" },
    "execute_tool",
  ],
  [
    "a stream that is aborted on its last part has finished",
    { ...stream, ender: "abort", when: "finish part" },
    { finishReason: "stop" },
  ],
  [
    "a stream that is left on its last part has finished",
    { ...stream, ender: "break", when: "finish part" },
    { finishReason: "stop" },
  ],
  [
    "a stream whose output does not fit its schema fails",
    { ...stream, place: "outputText" },
    { errorType: "AI_NoObjectGeneratedError" },
  ],
  [
    "a streamObject that is left on its last part ends as its error part says",
    {
      ...stream,
      fn: "streamObject",
      place: "inBand",
      fault: "AbortError",
      ender: "cancel",
      when: "finish part",
      // With an odd seed, the model continues after its error part.
      seed: 1,
    },
    canceled,
  ],
  [
    "an error object in a stream has the type that the provider gave it",
    { ...stream, place: "inBand", fault: "non-error" },
    { errorType: "overloaded_error" },
    "chat",
  ],
  [
    "blocks of a stream are recorded as parts of their own",
    { ...stream, script: "blocks", content: true },
    { finishReason: "stop" },
  ],
];

function said({ attributes }: Span): Said {
  const errorType = attributes["error.type"];
  const finishReason = attributes["cloudflare.agents.response.finish_reason"];
  return {
    ...(errorType === undefined ? {} : { errorType: String(errorType) }),
    ...(attributes["cloudflare.agents.canceled"] === true ? { canceled: true } : {}),
    ...(errorType === undefined && finishReason !== undefined
      ? { finishReason: String(finishReason) }
      : {}),
  };
}

describe("spans of calls that once said otherwise", () => {
  let oracle: Oracle;
  before(async () => {
    oracle = await Oracle.start();
  });
  after(() => oracle.close());

  // Hooks do not report a client that leaves. The runtime reports it to the invocation, where it would only drop the
  // spans.
  for (const way of ["register", "channel"] as const) {
    test(`through ${way}, spans are truncated when the client disconnects`, async () => {
      const leaving = { ender: "disconnect", when: "first chunk" } as const;
      const values = { ...plain, ...stream, ...leaving, way, reader: "ui response" } as const;
      const { spans } = await oracle.judgeAlone({ ...values, major: 7, seed: 0 });
      const own = spans.filter(({ isInvocation, name }) => {
        return !isInvocation && /^(invoke_agent|chat)/.test(name);
      });
      const ends = own.map(({ closed, attributes }) => {
        return [closed, attributes["cloudflare.agents.span.truncated"]];
      });
      assert.deepEqual(ends, [
        [true, true],
        [true, true],
      ]);
    });
  }

  for (const major of [6, 7] as const) {
    for (const [name, values, expected, operation = "invoke_agent"] of rows) {
      if (values.major !== undefined && values.major !== major) continue;
      test(`ai v${major}: ${name}`, async () => {
        const value: Case = { ...plain, seed: 0, ...values, major };
        assert.ok(isAllowed(major, value), names.map((one) => `${one}=${value[one]}`).join(", "));
        const { found, spans } = await oracle.judgeAlone(value);
        assert.deepEqual(found, []);
        const span = spans.findLast(
          ({ attributes }) => attributes["gen_ai.operation.name"] === operation,
        );
        assert.ok(span, `there is no ${operation} span`);
        assert.deepEqual(said(span), expected);
      });
    }
  }
});
