import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Span } from "../harness/spans.ts";
import type { LocalWorker } from "../harness/start.ts";
import { startApp } from "./harness/app.ts";
import {
  assertAllClosed,
  assertAttributes,
  describeSpans,
  spanNamed,
  spanOf,
  spansOf,
} from "./harness/assertions.ts";
import {
  type Api,
  type HttpOutcome,
  type HttpSubject,
  httpOutcomes,
  type Major,
} from "./http_provider/scripts.ts";
import { type HttpProvider, startHttpProvider } from "./http_provider/server.ts";

const canceled = "cloudflare.agents.canceled";
const timeToFirstChunk = "gen_ai.response.time_to_first_chunk";
const streamOnly: readonly HttpOutcome[] = ["stream_error", "break", "cancel"];
const told: readonly HttpOutcome[] = ["success", "retry_429", "retry_503"];
const left: readonly HttpOutcome[] = ["abort", "break", "cancel"];

/** The spans one request of a function to the provider gives. */
interface Expected {
  /** cloudflare.agents.operation.name of the invoke_agent span around the requests, where there is one. */
  readonly operation?: string;
  readonly request: "chat" | "embeddings" | "generate_content";
  readonly model: string;
  readonly outputType?: string;
  /** Input, output and total tokens of one request that is answered. */
  readonly usage: readonly (number | undefined)[];
  readonly usesTools: boolean;
  readonly responseModel: boolean;
}

const language = {
  request: "chat",
  model: "gpt-4o-mini",
  outputType: "text",
  usage: [100, 10, 110],
  usesTools: false,
  responseModel: true,
} as const;
const generation = { request: "generate_content", usesTools: false, responseModel: true } as const;
const embeddings = {
  ...generation,
  request: "embeddings",
  model: "text-embedding-3-small",
} as const;
const speech = {
  ...generation,
  model: "gpt-4o-mini-tts",
  outputType: "speech",
  usage: [undefined, undefined, undefined],
} as const;
const transcription = {
  ...generation,
  model: "gpt-4o-mini-transcribe",
  outputType: "text",
  usage: [11, 2, 13],
} as const;

const expectations: Readonly<Record<string, Expected>> = {
  generateText: { ...language, operation: "generateText", usesTools: true },
  streamText: { ...language, operation: "streamText", usesTools: true },
  generateObject: { ...language, operation: "generateObject", outputType: "json" },
  streamObject: { ...language, operation: "streamObject", outputType: "json" },
  "ToolLoopAgent.generate": {
    ...language,
    operation: "ToolLoopAgent.generate",
    usesTools: true,
  },
  "ToolLoopAgent.stream": { ...language, operation: "ToolLoopAgent.stream", usesTools: true },
  embed: { ...embeddings, usage: [2, undefined, 2] },
  embedMany: { ...embeddings, usage: [6, undefined, 6] },
  generateImage: {
    ...generation,
    model: "gpt-image-1",
    outputType: "image",
    usage: [6, 9, 15],
  },
  experimental_generateSpeech: speech,
  generateSpeech: speech,
  // The provider package of v6 does not hand the usage on.
  experimental_transcribe: { ...transcription, usage: [undefined, undefined, undefined] },
  transcribe: transcription,
};

/** What a failed request and its operation say about the response of the provider: the status and the error code. */
const failures: Readonly<Partial<Record<HttpOutcome, readonly [number, string?]>>> = {
  retry_429: [429, "rate_limit_exceeded"],
  retry_503: [503, "server_error"],
  error_400: [400, "invalid_request_error"],
  error_500: [500, "server_error"],
  // The provider package gives the error a status.
  stream_error: [500, "server_error"],
  // The response began well.
  reset: [200],
};

interface Case {
  readonly name: string;
  readonly isStream: boolean;
  readonly major: Major;
  readonly api: Api;
  readonly outcome: HttpOutcome;
  readonly expected: Expected;
}

