import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { logRecord } from "../../../bindings/otlp/capture/log_record.ts";
import type { OtlpOptions } from "../../../bindings/otlp/pipeline/options.ts";
import { logSize } from "../../../bindings/otlp/pipeline/pipeline.ts";
import { noopRuntime, type SpanRuntime } from "../../../bindings/trace/span_runtime.ts";
import { receiverOfFile, startReceiver } from "../../otlp_receiver/receiver.ts";
import {
  type Exporting,
  edges,
  exportingOver,
  nodeResource,
  received,
} from "../support/exporting.ts";
import { RecordingRuntime } from "../support/recording_runtime.ts";
import { detach, shapeOf } from "../support/runtime_operations.ts";
import { tracingOver } from "../support/tracing.ts";

const receiver = await receiverOfFile();

const traceId = "0af7651916cd43dd8448eb211c80319c";
const parentId = "b7ad6b7169203331";
const traceparent = `00-${traceId}-${parentId}-01`;

interface Given {
  readonly runtime?: SpanRuntime;
  readonly options?: Partial<OtlpOptions>;
  readonly handler?: string;
  readonly event?: unknown;
}

/** Runs a body as an invocation: the export, and what the invocation answers or throws. */
function invoke<T>(given: Given, body: (exporting: Exporting) => T) {
  const { runtime = noopRuntime, options, handler = "fetch" } = given;
  const { event = new Request("https://shop.example/cart") } = given;
  const exporting = exportingOver(runtime, receiver, options);
  const invocation = { handler, args: [event], waitUntil: undefined };
  const run = () => exporting.exports.run(invocation, undefined, () => body(exporting));
  return { exporting, run };
}

async function spanOf(given: Given, body: () => unknown = () => new Response("ok")) {
  const { exporting, run } = invoke(given, body);
  await Promise.resolve()
    .then(run)
    .catch(() => {});
  return (await exporting.spans())[0];
}

