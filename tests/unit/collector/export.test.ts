import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  encodeLogsByResource,
  encodeTracesByResource,
} from "../../../bindings/otlp/core/encode_by_resource.ts";
import { encodeTraces } from "../../../bindings/otlp/core/encoder.ts";
import { receiverOfFile } from "../../otlp_receiver/receiver.ts";
import { readRequest } from "../../otlp_receiver/requests.ts";
import {
  assertAccounted,
  collectingTo,
  handedOn,
  MadeInvocation,
  play,
} from "../support/collecting.ts";
import { nodeResource } from "../support/exporting.ts";

const receiver = await receiverOfFile();

const scope = { name: "isotel", version: "" };

// biome-ignore lint/suspicious/noExplicitAny: JSON of an export request
type Json = any;

/** Resource attributes and names of spans of a request in JSON. */
function inJson(bytes: Uint8Array): [Record<string, unknown>, string[]][] {
  const request = JSON.parse(new TextDecoder().decode(bytes)) as Json;
  return request.resourceSpans.map((one: Json) => [
    Object.fromEntries(
      one.resource.attributes.map(({ key, value }: Json) => [key, Object.values(value)[0]]),
    ),
    one.scopeSpans.flatMap(({ spans }: Json) => spans.map(({ name }: Json) => name)),
  ]);
}

function spansOf(services: readonly string[]) {
  const to = collectingTo(undefined);
  const spans = handedOn(to);
  for (const scriptName of services) {
    play(
      to.collecting,
      new MadeInvocation({ scriptName }).span(`of ${scriptName}`).outcome().events,
    );
  }
  return spans;
}

describe("a request with spans of several services", () => {
  test("has each under its resource", () => {
    const spans = spansOf(["shop", "stock", "shop"]);
    const groups = inJson(encodeTracesByResource(spans, scope, "json"));
    assert.deepEqual(
      groups.map(([{ "service.name": name }, names]) => [name, names]),
      [
        ["shop", ["of shop", "custom", "of shop", "custom"]],
        ["stock", ["of stock", "custom"]],
      ],
    );
  });

  test("says the same in protobuf", () => {
    const spans = spansOf(["shop", "stock", "pay"]);
    const bytes = encodeTracesByResource(spans, scope, "protobuf");
    const { items, resource } = readRequest(bytes, false, false);
    assert.deepEqual(
      items.map(({ name }) => name),
      spans.map(({ name }) => name),
    );
    assert.equal(resource["service.name"], "shop");
    for (const service of ["shop", "stock", "pay"]) {
      const own = spans.filter((span) => span.service === service);
      const alone = encodeTraces(own, own[0]?.resource ?? {}, scope, "protobuf");
      assert.ok(Buffer.from(bytes).includes(Buffer.from(alone)));
    }
  });

  test("of one service is what it is without", () => {
    const spans = spansOf(["shop", "shop"]);
    const expected = encodeTraces(spans, spans[0]?.resource ?? {}, scope, "json").slice();
    assert.deepEqual(encodeTracesByResource(spans, scope, "json"), expected);
    const none = encodeLogsByResource([], scope, "json");
    assert.equal(none.length, 0);
  });

  test("keeps brackets in texts apart from its own", () => {
    const spans = spansOf(["a]b[c", "]}{["]);
    const groups = inJson(encodeTracesByResource(spans, scope, "json"));
    assert.deepEqual(
      groups.map(([{ "service.name": name }]) => name),
      ["a]b[c", "]}{["],
    );
  });
});

