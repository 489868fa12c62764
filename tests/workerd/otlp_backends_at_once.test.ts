import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { BackendOptions } from "../../bindings/otlp/backends/backend.ts";
import { resolveBackend } from "../../bindings/otlp/backends/resolve_backend.ts";
import { demoConfig } from "../../worker/demo/environment.ts";
import type { Span } from "../harness/spans.ts";
import { startWorkers } from "../harness/start.ts";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../otlp_receiver/requests.ts";
import { assertAllClosed } from "./harness/assertions.ts";
import {
  backends,
  keysOf,
  type BackendName as Name,
  backendNames as names,
  requestsTo,
} from "./harness/backends.ts";

describe("the reference Worker with all backends", () => {
  let receiver: Receiver;
  let native: Span[];
  before(async () => {
    receiver = await startReceiver();
    const otlp = { OTLP_BACKEND: names.join(","), OTLP_ENDPOINT: receiver.url };
    const worker = await startWorkers([demoConfig({ ...otlp, ...keysOf(names) })]);
    try {
      const answer = await worker.fetch("/chat?prompt=How+warm+is+it+in+Lisbon%3F");
      assert.equal(answer.status, 200, await answer.text());
      await receiver.arrived(names.length);
      native = await worker.takeSpans({ invocations: 5 });
    } finally {
      await worker.close();
    }
  });
  after(() => receiver.close());

  const resolve = (backend: Name) => {
    const options = { backend, endpoint: "https://otlp.example" } as BackendOptions;
    return resolveBackend(options, keysOf([backend])).destinations.traces ?? assert.fail(backend);
  };

  /** Spans as one backend has them, in the order of their ids. Not all of them get JSON. */
  const spansAt = (name: Name): ReceivedItem[] =>
    requestsTo(receiver, name)
      .flatMap(({ items }) => items.map(({ json: _, ...item }) => item))
      .sort((a, b) => a.spanId.localeCompare(b.spanId));

  test("each gets one request of its own", () => {
    for (const name of names) assert.equal(requestsTo(receiver, name).length, 1, name);
    assert.equal(receiver.requests.length, names.length);
  });

  test("no key reaches another", () => {
    for (const name of names) {
      const [header, value] = backends[name].header;
      for (const other of names.filter((one) => one !== name)) {
        for (const { headers } of requestsTo(receiver, other))
          assert.notEqual(headers[header], value, other);
      }
    }
  });

  test("all get the same spans, whatever their format and their dialect", () => {
    const wanted = spansAt("custom");
    for (const name of names) {
      const spans = spansAt(name);
      if (resolve(name).dialect === undefined) {
        assert.deepEqual(spans, wanted, name);
        continue;
      }
      for (const [index, { attributes, resource, ...span }] of wanted.entries()) {
        const { attributes: sent, resource: _, ...same } = spans[index] as ReceivedItem;
        assert.deepEqual(same, span, name);
        const values = Object.values(sent).map((value) => JSON.stringify(value));
        for (const value of Object.values(attributes)) {
          assert.ok(values.includes(JSON.stringify(value)), name);
        }
        const isAi = "gen_ai.operation.name" in attributes;
        assert.equal(values.length > Object.keys(attributes).length, isAi, `${name}: ${span.name}`);
      }
    }
  });

  test("they are the calls the runtime has seen, with its ids and times", () => {
    assertAllClosed(native);
    const traced = native.filter(({ attributes }) => "gen_ai.operation.name" in attributes);
    assert.equal(traced.length, 6);
    const sent = new Map(spansAt("custom").map((span) => [span.spanId, span]));
    // And one the tool opens itself, and the invocation's.
    assert.equal(sent.size, traced.length + 2);
    for (const { spanId, traceId, parentSpanId, name, endMs } of traced) {
      const span = sent.get(spanId);
      assert.deepEqual(
        [span?.traceId, span?.parentSpanId, span?.name],
        [traceId, parentSpanId, name],
      );
      // Both are whole milliseconds of one clock, looked at one after the other.
      const parent = native.find((other) => other.spanId === parentSpanId);
      const startUnixMs = span?.startUnixMs ?? 0;
      assert.ok(
        parent !== undefined && startUnixMs >= parent.startMs && startUnixMs <= endMs,
        name,
      );
    }
  });
});