describe("the AI SDK with a provider over HTTP in workerd", () => {
  let app: LocalWorker;
  let provider: HttpProvider;
  let listed: readonly HttpSubject[];
  let runs = 0;
  before(async () => {
    app = await startApp("ai_http");
    provider = await startHttpProvider();
    listed = (await (await app.fetch("/subjects")).json()) as HttpSubject[];
    await app.takeSpans();
  });
  after(async () => {
    await provider.close();
    await app.close();
  });

  function queryOf({ name, major, api, outcome }: Omit<Case, "expected" | "isStream">) {
    runs += 1;
    const run = `run${String(runs).padStart(4, "0")}`;
    const query = new URLSearchParams({
      function: name,
      major,
      api,
      outcome,
      provider: provider.url,
      run,
    });
    return { run, query };
  }

  test("matrix of functions, majors, protocols and outcomes", async (t) => {
    const cases = listed.flatMap(casesOf);
    const counts = new Map<string, Count>();
    for (const item of cases) {
      const { name, major, api, outcome } = item;
      await t.test(`${name} of ${major} over ${api}: ${outcome}`, async () => {
        const { run, query } = queryOf(item);
        const response = await app.fetch(`/compare?${query}`);
        const body = await response.text();
        assert.equal(response.status, 200, body);
        const spans = (await app.takeSpans()).filter((span) => !isArrival(span));
        assertAllClosed(spans);
        assert.doesNotMatch(JSON.stringify(spans.map((span) => span.attributes)), /secret/);
        const { expected, actual } = JSON.parse(body) as { expected: object; actual: object };
        assert.deepEqual(actual, expected, "the wrapped function differs from the original");
        const requests = provider.requestsOf(`${run}-wrapped`);
        assert.deepEqual(requests, provider.requestsOf(`${run}-plain`));
        assertSpans(item, spans, requests);
        const key = keyOf(item);
        const count = counts.get(key) ?? { passed: 0, spans: 0 };
        counts.set(key, {
          passed: count.passed + 1,
          spans: count.spans + under(spans, spanNamed(spans, "wrapped")).length,
        });
      });
    }
    console.log(matrixOf(cases, counts));
  });

  for (const major of ["v6", "v7"] as const) {
    for (const name of ["streamText", "streamObject", "ToolLoopAgent.stream"]) {
      test(`a client that disconnects from ${name} of ${major} cancels its spans and the request`, async () => {
        const { query } = queryOf({ name, major, api: "responses", outcome: "abort" });
        const abort = new AbortController();
        const { body } = await app.fetch(`/respond?${query}`, { signal: abort.signal });
        await body?.getReader().read();
        abort.abort();
        const spans = await app.takeSpans();
        assertAllClosed(spans);
        for (const operation of ["invoke_agent", "chat"]) {
          const span = spanOf(spans, operation);
          assert.equal(span.status, "unset", describeSpans(spans));
          assertAttributes(span, { [canceled]: true, "error.type": undefined });
        }
        assertAttributes(spanOf(spans, "chat"), { [timeToFirstChunk]: /^0\.\d+$/ });
      });
    }
  }

  test("nothing was swallowed and the core has not trapped in any of this", async () => {
    const diagnostics = (await (await app.fetch("/diagnostics")).json()) as Record<string, number>;
    await app.takeSpans();
    for (const name of ["traps", "swallowed_errors", "double_ends"]) {
      assert.equal(diagnostics[name], 0, JSON.stringify(diagnostics));
    }
  });
});

function casesOf({ name, majors, apis, isStream }: HttpSubject): Case[] {
  const expected = expectations[name];
  assert.ok(expected, `nothing is expected of ${name}`);
  const outcomes = (Object.keys(httpOutcomes) as HttpOutcome[]).filter(
    (outcome) => isStream || !streamOnly.includes(outcome),
  );
  return majors.flatMap((major) =>
    apis.flatMap((api) =>
      outcomes.map((outcome) => ({ name, isStream, major, api, outcome, expected })),
    ),
  );
}

