import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAI as createOpenAIV6 } from "ai-sdk-openai-v6";
import { runInCall } from "../../../bindings/ai/calls/current_call.ts";
import { aiGatewayBaseURL, gatewayURL } from "../../../bindings/gateway/base_url.ts";
import { configureAIGateway } from "../../../bindings/gateway/configure.ts";
import {
  gatewayFetch,
  parentSpanIdHeader,
  traceIdHeader,
} from "../../../bindings/gateway/traced_fetch.ts";
import { type ActiveContext, activeContext } from "../../../bindings/otlp/capture/context.ts";
import type { SpanContext } from "../../../bindings/trace/span_runtime.ts";
import {
  account,
  type GatewayDouble,
  gateway,
  startGateway,
  token,
} from "../../workerd/gateway_double/server.ts";
import { sdks, wrapped } from "../support/ai_sdk.ts";
import { attributesOf, recording } from "../support/tracing.ts";

const target = { accountId: account, gatewayId: gateway, provider: "openai" } as const;
const root = gatewayURL(target);
const address = `${root}/openai/chat/completions`;

type Sent = readonly [input: RequestInfo | URL, init: RequestInit | undefined];

const ids: SpanContext = { traceId: "a".repeat(32), spanId: "b".repeat(16), traceFlags: 1 };
const added = { [traceIdHeader]: ids.traceId, [parentSpanIdHeader]: ids.spanId };

/** What reaches the `fetch` beneath, and how it is answered. */
function watched(
  active: SpanContext | "none" = ids,
  answer: unknown = Promise.resolve(new Response("ok")),
) {
  const sent: Sent[] = [];
  const inner = (input: RequestInfo | URL, init?: RequestInit) => {
    sent.push([input, init]);
    if (answer instanceof Error) throw answer;
    return answer as Promise<Response>;
  };
  return { sent, send: gatewayFetch(root, inner, () => (active === "none" ? undefined : active)) };
}

function initOf(sent: readonly Sent[]): RequestInit {
  const [first] = sent;
  assert.ok(first !== undefined && sent.length === 1);
  return first[1] ?? assert.fail("no options");
}

