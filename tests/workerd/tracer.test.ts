import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { LocalWorker } from "../harness/start.ts";
import { startApp } from "./harness/app.ts";
import {
  assertAllClosed,
  assertAttributes,
  assertTree,
  describeSpans,
  spanNamed,
  tracesOf,
} from "./harness/assertions.ts";

const nestedTree = [
  {
    "GET /nested": [
      {
        outer: [{ requesting: [{ fetch: [{ "Upstream: GET /": ["upstream_work"] }] }] }, "after"],
      },
    ],
  },
];

const siblingsTree = [
  { "GET /siblings": [{ parent: [{ slow: ["under_slow"] }, { fast: ["under_fast"] }] }] },
];

describe("tracer in workerd", () => {
  let app: LocalWorker;
  before(async () => {
    app = await startApp("tracer");
  });
  after(() => app.close());

  test("spans nest across await, sub-requests and invocations", async () => {
    assert.equal(await (await app.fetch("/nested")).json(), "upstream");
    const spans = await app.takeSpans({ invocations: 2 });
    assertTree(spans, nestedTree);
    assertAllClosed(spans);
    assertAttributes(spanNamed(spans, "outer"), { "app.outer": true });
    assert.equal(spanNamed(spans, "outer").status, "unset");
  });

  test("spans of concurrent work keep their own children", async () => {
    await app.fetch("/siblings");
    assertTree(await app.takeSpans(), siblingsTree);
  });

  test("attributes no span can carry are left out, and nothing throws", async () => {
    const response = await app.fetch("/attributes");
    const { isTraced, context, sent } = (await response.json()) as {
      isTraced: boolean;
      sent: { traceparent?: string };
      context: { traceId: string; spanId: string };
    };
    const span = spanNamed(await app.takeSpans(), "attributes");
    assert.equal(isTraced, true);
    assert.deepEqual([context.traceId, context.spanId], [span.traceId, span.spanId]);
    // Sampled, though this runtime reports the flags of a recorded span as 0.
    assert.equal(sent.traceparent, `00-${span.traceId}-${span.spanId}-01`);
    assert.deepEqual(span.attributes, {
      "app.text": "x",
      "app.number": 2,
      "app.flag": false,
      "app.last": "written",
      "otel.dropped_attributes_count": 3,
    });
  });

  test("an opened span lasts until it is finished, once, after the response began", async () => {
    assert.equal(await (await app.fetch("/opened")).text(), "body");
    const spans = await app.takeSpans();
    assertTree(spans, [{ "GET /opened": [{ opened: ["while_active"] }] }]);
    const opened = spanNamed(spans, "opened");
    assert.deepEqual(opened.attributes, { "app.start": 1, "app.end": 2 });
    assert.ok(opened.durationMs >= 1, describeSpans(spans));
  });

  test("failures are named, never quoted, and reach the caller as they were", async () => {
    const seen = await (await app.fetch("/failures")).json();
    assert.deepEqual(seen, [true, true, true, true]);
    const spans = await app.takeSpans();
    assertAllClosed(spans);
    for (const name of ["throws", "rejects", "opened_and_failed"]) {
      const span = spanNamed(spans, name);
      assert.equal(span.status, "error", name);
      assert.deepEqual(span.attributes, { "error.type": "Unlucky" });
    }
    assertAttributes(spanNamed(spans, "rejects_with_text"), { "error.type": "string" });
    const aborted = spanNamed(spans, "aborted");
    assert.equal(aborted.status, "unset");
    assert.deepEqual(aborted.attributes, { "cloudflare.agents.canceled": true });
    assert.equal(spanNamed(spans, "ok_is_final").status, "ok");
    assert.doesNotMatch(JSON.stringify(spans), /secret/);
  });

  test("bounded spans end with the body of their scope, marked as truncated", async () => {
    await app.fetch("/scope");
    const spans = await app.takeSpans();
    assertTree(spans, [{ "GET /scope": ["bounded", "bounded_and_finished", "after_scope"] }]);
    assertAllClosed(spans);
    const truncated = "cloudflare.agents.span.truncated";
    assertAttributes(spanNamed(spans, "bounded"), { [truncated]: true });
    assertAttributes(spanNamed(spans, "bounded_and_finished"), { [truncated]: undefined });
  });

  test("200 concurrent requests lose no span and mix none up", async () => {
    const requests = 200;
    await Promise.all(
      Array.from({ length: requests }, async () => (await app.fetch("/nested")).text()),
    );
    const spans = await app.takeSpans({ invocations: 2 * requests, timeoutMs: 20_000 });
    assertAllClosed(spans);
    const traces = tracesOf(spans);
    assert.equal(traces.size, requests);
    for (const trace of traces.values()) {
      assertTree(trace, nestedTree);
    }
  });

  test("the core has not trapped in any of this", async () => {
    const diagnostics = (await (await app.fetch("/diagnostics")).json()) as Record<string, number>;
    assert.equal(diagnostics["traps"], 0);
  });
});