/** How the requests of a call end, in their order. */
function requestsOf({ outcome, expected }: Case): ("failed" | "answered" | "left")[] {
  const answered = expected.usesTools ? (["answered", "answered"] as const) : ["answered" as const];
  switch (outcome) {
    case "success":
      return [...answered];
    case "retry_429":
    case "retry_503":
      return ["failed", ...answered];
    case "error_500":
      return ["failed", "failed"];
    case "error_400":
    case "stream_error":
    case "reset":
      return ["failed"];
    case "abort":
    case "break":
    case "cancel":
      return ["left"];
  }
}

function assertSpans(item: Case, spans: readonly Span[], asked: readonly string[]): void {
  const { expected, outcome } = item;
  const message = `The spans are\n${describeSpans(spans)}`;
  const wrapped = spanNamed(spans, "wrapped");
  const ours = under(spans, wrapped);
  assert.deepEqual(under(spans, spanNamed(spans, "plain")).filter(isOurs), [], message);

  const operations = spansOf(ours, "invoke_agent");
  const requests = spansOf(ours, expected.request);
  const tools = spansOf(ours, "execute_tool");
  const network = outcome === "reset" ? "connect" : "fetch";
  const fetches = ours.filter((span) => span.name === network);
  const known = [...operations, ...requests, ...tools, ...fetches];
  assert.equal(ours.length, known.length, message);
  assert.equal(operations.length, expected.operation === undefined ? 0 : 1, message);
  assert.equal(fetches.length, asked.length, message);
  const [operation] = operations;
  const parent = operation ?? wrapped;
  assert.equal(parent.parentSpanId, operation ? wrapped.spanId : wrapped.parentSpanId, message);
  for (const span of [...requests, ...tools]) {
    assert.equal(span.parentSpanId, parent.spanId, message);
    const children = fetches.filter((child) => child.parentSpanId === span.spanId);
    assert.equal(children.length, 1, message);
  }
  assert.equal(tools.length, asked.filter((path) => path === "tool").length, message);
  for (const tool of tools) {
    assert.equal(tool.name, "execute_tool look_up", message);
    assertAttributes(tool, { "gen_ai.tool.call.id": "call_1", "error.type": undefined });
  }

  const ends = requestsOf(item);
  assert.equal(requests.length, ends.length, message);
  for (const [index, request] of requests.entries()) {
    assertRequest(item, request, ends[index] as string);
  }
  if (operation !== undefined) assertOperation(item, operation, ends);
}

function assertOperation(item: Case, span: Span, ends: readonly string[]): void {
  const { outcome, expected, isStream } = item;
  assert.equal(span.name, "invoke_agent tester");
  assertAttributes(span, {
    "gen_ai.provider.name": "openai",
    "gen_ai.output.type": expected.outputType,
    "gen_ai.request.model": expected.model,
    "gen_ai.request.stream": isStream ? true : undefined,
    "cloudflare.agents.operation.name": expected.operation,
  });
  const answered = ends.filter((end) => end === "answered").length;
  if (told.includes(outcome)) {
    assertEnd(span, "answered");
    assertUsage(expected, span, answered);
    assertAttributes(span, {
      "cloudflare.agents.tool.count": expected.usesTools ? 1 : undefined,
      "cloudflare.agents.response.finish_reason": "stop",
    });
  } else {
    assertEnd(span, left.includes(outcome) ? "left" : "failed");
    assertUsage(expected, span, 0);
    if (!left.includes(outcome)) assertFailure(span, item);
  }
}