describe("the span of an invocation", () => {
  test("of a request says what the conventions ask for, without its query", async () => {
    const request = new Request("https://shop.example:8443/cart/7?token=s3cret", {
      method: "POST",
      headers: { "user-agent": "tests" },
    });
    const route = () => "/cart/:id";
    const span = await spanOf({ event: request, options: { route } });
    assert.deepEqual([span?.name, span?.kind, span?.status], ["POST /cart/:id", 2, 0]);
    assert.deepEqual(span?.attributes, {
      "faas.trigger": "http",
      "faas.coldstart": true,
      "cloudflare.handler_type": "fetch",
      "cloudflare.execution_model": "stateless",
      "http.request.method": "POST",
      "http.route": "/cart/:id",
      "url.scheme": "https",
      "url.path": "/cart/7",
      "server.address": "shop.example",
      "server.port": 8443,
      "user_agent.original": "tests",
      "http.response.status_code": 200,
    });
  });

  test("has no name of a client's making", async () => {
    const event = new Request("https://shop.example/", { method: "BREW" });
    const throwing = () => {
      throw new Error();
    };
    const rejecting = (() => Promise.reject(new Error())) as never;
    for (const route of [throwing, rejecting]) {
      assert.equal((await spanOf({ event, options: { route } }))?.name, "HTTP");
    }
    const span = await spanOf({ event });
    assert.equal(span?.attributes["http.request.method"], "_OTHER");
    assert.equal(span?.attributes["http.request.method_original"], "BREW");
  });

  test("of a batch and of a schedule have their kinds", async () => {
    const batch = { queue: "orders", messages: [1, 2, 3] };
    const consumer = await spanOf({ handler: "queue", event: batch }, () => undefined);
    assert.deepEqual([consumer?.name, consumer?.kind], ["process orders", 5]);
    assert.equal(consumer?.attributes["faas.coldstart"], false);
    assert.equal(consumer?.attributes["messaging.batch.message_count"], 3);
    assert.equal(consumer?.attributes["messaging.destination.name"], "orders");
    const event = { cron: "0 * * * *", scheduledTime: 1_700_000_000_000 };
    const scheduled = await spanOf({ handler: "scheduled", event }, () => undefined);
    assert.deepEqual([scheduled?.name, scheduled?.kind], ["scheduled", 2]);
    assert.equal(scheduled?.attributes["faas.cron"], "0 * * * *");
    assert.equal(scheduled?.attributes["faas.invocation.start_time"], "2023-11-14T22:13:20.000Z");
  });

  test("fails with a server error, and not with a client's", async () => {
    const server = await spanOf({}, () => new Response("", { status: 503 }));
    assert.deepEqual([server?.status, server?.attributes["error.type"]], [2, "503"]);
    const client = await spanOf({}, () => new Response("", { status: 404 }));
    assert.deepEqual([client?.status, client?.attributes["http.response.status_code"]], [0, 404]);
  });

  for (const [name, body] of Object.entries({
    throw: () => {
      throw new RangeError("s3cret");
    },
    rejection: () => Promise.reject(new RangeError("s3cret")),
  })) {
    test(`fails with a ${name}, which goes on as it is`, async () => {
      const { exporting, run } = invoke({}, body);
      let caught: unknown;
      try {
        await run();
      } catch (cause) {
        caught = cause;
      }
      assert.equal((caught as Error).message, "s3cret");
      const [span] = await exporting.spans();
      assert.deepEqual([span?.status, span?.events], [2, ["exception"]]);
      assert.equal(span?.attributes["error.type"], "RangeError");
      assert.doesNotMatch(JSON.stringify(span), /s3cret/);
    });
  }

  test("is the parent of what happens in it, and all of it is sent once it is over", async () => {
    const { exporting, run } = invoke({}, async ({ tracer, held }) => {
      await tracer.withSpan("work", {}, async () => {
        await null;
        tracer.withSpan("inner", {}, () => {});
      });
      assert.equal(held.length, 0);
      return new Response("ok");
    });
    const response = run();
    assert.ok(response instanceof Promise);
    assert.equal(await (await response).text(), "ok");
    assert.equal(exporting.held.length, 1);
    await exporting.held[0];
    assert.equal(receiver.requests.length, 1);
    assert.deepEqual(edges(await exporting.spans()), ["GET", "inner < work", "work < GET"]);
  });

  test("of a thenable asks it once, like the runtime", async () => {
    let asked = 0;
    const { exporting, run } = invoke({}, () => ({
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
      then(resolve: (value: Response) => void) {
        asked += 1;
        resolve(new Response("", { status: 201 }));
      },
    }));
    const result = (await run()) as unknown as Response;
    assert.equal(result.status, 201);
    assert.equal(asked, 1);
    const [span] = await exporting.spans();
    assert.equal(span?.attributes["http.response.status_code"], 201);
  });

  test("is one, when a handler calls another", async () => {
    const { exporting, run } = invoke({}, ({ exports }) => {
      const event = new Request("https://shop.example/inner");
      return exports.run(
        { handler: "fetch", args: [event], waitUntil: undefined },
        undefined,
        () => 1,
      );
    });
    assert.equal(run(), 1);
    assert.equal((await exporting.spans()).length, 1);
  });

  test("of an event that is none is left out, and the body runs", async () => {
    const { exporting, run } = invoke({ event: null }, ({ tracer }) =>
      tracer.withSpan("work", {}, () => 7),
    );
    assert.equal(run(), 7);
    assert.deepEqual(edges(await exporting.spans()), ["work"]);
    assert.equal(exporting.count("otlp_failures"), 1);
  });

  test("has the ids of the runtime's span where that has ids, so that the tree has a root", async () => {
    const runtime = new RecordingRuntime();
    const { exporting, run } = invoke({ runtime }, ({ tracer }) =>
      tracer.withSpan("work", {}, () => new Response("ok")),
    );
    runtime.startActiveSpan("theirs", run);
    const spans = await exporting.spans();
    assert.deepEqual(edges(spans), ["GET", "work < GET"]);
    assert.equal(received(spans, "GET").spanId, "0000000000000001");
  });

  test("is not there when it is not wanted", async () => {
    const { exporting, run } = invoke({ options: { invocationSpan: false } }, ({ tracer }) =>
      tracer.withSpan("work", {}, () => new Response("ok")),
    );
    run();
    assert.deepEqual(edges(await exporting.spans()), ["work"]);
  });
});

