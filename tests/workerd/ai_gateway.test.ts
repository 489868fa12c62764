import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Span } from "../harness/spans.ts";
import type { LocalWorker } from "../harness/start.ts";
import {
  account,
  fallbackModel,
  flakyModel,
  type GatewayDouble,
  type GatewayRequest,
  gateway,
  startGateway,
  token,
} from "./gateway_double/server.ts";
import { startApp } from "./harness/app.ts";
import {
  assertAllClosed,
  assertAttributes,
  describeSpans,
  spanNamed,
  spanOf,
} from "./harness/assertions.ts";

const traceId = "cf-aig-otel-trace-id";
const parentSpanId = "cf-aig-otel-parent-span-id";
const logId = "cloudflare.ai_gateway.log.id";
const cacheStatus = "cloudflare.ai_gateway.cache_status";
const step = "cloudflare.ai_gateway.step";

const config = {
  vars: {
    CLOUDFLARE_ACCOUNT_ID: account,
    CLOUDFLARE_GATEWAY_ID: gateway,
    CLOUDFLARE_API_TOKEN: token,
  },
};

const answers = {
  generateText: '{"answer":"12 °C, sí"}',
  streamText: '{"answer":"12 °C, sí"}',
  embed: [0.5, 0],
} as const;
type Name = keyof typeof answers;

const operations = { generateText: "chat", streamText: "chat", embed: "embeddings" } as const;

type Query = Readonly<Record<string, string>>;

function only(requests: readonly GatewayRequest[]): GatewayRequest {
  const [request] = requests;
  assert.ok(request !== undefined && requests.length === 1, `${requests.length} requests`);
  return request;
}

function assertIds({ headers }: GatewayRequest, span: Span): void {
  assert.match(String(headers[parentSpanId]), /^[0-9a-f]{16}$/);
  assert.equal(headers[traceId], span.traceId);
  assert.equal(headers[parentSpanId], span.spanId);
}

function assertNoIds({ headers }: GatewayRequest): void {
  assert.deepEqual([headers[traceId], headers[parentSpanId]], [undefined, undefined]);
}