describe("the fetch of AI Gateway", () => {
  test("requests of the REST API that name a gateway get the ids, and others do not", async () => {
    const rest = `https://api.cloudflare.com/client/v4/accounts/${account}/ai/v1/chat/completions`;
    const named = { "CF-AIG-Gateway-Id": gateway };
    const pairs = Object.entries(named) as [string, string][];
    for (const headers of [named, pairs, new Headers(named)]) {
      const { sent, send } = watched();
      await send(rest, { method: "POST", headers });
      const all = new Headers(initOf(sent).headers);
      assert.equal(all.get(traceIdHeader), ids.traceId);
      assert.equal(all.get(parentSpanIdHeader), ids.spanId);
      assert.equal(all.get("cf-aig-gateway-id"), gateway);
    }
    const request = watched();
    await request.send(new Request(rest, { headers: named }));
    assert.equal(new Headers(initOf(request.sent).headers).get(traceIdHeader), ids.traceId);
    const others: readonly (readonly [string, HeadersInit])[] = [
      [rest, {}],
      [rest.replace("api.", "api-"), named],
      [rest.replace("https:", "http:"), named],
      [rest.replace("/ai/", "/workers/"), named],
      [`https://other.example/?${rest}`, named],
    ];
    for (const [address, headers] of others) {
      const { sent, send } = watched();
      const init = { headers };
      await send(address, init);
      assert.equal(initOf(sent), init, address);
    }
  });

  test("headers of a REST request that can be read once are left to fetch", async () => {
    const rest = `https://api.cloudflare.com/client/v4/accounts/${account}/ai/run/x`;
    const { sent, send } = watched();
    const headers = new Map([["cf-aig-gateway-id", gateway]]).entries();
    await send(rest, { headers: headers as unknown as [string, string][] });
    assert.equal([...(initOf(sent).headers as Iterable<unknown>)].length, 1);
  });

  test("two headers are added to the caller's, in the form the caller has them", async () => {
    const forms: readonly (readonly [HeadersInit, HeadersInit])[] = [
      [{ "X-Own": "1" }, { "X-Own": "1", ...added }],
      [[["X-Own", "1"]], [["X-Own", "1"], ...Object.entries(added)] as [string, string][]],
    ];
    for (const [given, expected] of forms) {
      const { sent, send } = watched();
      const body = new ReadableStream();
      const init = { method: "POST", body, headers: given };
      await send(address, init);
      assert.deepEqual(initOf(sent).headers, expected);
      assert.equal(initOf(sent).body, body);
      assert.equal(initOf(sent).method, "POST");
      assert.equal(body.locked, false);
      assert.equal(init.headers, given, "the caller's own were changed");
    }
    const { sent, send } = watched();
    const headers = new Headers({ "x-own": "1" });
    await send(new URL(address), { headers });
    assert.deepEqual(Object.fromEntries(initOf(sent).headers as Headers), {
      "x-own": "1",
      ...added,
    });
    assert.deepEqual([...headers], [["x-own", "1"]], "the caller's own were changed");
  });

  test("a request keeps its headers and its body", async () => {
    const { sent, send } = watched();
    const request = new Request(address, { method: "POST", body: "{}", headers: { "x-own": "1" } });
    await send(request);
    assert.equal(sent[0]?.[0], request);
    assert.equal(request.bodyUsed, false);
    const made = new Request(request, initOf(sent));
    assert.equal(made.headers.get("x-own"), "1");
    assert.equal(made.headers.get(traceIdHeader), ids.traceId);
    assert.equal(await made.text(), "{}");
  });

  test("options that are a request are read as fetch reads them", async () => {
    const { sent, send } = watched();
    await send(address, new Request(address, { method: "PUT", headers: { "x-own": "1" } }));
    assert.equal(initOf(sent).method, "PUT");
    assert.deepEqual(Object.fromEntries(new Headers(initOf(sent).headers)), {
      "x-own": "1",
      ...added,
    });
  });

  test("where there is nothing to add, the caller's arguments go on as they are", async () => {
    const own = { headers: { "CF-AIG-OTEL-PARENT-SPAN-ID": "c".repeat(16) } };
    const cases: readonly (readonly [string, RequestInit, SpanContext | "none"])[] = [
      [address, { method: "POST" }, "none"],
      [address, own, ids],
      ["https://api.openai.com/v1/chat", { headers: {} }, ids],
      [`${root}-other/openai`, { headers: {} }, ids],
    ];
    for (const [input, init, active] of cases) {
      const { sent, send } = watched(active);
      await send(input, init);
      assert.equal(sent[0]?.[0], input);
      assert.equal(sent[0]?.[1], init);
    }
  });

  test("headers that no fetch takes are left for fetch to refuse", async () => {
    for (const headers of [{ "bad name": "1" }, [["one"]], 7, null]) {
      const { sent, send } = watched();
      await send(address, { headers } as never);
      assert.ok(sent.length === 1);
    }
  });

  test("what the fetch beneath throws, rejects with or answers is the caller's", async () => {
    const error = new Error("network");
    assert.throws(() => watched(ids, error).send(address), error);
    await assert.rejects(watched(ids, Promise.reject(error)).send(address), error);
    const odd = "no response at all";
    assert.equal(watched(ids, odd).send(address), odd as never);
    const promise = Promise.resolve(new Response());
    assert.equal(watched(ids, promise).send(address), promise);
  });

  test("a response that cannot be read, and a call that throws, change nothing", async () => {
    const broken = {
      get headers(): Headers {
        throw new Error("no headers");
      },
    };
    const noted: unknown[] = [];
    const call = {
      spanContext: () => ({ ...ids, spanId: "not an id" }),
      noteHeaders: (headers: unknown) => {
        noted.push(headers);
        throw new Error("the call failed");
      },
    };
    const { sent, send } = watched("none", Promise.resolve(broken));
    assert.equal(await runInCall(call, () => send(address)), broken as never);
    assert.equal(sent[0]?.[1], undefined);
    const response = new Response();
    const { send: sound } = watched(ids, Promise.resolve(response));
    assert.equal(await runInCall(call, () => sound(address)), response);
    assert.deepEqual(noted, [response.headers]);
  });

  test("the span that OTLP exports is the active one, where it is recorded", async () => {
    const sent: Sent[] = [];
    const inner: typeof fetch = async (input, init) => {
      sent.push([input as string, init as RequestInit]);
      return new Response();
    };
    const { fetch: send } = configureAIGateway({ ...target, fetch: inner });
    const { traceId, spanId } = ids;
    for (const flags of [1, 0]) {
      const parent = { traceId, spanId, flags, traceState: "", isRemote: false };
      const context = { parent } as unknown as ActiveContext;
      await activeContext.run(context, () => send(address, { headers: {} }));
    }
    assert.deepEqual(
      sent.map(([, init]) => init?.headers),
      [added, {}],
    );
  });

  test("the global fetch of the moment is used where none is given", async () => {
    const send = gatewayFetch(root, undefined, () => undefined);
    const original = globalThis.fetch;
    const own = Promise.resolve(new Response());
    globalThis.fetch = () => own;
    try {
      assert.equal(send(address), own);
    } finally {
      globalThis.fetch = original;
    }
  });
});

