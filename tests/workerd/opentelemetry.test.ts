// Libraries that use the OpenTelemetry API, in workerd: what arrives natively and over OTLP.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Span } from "../harness/spans.ts";
import { type LocalWorker, root } from "../harness/start.ts";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../otlp_receiver/requests.ts";
import { edges, received } from "../unit/support/exporting.ts";
import { startApp } from "./harness/app.ts";
import { assertTree, type Shape, spanNamed } from "./harness/assertions.ts";
import { eventually } from "./harness/eventually.ts";
import { samplesOf } from "./harness/metrics_app.ts";

/** Spans of the runtime and of isotel's own requests. */
const ofRuntime = new Set([
  "durable_object_subrequest",
  "jsRpcSession",
  "jsRpcCall",
  "jsrpc",
  "fetch",
]);

/** The copy of the API that isotel uses. Without this, the Worker's libraries use two others. */
const oneApi = { "@opentelemetry/api": `${root}/node_modules/@opentelemetry/api/dist/index.mjs` };

function start(vars: Record<string, string>, isOneApi: boolean): Promise<LocalWorker> {
  return startApp("opentelemetry", {
    config: {
      main: "tests/opentelemetry/worker/index.ts",
      vars,
      ...(isOneApi && { alias: oneApi }),
      durable_objects: { bindings: [{ name: "TELEMETRY", class_name: "TelemetryAggregator" }] },
      migrations: [{ tag: "v1", new_sqlite_classes: ["TelemetryAggregator"] }],
    },
  });
}

async function ask(app: LocalWorker, path: string): Promise<unknown> {
  const response = await app.fetch(path);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text);
}

async function nativeSpans(app: LocalWorker): Promise<Span[]> {
  const spans = await app.takeSpans({ timeoutMs: 20_000 });
  return spans.filter(({ name }) => !ofRuntime.has(name));
}

/** Each user of the API, with the tree below the span of the invocation. */
const users: readonly { readonly path: string; readonly below: Shape }[] = [
  {
    path: "/ai",
    below: {
      "invoke_agent given-1": [
        {
          "step 1": ["chat given-1", { "execute_tool weather": ["in a tool"] }],
        },
        { "step 2": ["chat given-1"] },
      ],
    },
  },
  { path: "/effect", below: { effect: ["sleep", "inside effect"] } },
  { path: "/langfuse", below: { chain: ["search"] } },
];

/** `child < parent` of a tree of names. */
function edgesOf(shape: Shape, parent: string): string[] {
  if (typeof shape === "string") return [`${shape} < ${parent}`];
  return Object.entries(shape).flatMap(([name, children]) => [
    `${name} < ${parent}`,
    ...children.flatMap((child) => edgesOf(child, name)),
  ]);
}