describe("AI Gateway with providers of the AI SDK in workerd", () => {
  let app: LocalWorker;
  let double: GatewayDouble;
  before(async () => {
    app = await startApp("ai_gateway", { config });
    double = await startGateway();
  });
  after(async () => {
    await double.close();
    await app.close();
  });

  async function ask(path: string, query: Query): Promise<{ body: unknown; spans: Span[] }> {
    const search = new URLSearchParams({ server: double.url, ...query });
    const response = await app.fetch(`${path}?${search}`);
    const text = await response.text();
    assert.equal(response.status, 200, text);
    const spans = await app.takeSpans();
    assertAllClosed(spans);
    return { body: JSON.parse(text) as unknown, spans };
  }

  for (const major of ["v6", "v7", "hooks"] as const) {
    for (const provider of ["openai", "compat"] as const) {
      for (const name of Object.keys(answers) as Name[]) {
        // Hooks cannot run an embedding inside its span.
        if (major === "hooks" && name === "embed") continue;
        for (const hides of ["false", "true"]) {
          const how = hides === "true" ? "with headers hidden" : "with headers shown";
          test(`${name} of ${major} over ${provider} is one trace with the gateway, ${how}`, async () => {
            const { body, spans } = await ask("/call", {
              options: JSON.stringify({ provider }),
              function: name,
              model: fallbackModel,
              major,
              hides,
            });
            assert.deepEqual(body, { answer: answers[name] });
            const request = only(double.take());
            const span = spanOf(spans, operations[name]);
            assertIds(request, span);
            assertAttributes(span, { [logId]: /^log-\d+$/, [cacheStatus]: "MISS", [step]: 1 });
            const path = name === "embed" ? "embeddings" : "chat/completions";
            assert.equal(request.path, `/v1/${account}/shop%2Beu/${provider}/${path}`);
            assert.equal(request.headers["cf-aig-authorization"], `Bearer ${token}`);
            assert.equal(request.headers["authorization"], "Bearer provider-key");
          });
        }
      }
    }
  }

  test("settings arrive as the gateway's headers, and nothing else does", async () => {
    const options = {
      provider: "openai",
      metadata: { team: "café 😀", user: 12345, test: true },
      cache: { ttlSeconds: 3600, key: "answer", skip: false },
      retry: { maxAttempts: 3, delayMs: 500, backoff: "exponential" },
      collectLog: true,
      collectLogPayload: false,
      customCost: { perTokenIn: 0.000001, perTokenOut: 0.000002 },
      eventId: "event-1",
      requestTimeoutMs: 5000,
    };
    const query = {
      options: JSON.stringify(options),
      function: "generateText",
      major: "v7",
      model: "m",
    };
    const first = await ask("/call", query);
    const second = await ask("/call", query);
    const [request] = double.take();
    const sent = Object.fromEntries(
      Object.entries(request?.headers ?? {}).filter(([header]) => header.startsWith("cf-aig-")),
    );
    const { [traceId]: trace, [parentSpanId]: parent, ...settings } = sent;
    assert.ok(trace !== undefined && parent !== undefined);
    assert.deepEqual(JSON.parse(String(settings["cf-aig-metadata"])), options.metadata);
    delete settings["cf-aig-metadata"];
    assert.deepEqual(settings, {
      "cf-aig-authorization": `Bearer ${token}`,
      "cf-aig-backoff": "exponential",
      "cf-aig-cache-key": "answer",
      "cf-aig-cache-ttl": "3600",
      "cf-aig-collect-log": "true",
      "cf-aig-collect-log-payload": "false",
      "cf-aig-custom-cost": '{"per_token_in":0.000001,"per_token_out":0.000002}',
      "cf-aig-event-id": "event-1",
      "cf-aig-max-attempts": "3",
      "cf-aig-request-timeout": "5000",
      "cf-aig-retry-delay": "500",
      "cf-aig-skip-cache": "false",
    });
    assertAttributes(spanOf(first.spans, "chat"), { [cacheStatus]: "MISS" });
    assertAttributes(spanOf(second.spans, "chat"), { [cacheStatus]: "HIT", [step]: 0 });
  });

  test("a failed request tells of the gateway too, and the gateway's retries are its own", async () => {
    const query = { function: "generateText", major: "v6", model: flakyModel, hides: "true" };
    const failed = await ask("/call", { ...query, options: '{"provider":"openai"}' });
    assert.deepEqual(failed.body, { failure: "AI_APICallError" });
    const span = spanOf(failed.spans, "chat");
    assert.equal(span.status, "error");
    assertAttributes(span, { [logId]: /^log-\d+$/, [cacheStatus]: "MISS", [step]: 0 });
    assertIds(only(double.take()), span);

    const options = '{"provider":"openai","retry":{"maxAttempts":3}}';
    const answered = await ask("/call", { ...query, options });
    assert.deepEqual(answered.body, { answer: answers.generateText });
    assertIds(only(double.take()), spanOf(answered.spans, "chat"));
  });

  test("without the token the gateway refuses, as it does without this package", async () => {
    const options = '{"provider":"openai","apiToken":false}';
    const query = { options, function: "generateText", major: "v7", model: "m" };
    const { body } = await ask("/call", query);
    assert.deepEqual(body, { failure: "AI_APICallError" });
    assert.equal(only(double.take()).headers["cf-aig-authorization"], undefined);
  });

  const kinds = ["text", "url", "headers", "request", "request_as_options", "stream"];
  for (const kind of kinds) {
    test(`a client without the AI SDK: the active span, headers and body kept (${kind})`, async () => {
      const { spans } = await ask("/plain", { kind, options: '{"provider":"compat"}' });
      const request = only(double.take());
      assertIds(request, spanNamed(spans, "plain"));
      assert.equal(request.headers["x-own"], "1");
      assert.equal(request.body, '{"model":"plain"}');
    });
  }

  test("outside of any span of the program's the request's own is the parent", async () => {
    const query = { kind: "text", span: "none", options: '{"provider":"compat"}' };
    const { spans } = await ask("/plain", query);
    const root = spans.find((span) => span.isInvocation);
    assert.ok(root !== undefined, describeSpans(spans));
    assertIds(only(double.take()), root);
  });

  test("ids of the caller's own stay, and get no others beside them", async () => {
    await ask("/plain", { kind: "own_ids", options: '{"provider":"compat"}' });
    const { headers } = only(double.take());
    assert.equal(headers[traceId], "f".repeat(32));
    assert.equal(headers[parentSpanId], undefined);
  });

  test("other servers are told nothing", async () => {
    await ask("/elsewhere", { options: '{"provider":"compat"}' });
    const request = only(double.take());
    assertNoIds(request);
    const named = Object.keys(request.headers).filter((name) => name.startsWith("cf-aig-"));
    assert.deepEqual(named, []);
  });

  test("nothing was swallowed and the core has not trapped in any of this", async () => {
    const diagnostics = (await (await app.fetch("/diagnostics")).json()) as Record<string, number>;
    await app.takeSpans();
    for (const name of ["traps", "swallowed_errors", "double_ends"]) {
      assert.equal(diagnostics[name], 0, JSON.stringify(diagnostics));
    }
  });
});

describe("AI Gateway in a Worker that nobody traces", () => {
  let app: LocalWorker;
  let double: GatewayDouble;
  before(async () => {
    app = await startApp("ai_gateway", { config, tail: "none" });
    double = await startGateway();
  });
  after(async () => {
    await double.close();
    await app.close();
  });

  test("calls work and no ids are sent", async () => {
    for (const name of Object.keys(answers) as Name[]) {
      const query = { options: '{"provider":"openai"}', function: name, major: "v7", model: "m" };
      const search = new URLSearchParams({ server: double.url, ...query });
      const response = await app.fetch(`/call?${search}`);
      assert.deepEqual(await response.json(), { answer: answers[name] });
      const request = only(double.take());
      assertNoIds(request);
      assert.equal(request.headers["cf-aig-authorization"], `Bearer ${token}`);
    }
  });
});