function assertRequest(item: Case, span: Span, end: string): void {
  const { expected, isStream, outcome, api } = item;
  assert.equal(span.name, `${expected.request} ${expected.model}`);
  assertEnd(span, end);
  assertAttributes(span, {
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": expected.model,
    "gen_ai.output.type": expected.outputType,
    "gen_ai.request.stream": isStream ? true : undefined,
    "gen_ai.agent.name": "tester",
  });
  assertUsage(expected, span, end === "answered" ? 1 : 0);
  const hasBegun =
    end === "answered" || outcome === "stream_error" || (isStream && outcome === "reset");
  const hasOutput = hasBegun || (isStream && end === "left");
  assertAttributes(span, {
    [timeToFirstChunk]: isStream && hasOutput ? /^0\.\d+$/ : undefined,
  });
  if (end === "failed") assertFailure(span, item);
  if (end !== "answered") return;
  const id = api === "chat" ? "chatcmpl-1" : "resp_1";
  const isChat = expected.request === "chat";
  assertAttributes(span, {
    "gen_ai.response.id": isChat ? id : undefined,
    "gen_ai.response.model": new RegExp(`^${expected.model}`),
    "cloudflare.ai_gateway.log.id": "log-1",
    "gen_ai.usage.cache_read.input_tokens": isChat ? 20 : undefined,
    "gen_ai.usage.reasoning.output_tokens": isChat ? 2 : undefined,
  });
}

function assertEnd(span: Span, end: string): void {
  const message = `${span.name} ${JSON.stringify(span.attributes)}`;
  assert.equal(span.status, end === "failed" ? "error" : "unset", message);
  assertAttributes(span, {
    "error.type": end === "failed" ? /^\w+$/ : undefined,
    [canceled]: end === "left" ? true : undefined,
  });
}

function assertFailure(span: Span, { outcome, major, api }: Case): void {
  const [status, code] = failures[outcome] ?? [];
  const isUnknown = outcome === "stream_error" && major === "v6" && api === "chat";
  assertAttributes(span, {
    "http.response.status_code": isUnknown ? undefined : status,
    "cloudflare.agents.error.code": code,
    "exception.message": undefined,
  });
}

function assertUsage({ usage }: Expected, span: Span, times: number): void {
  const [input, output, total] = usage.map((tokens) =>
    tokens === undefined || times === 0 ? undefined : tokens * times,
  );
  assertAttributes(span, {
    "gen_ai.usage.input_tokens": input,
    "gen_ai.usage.output_tokens": output,
    "cloudflare.agents.usage.total_tokens": total,
  });
}

/** The request by which the app learns that the provider has another. */
function isArrival({ attributes }: Span): boolean {
  return String(attributes["url.full"]).endsWith("/arrived");
}

function isOurs(span: Span): boolean {
  return span.attributes["cloudflare.agents.integration.name"] === "ai-sdk";
}

/** Everything beneath a span, at any depth. */
function under(spans: readonly Span[], root: Span): Span[] {
  const children = spans.filter((span) => span.parentSpanId === root.spanId);
  return children.flatMap((child) => [child, ...under(spans, child)]);
}

interface Count {
  readonly passed: number;
  readonly spans: number;
}

function keyOf({ major, name, api, expected }: Case): string {
  return `${major} ${name}${expected.operation === undefined ? "" : ` (${api})`}`;
}

function matrixOf(cases: readonly Case[], counts: ReadonlyMap<string, Count>): string {
  const total = { passed: 0, spans: 0 };
  const lines = [...new Set(cases.map(keyOf))].map((key) => {
    const group = cases.filter((item) => keyOf(item) === key);
    const { passed, spans } = counts.get(key) ?? { passed: 0, spans: 0 };
    total.passed += passed;
    total.spans += spans;
    const names = group.map(({ outcome }) => outcome).join(" ");
    return `${key.padEnd(38)} ${passed}/${group.length} ${String(spans).padStart(4)} spans  ${names}`;
  });
  const sum = `${total.passed} of ${cases.length} cases passed, ${total.spans} spans received`;
  return ["", ...lines, sum].join("\n");
}