describe("libraries that use the OpenTelemetry API, each with a copy of it", () => {
  let receiver: Receiver;
  let app: LocalWorker;
  before(async () => {
    receiver = await startReceiver();
    app = await start({ RECEIVER: receiver.url }, false);
  });
  after(async () => {
    await app.close();
    await receiver.close();
  });

  /** Waits for the span of the invocation, which is sent last, and returns the spans. */
  async function arrived(path: string): Promise<readonly ReceivedItem[]> {
    await receiver.item(path, ({ attributes }) => attributes["url.path"] === path);
    const items = receiver.requests
      .filter((request) => request.path.endsWith("/traces"))
      .flatMap((request) => request.items);
    receiver.requests.length = 0;
    return items;
  }

  test("isotel registers every part once", async () => {
    assert.deepEqual(await ask(app, "/state"), {
      traces: true,
      contexts: true,
      propagation: true,
      metrics: true,
      logs: true,
      same: true,
      canUnregister: "function",
    });
    await nativeSpans(app);
    await arrived("/state");
  });

  for (const { path, below } of users) {
    test(`${path.slice(1)}: the same tree natively and over OTLP`, async () => {
      await ask(app, path);
      assertTree(await nativeSpans(app), [{ [`GET ${path}`]: [below] }]);
      assert.deepEqual(edges(await arrived(path)), ["GET", ...edgesOf(below, "GET")].sort());
    });
  }

  test("@ai-sdk/otel: attributes, kinds and scope", async () => {
    await ask(app, "/ai");
    const native = (await nativeSpans(app)).find(({ name }) => name === "invoke_agent given-1");
    assert.deepEqual(
      [native?.attributes["gen_ai.usage.input_tokens"], native?.attributes["otel.scope.name"]],
      [14, "gen_ai"],
    );
    const sent = received(await arrived("/ai"), "invoke_agent given-1");
    assert.deepEqual(
      [sent.attributes["gen_ai.usage.input_tokens"], sent.scope, sent.kind],
      [14, ["gen_ai", ""], 1],
    );
    assert.deepEqual(sent.attributes["gen_ai.response.finish_reasons"], ["stop"]);
  });

  test("@hono/otel: the route names the span, and a failure is an error with its exception", async () => {
    assert.equal(await (await app.fetch("/hono/items/5")).text(), "5");
    assertTree(await nativeSpans(app), [
      { "GET /hono/items/5": [{ "GET /hono/items/:id": ["load item"] }] },
    ]);
    const route = received(await arrived("/hono/items/5"), "GET /hono/items/:id");
    assert.deepEqual([route.kind, route.attributes["http.response.status_code"]], [2, 200]);
    assert.equal((await app.fetch("/hono/fails")).status, 500);
    const native = await nativeSpans(app);
    assert.equal(native.filter(({ status }) => status === "error").length, 1);
    const failed = received(await arrived("/hono/fails"), "GET /hono/fails");
    assert.deepEqual([failed.status, failed.events], [2, ["exception"]]);
  });

  test("spans of the API and of isotel are one tree, which headers continue", async () => {
    const answer = (await ask(app, "/plain")) as {
      inner: { own: { spanId: string }; active: { spanId: string } };
      carrier: { traceparent: string };
      context: { traceId: string; spanId: string };
    };
    assert.equal(answer.inner.active.spanId, answer.inner.own.spanId);
    const { traceId, spanId } = answer.context;
    assert.equal(answer.carrier.traceparent, `00-${traceId}-${spanId}-01`);
    const native = await nativeSpans(app);
    // A library that has its own copy of the API and got its tracer before the registration is not connected.
    const below = { "of isotel": [{ "of the API": [{ inside: ["leaf"] }] }] };
    assertTree(native, [{ "GET /plain": [below] }]);
    const attributes = spanNamed(native, "of the API").attributes;
    assert.deepEqual([attributes["list"], attributes["otel.scope.version"]], ['["a"]', "0.2.0"]);
    const items = await arrived("/plain");
    assert.deepEqual(edges(items), ["GET", ...edgesOf(below, "GET")].sort());
    const sent = received(items, "of the API");
    assert.deepEqual(
      [sent.kind, sent.attributes, sent.events, sent.scope, sent.spanId],
      [3, { list: ["a"] }, ["happened"], ["late", "0.2.0"], spanId],
    );
  });

  test("metrics reach the exposition exactly, and log records the backend", async () => {
    for (let i = 0; i < 5; i += 1) assert.equal(await ask(app, "/metrics_and_logs"), "recorded");
    const log = await receiver.item("the log", ({ name }) => name === "careful");
    const scope = 'otel_scope_name="app",otel_scope_version="1.0.0"';
    assert.deepEqual(
      [log.severity, log.scope],
      [
        [13, "WARN"],
        ["app", ""],
      ],
    );
    assert.notEqual(log.spanId, "");
    await eventually(async () => {
      const samples = new Map(samplesOf(await (await app.fetch("/metrics")).text()));
      assert.equal(samples.get(`app_jobs_total{kind="mail",${scope}}`), 10);
      assert.equal(samples.get(`app_jobs_total{kind="mail",${scope},retried="true"}`), 15);
      assert.equal(samples.get(`app_jobs_total{${scope}}`), 20);
      assert.equal(samples.get('app_queue_length{otel_scope_name="app",queue="mail"}'), 7);
    });
    await app.takeSpans({ timeoutMs: 20_000 });
  });
});

describe("libraries that share isotel's copy of the OpenTelemetry API, without an export", () => {
  let app: LocalWorker;
  before(async () => {
    app = await start({}, true);
  });
  after(() => app.close());

  test("a tracer from before the registration records native spans", async () => {
    await ask(app, "/plain");
    assertTree(await nativeSpans(app), [
      { "GET /plain": [{ "of isotel": [{ "of the API": [{ inside: ["leaf", "early"] }] }] }] },
    ]);
  });

  for (const { path, below } of users) {
    test(`${path.slice(1)}: the native tree`, async () => {
      await ask(app, path);
      assertTree(await nativeSpans(app), [{ [`GET ${path}`]: [below] }]);
    });
  }
});