describe("the trace of a request", () => {
  const requestWith = (headers: Record<string, string>) =>
    new Request("https://shop.example/", { headers });

  test("goes on, with its state", async () => {
    const event = requestWith({ traceparent, tracestate: "vendor=1, other=2" });
    const { exporting, run } = invoke({ event }, ({ tracer }) =>
      tracer.withSpan("work", {}, () => new Response("ok")),
    );
    run();
    const spans = await exporting.spans();
    const server = received(spans, "GET");
    assert.deepEqual([server.traceId, server.parentSpanId], [traceId, parentId]);
    for (const span of spans) {
      assert.deepEqual([span.traceId, span.traceState], [traceId, "vendor=1,other=2"]);
    }
    // The remote bit says that the parent is a span of another process.
    assert.deepEqual([server.flags & 0x300, received(spans, "work").flags & 0x300], [0x300, 0x100]);
  });

  test("is not recorded where its sender does not record it, whatever the ratio", async () => {
    const event = requestWith({ traceparent: `00-${traceId}-${parentId}-00` });
    const { exporting, run } = invoke({ event }, ({ tracer, exports }) => {
      const sent: (string | null)[] = [];
      const fake = (_input: unknown, init?: RequestInit) => {
        sent.push(new Headers(init?.headers).get("traceparent"));
        return Promise.resolve(new Response());
      };
      tracer.withSpan("work", {}, () =>
        exports.tracedFetch(fake as typeof fetch)("https://a.example/"),
      );
      return sent;
    });
    exporting.exports.use(
      { backend: "custom", endpoint: receiver.url, format: "json", propagateTo: ["a.example"] },
      {},
    );
    const [sent] = run();
    assert.match(sent ?? "", new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
    assert.deepEqual(await exporting.spans(), []);
  });

  test("is recorded where its sender records it, whatever the ratio", async () => {
    const event = requestWith({ traceparent });
    const span = await spanOf({ event, options: { sampleRatio: 0 } });
    assert.equal(span?.traceId, traceId);
  });

  for (const header of [
    "",
    "00",
    `00-${traceId}-${parentId}`,
    `00-${"0".repeat(32)}-${parentId}-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    `ff-${traceId}-${parentId}-01`,
    `00-${traceId.toUpperCase()}-${parentId}-01`,
    `00-${traceId}-${parentId}-01-more`,
    `00-${traceId}-${parentId}-0g`,
  ]) {
    test(`begins anew with traceparent "${header}"`, async () => {
      const span = await spanOf({ event: requestWith({ traceparent: header, tracestate: "a=1" }) });
      assert.notEqual(span?.traceId, traceId);
      assert.deepEqual([span?.parentSpanId, span?.traceState], ["", ""]);
    });
  }
});

describe("the option incomingContext", () => {
  const request = (flags: string) =>
    new Request("https://shop.example/", {
      headers: { traceparent: `00-${traceId}-${parentId}-${flags}`, tracestate: "a=1" },
    });

  test("link: begins a trace, samples by its own ratio, and links", async () => {
    const incomingContext = "link";
    const event = request("00");
    const span = await spanOf({ event, options: { incomingContext } });
    assert.notEqual(span?.traceId, traceId);
    assert.deepEqual([span?.parentSpanId, span?.links], ["", [[traceId, parentId]]]);
    const options = { incomingContext, sampleRatio: 0 } as const;
    assert.equal(await spanOf({ event: request("01"), options }), undefined);
  });

  test("ignore: begins a trace without a link", async () => {
    const span = await spanOf({ event: request("01"), options: { incomingContext: "ignore" } });
    assert.notEqual(span?.traceId, traceId);
    assert.deepEqual([span?.parentSpanId, span?.links], ["", []]);
  });

  test("a function decides for each request, and links when it fails", async () => {
    const incomingContext = (given: Request) =>
      new URL(given.url).hostname === "shop.example" ? "continue" : "ignore";
    const event = request("01");
    const span = await spanOf({ event, options: { incomingContext } });
    assert.deepEqual([span?.traceId, span?.parentSpanId], [traceId, parentId]);
    const failing = () => {
      throw new Error("s3cret");
    };
    const linked = await spanOf({ event, options: { incomingContext: failing } });
    assert.deepEqual(linked?.links, [[traceId, parentId]]);
  });

  test("where the runtime has ids, another trace is linked and the same one continued", async () => {
    const runtime = new RecordingRuntime();
    const linked = invoke({ runtime, event: request("01") }, () => new Response("ok"));
    runtime.startActiveSpan("theirs", linked.run);
    const [span] = await linked.exporting.spans();
    assert.notEqual(span?.traceId, traceId);
    assert.deepEqual([span?.parentSpanId, span?.links], ["", [[traceId, parentId]]]);
    const headers = { traceparent: `00-${span?.traceId}-${parentId}-01` };
    const event = new Request("https://shop.example/", { headers });
    const same = invoke({ runtime, event }, () => new Response("ok"));
    runtime.startActiveSpan("theirs", same.run);
    const [continued] = await same.exporting.spans();
    assert.deepEqual(
      [continued?.traceId, continued?.parentSpanId, continued?.links],
      [span?.traceId, parentId, []],
    );
  });

  test("is refused with the values it may have", () => {
    const options = { incomingContext: "trust" } as never;
    assert.throws(
      () => invoke({ options }, () => 1),
      /incomingContext is a string.*continue, link, ignore/,
    );
  });
});

test("an invocation waits in the runtime and in its context, which a test framework waits for", async () => {
  const exporting = exportingOver(noopRuntime, receiver);
  const waiting: Promise<unknown>[] = [];
  const args = [new Request("https://shop.example/")];
  const waitUntil = (work: Promise<unknown>) => void waiting.push(work);
  exporting.exports.run({ handler: "fetch", args, waitUntil }, undefined, () => new Response("ok"));
  await Promise.all(waiting);
  assert.equal(receiver.requests.length, 1);
  assert.deepEqual(waiting, exporting.held);
  await exporting.spans();
});

describe("inject and extract", () => {
  test("carry the active span into headers and objects, and back", async () => {
    const { exporting, run } = invoke({}, ({ tracer }) => {
      const [headers, object] = tracer.withSpan("sender", {}, () => [
        tracer.inject(new Headers({ "x-own": "1" })),
        tracer.inject({ own: "1" } as Record<string, string>),
      ]) as [Headers, Record<string, string>];
      assert.equal(headers.get("traceparent"), object["traceparent"]);
      assert.deepEqual(Object.keys(object), ["own", "traceparent"]);
      const inside = () => tracer.withSpan("receiver", {}, () => "result");
      assert.equal(tracer.extract(headers, inside), "result");
      tracer.extract(object, () => tracer.withSpan("receiver of an object", {}, () => {}));
      tracer.withSpan("after", {}, () => {});
    });
    run();
    assert.deepEqual(edges(await exporting.spans()), [
      "GET",
      "after < GET",
      "receiver < sender",
      "receiver of an object < sender",
      "sender < GET",
    ]);
  });

  test("outside of an invocation, the spans are sent when the body has settled", async () => {
    const exporting = exportingOver(noopRuntime, receiver);
    const { tracer, held } = exporting;
    const carrier = { traceparent, tracestate: "a=1,b=2" };
    await tracer.extract(carrier, () => tracer.withSpan("work", {}, async () => {}));
    assert.equal(held.length, 1);
    const [span] = await exporting.spans();
    assert.deepEqual(
      [span?.traceId, span?.parentSpanId, span?.traceState],
      [traceId, parentId, "a=1,b=2"],
    );
  });

  test("keep the decision of the sender", async () => {
    const exporting = exportingOver(noopRuntime, receiver);
    const { tracer } = exporting;
    const unsampled = { traceparent: traceparent.replace(/01$/, "00") };
    tracer.extract(unsampled, () =>
      tracer.withSpan("work", {}, () => {
        assert.match(tracer.inject({} as Record<string, string>)["traceparent"] ?? "", /-00$/);
      }),
    );
    assert.deepEqual(await exporting.spans(), []);
  });

  test("leave the decision to a standard sampler that is not based on the parent", async () => {
    const env = { OTEL_TRACES_SAMPLER: "always_on" };
    const exporting = exportingOver(noopRuntime, receiver, {}, env);
    const unsampled = { traceparent: traceparent.replace(/01$/, "00") };
    exporting.tracer.extract(unsampled, () => exporting.tracer.withSpan("work", {}, () => {}));
    const [span] = await exporting.spans();
    assert.deepEqual([span?.traceId, span?.parentSpanId], [traceId, parentId]);
  });

  test("do nothing without an export or with headers that are invalid", () => {
    const tracing = tracingOver(noopRuntime);
    assert.deepEqual(tracing.tracer.inject({}), {});
    assert.equal(
      tracing.tracer.extract({ traceparent }, () => 1),
      1,
    );
    const { tracer } = exportingOver(noopRuntime, receiver);
    assert.equal(
      tracer.extract({ traceparent: "00-1-2-3" }, () => 2),
      2,
    );
  });

  test("run the body with a carrier that cannot be read", () => {
    const { tracer } = exportingOver(noopRuntime, receiver);
    const hostile = Object.defineProperty({}, "traceparent", {
      get: () => assert.fail("the getter of a user"),
    });
    for (const carrier of [null, undefined, 7, "text", hostile]) {
      const before = tracer.diagnostics()["swallowed_errors"] ?? 0;
      assert.equal(
        tracer.extract(carrier as never, () => 3),
        3,
      );
      const isReadable = typeof carrier === "number" || typeof carrier === "string";
      const swallowed = (tracer.diagnostics()["swallowed_errors"] ?? 0) - before;
      assert.equal(swallowed, isReadable ? 0 : 1, String(carrier));
    }
  });

  test("without an export, inject writes the ids of the runtime's span", () => {
    const runtime = new RecordingRuntime();
    const { tracer } = tracingOver(runtime);
    const carrier = tracer.withSpan("work", {}, (span) => ({
      traceparent: tracer.inject({} as Record<string, string>)["traceparent"],
      expected: span.spanContext()?.spanId,
    }));
    assert.equal(carrier.traceparent?.split("-")[2], carrier.expected);
  });
});

describe("traceparent of outgoing requests", () => {
  const ask = (
    propagateTo: OtlpOptions["propagateTo"],
    input: RequestInfo | URL,
    init?: RequestInit,
  ): { headers: Headers; passed: unknown[]; spanId: string } => {
    const passed: unknown[] = [];
    const fake = (...args: unknown[]) => {
      passed.push(...args);
      return Promise.resolve(new Response());
    };
    const { run } = invoke({ options: { propagateTo } }, ({ tracer, exports }) =>
      tracer.withSpan("work", {}, (span) => {
        void exports.tracedFetch(fake as typeof fetch)(input, init);
        return span.spanContext()?.spanId ?? "";
      }),
    );
    const spanId = run();
    const [given, more] = passed as [RequestInfo | URL, RequestInit | undefined];
    const headers = new Headers(more?.headers ?? (given instanceof Request ? given.headers : {}));
    return { headers, passed, spanId };
  };

  test("names the active span to chosen hosts alone", () => {
    const chosen: readonly [NonNullable<OtlpOptions["propagateTo"]>, string, boolean][] = [
      [["api.example"], "https://api.example/x", true],
      [["api.example"], "https://evil-api.example/x", false],
      [["api.example"], "https://api.example.evil/x", false],
      [["api.example:8080"], "https://api.example:8080/x", true],
      [["*.example"], "https://api.example/x", true],
      [["*.example"], "https://example/x", false],
      [[/^https:\/\/api\.example\/v1\//g], "https://api.example/v1/x", true],
      [[/^https:\/\/api\.example\/v1\//g], "https://api.example/v2/x", false],
      [(url) => url.pathname === "/x", "https://any.example/x", true],
      [(url) => url.pathname === "/x", "https://any.example/y", false],
      [[], "https://api.example/x", false],
    ];
    for (const [to, url, isNamed] of chosen) {
      for (let round = 0; round < 2; round += 1) {
        const { headers, spanId } = ask(to, url);
        const sent = headers.get("traceparent");
        assert.equal(sent !== null, isNamed, `${to} ${url}`);
        if (isNamed) assert.match(sent ?? "", new RegExp(`^00-[0-9a-f]{32}-${spanId}-01$`));
      }
    }
  });

  test("keeps the request as it is otherwise", () => {
    const init = { method: "POST", body: "x", headers: { "x-own": "1" } };
    const { headers, passed } = ask(["a.example"], "https://a.example/", init);
    assert.equal(headers.get("x-own"), "1");
    assert.deepEqual(
      { ...(passed[1] as RequestInit), headers: undefined },
      { ...init, headers: undefined },
    );
    assert.deepEqual(init.headers, { "x-own": "1" });
    const request = new Request("https://a.example/", { headers: { "x-own": "2" } });
    const ofRequest = ask(["a.example"], request);
    assert.equal(ofRequest.headers.get("x-own"), "2");
    assert.equal(ofRequest.passed[0], request);
    assert.ok(ofRequest.headers.has("traceparent"));
    assert.equal(request.headers.has("traceparent"), false);
  });

  test("leaves one alone that is there already, and what no fetch takes", () => {
    const headers = { traceparent };
    assert.equal(
      ask(["a.example"], "https://a.example/", { headers }).headers.get("traceparent"),
      traceparent,
    );
    assert.deepEqual(ask(["a.example"], "no address").passed, ["no address", undefined]);
    const throws = () => {
      throw new Error();
    };
    assert.equal(ask(throws, "https://a.example/").headers.has("traceparent"), false);
  });

  test("is none outside of any span", () => {
    const exporting = exportingOver(noopRuntime, receiver, { propagateTo: () => true });
    const passed: unknown[] = [];
    const fake = ((...args: unknown[]) => void passed.push(...args)) as unknown as typeof fetch;
    void exporting.exports.tracedFetch(fake)("https://a.example/");
    assert.deepEqual(passed, ["https://a.example/", undefined]);
  });
});

describe("log records", () => {
  test("go out in the span that is active, with severity, attributes and body", async () => {
    const { exporting, run } = invoke({}, ({ tracer, exports }) =>
      tracer.withSpan("work", {}, (span) => {
        const body = { order: 7 };
        exports.emitLog({ body: "text", severity: "error", attributes: { "app.n": 1 } });
        exports.emitLog({ body, eventName: "order.placed" });
        body.order = 8;
        return span.spanContext();
      }),
    );
    const context = run();
    await Promise.all(exporting.held);
    const logs = receiver.requests.filter(({ path }) => path === "POST /v1/logs");
    const items = logs.flatMap((request) => request.items);
    assert.equal(items.length, 2);
    assert.deepEqual([items[0]?.name, items[0]?.attributes], ["text", { "app.n": 1 }]);
    for (const item of items) {
      assert.deepEqual([item.traceId, item.spanId], [context?.traceId, context?.spanId]);
    }
    assert.equal(exporting.count("otlp_accepted"), 4);
  });

  test("keep the bytes and lists they were given, and no more of a buffer than its view shows", () => {
    const whole = new Uint8Array(1000).fill(7);
    const list = ["a"];
    const attributes = { list, bytes: whole.subarray(8) } as never;
    const record = logRecord({ body: whole.subarray(0, 8), attributes }, 1, undefined, undefined);
    const buffer = logRecord({ body: whole.buffer }, 1, undefined, undefined);
    const node = logRecord({ body: Buffer.from(whole.buffer, 0, 8) }, 1, undefined, undefined);
    detach(whole.buffer);
    list.push("b");
    for (const { body } of [record, node]) {
      assert.equal(shapeOf(body), shapeOf(new Uint8Array(8).fill(7)));
    }
    assert.deepEqual(record.attributes.values, [["a"], new Uint8Array(992).fill(7)]);
    assert.equal(shapeOf(buffer.body), shapeOf(new Uint8Array(1000).fill(7).buffer));
    assert.deepEqual([record, buffer].map(logSize), [
      8 + "list".length + "a".length + "bytes".length + 992,
      1000,
    ]);
  });

  test("go out without a span, hostile or not, and never throw", async () => {
    const exporting = exportingOver(noopRuntime, receiver);
    const { emitLog } = exporting.exports;
    const emit = emitLog.bind(exporting.exports);
    emit({ body: "alone" });
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    emit({ body: cyclic });
    emit({
      body: {
        get bad() {
          throw new Error();
        },
      },
    });
    emit(undefined as never);
    emit({ severity: "constructor" as never, body: Symbol("x") });
    await Promise.all(exporting.held);
    await exporting.pipeline.flush();
    const items = receiver.requests.flatMap((request) => request.items);
    assert.ok(items.some(({ name, traceId: id }) => name === "alone" && id === ""));
    const [counts] = exporting.pipeline.counts().filter(({ signal }) => signal === "logs");
    assert.equal(counts?.made, (counts?.accepted ?? 0) + (counts?.dropped.not_encoded ?? 0));
    assert.ok((counts?.made ?? 0) >= 4);
  });
});

describe("exports", () => {
  test("go to several backends at once, each with counts of its own", async () => {
    const other = await startReceiver();
    other.otherwise = { status: 400 };
    const exporting = exportingOver(noopRuntime, receiver);
    const pipeline = exporting.exports.use(
      {
        backends: [
          { backend: "custom", endpoint: receiver.url },
          { backend: "honeycomb", apiKey: "k", endpoint: other.url, format: "json" },
        ],
        serviceName: "shop",
        serviceVersion: "1.2",
        environment: "test",
        resource: { "app.team": "a" },
      },
      { OTEL_SERVICE_NAME: "other", OTEL_RESOURCE_ATTRIBUTES: "host.name=h,service.name=third" },
    );
    exporting.tracer.withSpan("work", {}, () => {});
    await pipeline.flush();
    const counts = pipeline.counts().filter(({ signal }) => signal === "traces");
    assert.deepEqual(
      counts.map(({ backend, accepted, dropped }) => [backend, accepted, dropped.rejected]),
      [
        ["custom", 1, 0],
        ["honeycomb", 0, 1],
      ],
    );
    assert.deepEqual(receiver.requests[0]?.resource, {
      "service.name": "shop",
      "service.version": "1.2",
      "deployment.environment.name": "test",
      "app.team": "a",
      "host.name": "h",
      ...nodeResource,
      "telemetry.sdk.name": "isotel",
    });
    assert.deepEqual(other.requests[0]?.resource, receiver.requests[0]?.resource);
    await other.close();
  });

  test("set up again with the same options are the same", () => {
    const exporting = exportingOver(noopRuntime, receiver);
    const options = { backend: "custom", endpoint: receiver.url, tail: { slowMs: 5 } } as const;
    const first = exporting.exports.use({ ...options, propagateTo: [/a/] }, {});
    assert.equal(exporting.exports.use({ ...options, propagateTo: [/a/] }, {}), first);
    assert.notEqual(exporting.exports.use({ ...options, propagateTo: [/b/] }, {}), first);
  });

  test("are refused with everything that is wrong, and what was set up before stays", async () => {
    const exporting = exportingOver(noopRuntime, receiver);
    const wrong = {
      backends: [{ backend: "sentry" }, { backend: "axiom", token: "s3cret\n" }],
      sampleRatio: 2,
      tail: { ratio: -1 },
      propagateTo: "a.example",
      route: "/x",
    } as unknown as OtlpOptions;
    assert.throws(
      () => exporting.exports.use(wrong, {}),
      (error: Error) => {
        for (const part of [
          "SENTRY_DSN",
          "AXIOM_TOKEN",
          "AXIOM_DATASET",
          "sampleRatio",
          "tail.ratio",
          "propagateTo",
          "route",
        ]) {
          assert.ok(error.message.includes(part), `${part}: ${error.message}`);
        }
        return error instanceof TypeError && !error.message.includes("s3cret");
      },
    );
    for (const none of [undefined, null, {}, { backends: [] }, { backends: [null] }]) {
      assert.throws(() => exporting.exports.use(none as never, {}), TypeError);
    }
    exporting.tracer.withSpan("work", {}, () => {});
    assert.deepEqual(edges(await exporting.spans()), ["work"]);
  });

  test("of log records alone take no spans", () => {
    const exporting = exportingOver(noopRuntime, receiver, { signals: ["logs"] });
    assert.equal(
      exporting.tracer.withSpan("work", {}, (span) => span.isTraced),
      false,
    );
  });
});