const factories = {
  v6: createOpenAIV6 as unknown as typeof createOpenAI,
  v7: createOpenAI,
} as const;

describe("AI Gateway with providers of the AI SDK in Node", () => {
  let double: GatewayDouble;
  const toDouble: typeof fetch = (input, init) =>
    fetch(String(input).replace("https://gateway.ai.cloudflare.com", double.url), init);
  const run = async (test: () => Promise<void>) => {
    double = await startGateway();
    try {
      await test();
    } finally {
      await double.close();
    }
  };

  for (const sdk of sdks) {
    const provider = () =>
      factories[sdk.name]({
        apiKey: "key",
        baseURL: aiGatewayBaseURL(target),
        headers: { "cf-aig-authorization": `Bearer ${token}` },
        // A span that is active all the time, which the request's own comes before.
        fetch: gatewayFetch(root, toDouble, () => ids),
      });

    test(`the chat span of ${sdk.name} is the parent, also inside a span around the request`, () =>
      run(async () => {
        const tracing = recording();
        const { generateText } = wrapped(tracing.telemetry, sdk);
        const model = provider().chat("m");
        const original = model.doGenerate.bind(model);
        model.doGenerate = (options) =>
          tracing.tracer.withSpan("inner", {}, () => original(options));
        const { text } = await generateText({ model, prompt: "hello", maxRetries: 0 });
        assert.match(text, /12 °C/);
        const chat = tracing.runtime.spans.find(({ name }) => name === "chat m");
        const [request] = double.take();
        assert.equal(request?.headers[parentSpanIdHeader], chat?.id.toString(16).padStart(16, "0"));
        assert.equal(attributesOf(chat)["cloudflare.ai_gateway.log.id"], "log-1");
        assert.equal(tracing.count("swallowed_errors"), 0);
      }));

    test(`parallel calls of ${sdk.name} each get their own answer`, () =>
      run(async () => {
        const tracing = recording();
        const { generateText } = wrapped(tracing.telemetry, sdk);
        const hidden = provider();
        const call = async (index: number) => {
          const model = hidden.chat(`m${index}`);
          await generateText({ model, prompt: "hello", maxRetries: 0 });
        };
        await Promise.all(Array.from({ length: 8 }, (_, index) => call(index)));
        for (const { headers, body } of double.take()) {
          const { model } = JSON.parse(body) as { model: string };
          const chat = tracing.runtime.spans.find(({ name }) => name === `chat ${model}`);
          assert.equal(headers[parentSpanIdHeader], chat?.id.toString(16).padStart(16, "0"));
        }
      }));
  }
});