describe("tracer in a runtime that has nothing but enterSpan", () => {
  let app: LocalWorker;
  before(async () => {
    app = await startApp("tracer", {
      config: {
        vars: {
          HIDE: JSON.stringify({
            tracing: ["startActiveSpan", "startSpan", "getActiveSpan", "withActiveSpan"],
            span: [
              "setAttributes",
              "end",
              "recordException",
              "setStatus",
              "updateName",
              "spanContext",
            ],
          }),
        },
      },
    });
  });
  after(() => app.close());

  test("spans nest and carry attributes as elsewhere", async () => {
    await app.fetch("/nested");
    const spans = await app.takeSpans({ invocations: 2 });
    assertTree(spans, nestedTree);
    assertAllClosed(spans);
    assertAttributes(spanNamed(spans, "outer"), { "app.outer": true });
    await app.fetch("/siblings");
    assertTree(await app.takeSpans(), siblingsTree);
  });

  test("an opened span lasts until it is finished", async () => {
    await (await app.fetch("/opened")).text();
    const opened = spanNamed(await app.takeSpans(), "opened");
    assert.deepEqual(opened.attributes, { "app.start": 1, "app.end": 2 });
  });

  test("the status is an attribute, because spans have none", async () => {
    assert.deepEqual(await (await app.fetch("/failures")).json(), [true, true, true, true]);
    const spans = await app.takeSpans();
    assert.deepEqual(spanNamed(spans, "rejects").attributes, {
      "error.type": "Unlucky",
      "otel.status_code": "ERROR",
    });
    assertAttributes(spanNamed(spans, "ok_is_final"), { "otel.status_code": "OK" });
  });
});

describe("tracer in a runtime without tracing", () => {
  let app: LocalWorker;
  before(async () => {
    const methods = [
      "enterSpan",
      "startActiveSpan",
      "startSpan",
      "getActiveSpan",
      "withActiveSpan",
    ];
    const HIDE = JSON.stringify({ tracing: methods, span: [] });
    app = await startApp("tracer", { config: { vars: { HIDE } } });
  });
  after(() => app.close());

  test("bodies run, results and errors are theirs, and there are no spans", async () => {
    assert.equal(await (await app.fetch("/nested")).json(), "upstream");
    assert.deepEqual(await (await app.fetch("/failures")).json(), [true, true, true, true]);
    assert.equal(await (await app.fetch("/opened")).text(), "body");
    assert.deepEqual(await (await app.fetch("/attributes")).json(), { isTraced: false, sent: {} });
    assert.equal((await app.fetch("/scope")).status, 200);
    const spans = await app.takeSpans({ invocations: 6 });
    const own = spans.filter((span) => !span.isInvocation && span.name !== "fetch");
    assert.deepEqual(own, [], describeSpans(spans));
  });
});
