import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { LocalWorker } from "../harness/start.ts";
import { startApp } from "./harness/app.ts";
import {
  assertAllClosed,
  assertAttributes,
  assertTree,
  assertUnder,
  describeSpans,
  spanNamed,
} from "./harness/assertions.ts";

describe("the harness", () => {
  let app: LocalWorker;
  before(async () => {
    app = await startApp("native");
  });
  after(() => app.close());

  test("spans of a request and of its sub-requests arrive as one tree", async () => {
    assert.equal(await (await app.fetch("/nested")).text(), "upstream");
    const spans = await app.takeSpans({ invocations: 2 });
    assertTree(spans, [
      {
        "GET /nested": [
          { outer: [{ fetch: [{ "Upstream: GET /": ["upstream_work"] }] }, "inner"] },
        ],
      },
    ]);
    assertAllClosed(spans);
    const outer = spanNamed(spans, "outer");
    assertAttributes(outer, {
      "app.text": "é",
      "app.count": 3,
      "app.ratio": 0.5,
      "app.flag": true,
      "app.absent": undefined,
    });
    assertUnder(spans, spanNamed(spans, "upstream_work"), outer);
    assert.equal(new Set(spans.map((span) => span.traceId)).size, 1);
    assert.equal(new Set(spans.map((span) => span.invocationId)).size, 2);
  });

  test("status, new name, exceptions and logs reach the span they belong to", async () => {
    await app.fetch("/failing");
    const spans = await app.takeSpans();
    const failed = spanNamed(spans, "failed");
    assert.equal(failed.status, "error");
    assert.equal(failed.statusMessage, "no luck");
    assert.deepEqual(failed.exceptions, [{ name: "TypeError", message: "no luck" }]);
    assert.deepEqual(spanNamed(spans, "GET /failing").logs, ['["logged"]']);
  });

  test("a span that is open when the client disconnects is reported as never closed", async () => {
    const abort = new AbortController();
    const response = await app.fetch("/endless", { signal: abort.signal });
    await response.body?.getReader().read();
    abort.abort();
    const spans = await app.takeSpans();
    assert.equal(spanNamed(spans, "never_closed").closed, false, describeSpans(spans));
    assert.throws(() => assertAllClosed(spans), /These spans never closed/);
  });

  test("what is taken is not taken again", async () => {
    await app.fetch("/failing");
    await app.takeSpans();
    await app.fetch("/nested");
    const spans = await app.takeSpans({ invocations: 2 });
    assert.equal(spans.filter((span) => span.isInvocation).length, 2, describeSpans(spans));
  });

  test("concurrent requests keep their own trace and parents", async () => {
    const requests = 50;
    await Promise.all(
      Array.from({ length: requests }, async () => (await app.fetch("/nested")).text()),
    );
    const spans = await app.takeSpans({ invocations: 2 * requests });
    assertAllClosed(spans);
    assert.equal(spans.length, 6 * requests);
    assert.equal(new Set(spans.map((span) => span.traceId)).size, requests);
  });

  test("missing invocations are an error, not an endless wait", async () => {
    await app.fetch("/failing");
    await assert.rejects(
      app.takeSpans({ invocations: 2, timeoutMs: 200 }),
      /After 200 ms 1 of 2 invocations had ended; still running: none\./,
    );
  });
});

test("a Worker that cannot be bundled is an error that names the cause", async () => {
  await assert.rejects(startApp("no_such_app"), /no_such_app/);
});