describe("a resource", () => {
  test("tells the Worker and its version", () => {
    const to = collectingTo(undefined, {
      otlp: { environment: "production", resource: { team: "checkout" } },
    });
    const spans = handedOn(to);
    const onset = {
      scriptName: "shop",
      scriptVersion: { id: "v-1", tag: "1.2.3" },
      scriptTags: ["blue"],
      dispatchNamespace: "tenants",
    };
    play(to.collecting, new MadeInvocation(onset).outcome().events);
    assert.deepEqual(spans[0]?.resource, {
      "service.name": "shop",
      "service.version": "1.2.3",
      "faas.name": "shop",
      "faas.version": "1.2.3",
      ...nodeResource,
      "cloudflare.script_name": "shop",
      "cloudflare.script_version.id": "v-1",
      "cloudflare.script_version.tag": "1.2.3",
      "cloudflare.script_tags": ["blue"],
      "cloudflare.dispatch_namespace": "tenants",
      "deployment.environment.name": "production",
      team: "checkout",
      "telemetry.sdk.name": "isotel",
    });
  });

  test("of a Worker without a name has that of the options", () => {
    const to = collectingTo(undefined);
    const spans = handedOn(to);
    play(to.collecting, new MadeInvocation({ scriptName: undefined } as never).outcome().events);
    assert.equal(spans[0]?.service, "local");
  });

  test("is one object for each version, of however many there are", () => {
    const to = collectingTo(undefined);
    const spans = handedOn(to);
    for (let i = 0; i < 1_000; i += 1) {
      const scriptVersion = { id: `v-${i % 500}` };
      play(to.collecting, new MadeInvocation({ scriptVersion }).outcome().events);
    }
    for (const { resource } of spans) assert.equal(resource["service.name"], "shop");
    const scriptVersion = { id: "v-499" };
    play(to.collecting, new MadeInvocation({ scriptVersion }).outcome().events);
    assert.equal(spans.at(-1)?.resource, spans.at(-2)?.resource);
  });
});

describe("a flush", () => {
  test("follows the end of an invocation, and takes along what ended meanwhile", async () => {
    const to = collectingTo(receiver, { flushDelayMs: 30 });
    for (let i = 0; i < 20; i += 1) {
      const scriptName = i % 2 === 0 ? "shop" : "stock";
      play(to.collecting, new MadeInvocation({ scriptName }).span("work").outcome().events);
    }
    assert.equal(to.held.length, 1);
    await Promise.all(to.held);
    assert.equal(receiver.requests.length, 1);
    assert.equal(receiver.requests[0]?.items.length, 40);
    play(to.collecting, new MadeInvocation().outcome().events);
    assert.equal(to.held.length, 2);
    await Promise.all(to.held);
    assert.equal(receiver.requests.length, 2);
    assertAccounted(to);
  });

  test("of a full batch does not wait", async () => {
    const to = collectingTo(receiver, { flushDelayMs: 300 });
    const made = new MadeInvocation();
    for (let i = 0; i < 700; i += 1) made.span("work");
    play(to.collecting, made.events);
    assert.equal(to.held.length, 2);
    await to.held[0];
    // Two requests, which may arrive in either order.
    const sent = receiver.requests.map(({ items }) => items.length);
    assert.deepEqual(
      sent.toSorted((a, b) => a - b),
      [188, 512],
    );
  });

  test("whose timer died with its invocation is taken over by another", () => {
    const to = collectingTo(undefined);
    play(to.collecting, new MadeInvocation().outcome().events);
    play(to.collecting, new MadeInvocation().outcome().events);
    assert.equal(to.held.length, 1);
    to.clock.now += 3_500;
    play(to.collecting, new MadeInvocation().outcome().events);
    assert.equal(to.held.length, 2);
  });

  test("of an invocation that goes on for long comes before its end", () => {
    const to = collectingTo(undefined);
    const made = new MadeInvocation();
    const take = to.collecting.begin(made.onset);
    made.span("work");
    for (const event of made.events.slice(1)) take?.(event);
    assert.equal(to.held.length, 0);
    to.clock.now += 11_000;
    for (let i = 0; i < 40; i += 1) made.span("tick");
    for (const event of made.events.slice(3)) take?.(event);
    assert.equal(to.held.length, 1);
  });

  test("of records alone has no spans, which are counted", async () => {
    const to = collectingTo(receiver, { otlp: { signals: ["logs"] } });
    const made = new MadeInvocation().event({ type: "log", level: "info", message: ["hello"] });
    play(to.collecting, made.span("work").outcome().events);
    assert.deepEqual(
      (await to.logs()).map(({ name }) => name),
      ["hello"],
    );
    assert.equal(to.counts.spans_dropped_no_export, 2);
  });

  test("that a backend refuses is counted there", async () => {
    receiver.script.push({ status: 400 });
    const to = collectingTo(receiver, { otlp: { signals: ["traces"] } });
    play(to.collecting, new MadeInvocation().span("work").outcome().events);
    await to.collecting.flush();
    const [counts] = to.pipeline.counts();
    assert.deepEqual([counts?.made, counts?.dropped.rejected], [2, 2]);
    assertAccounted(to);
  });
});
