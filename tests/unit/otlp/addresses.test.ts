import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { OtlpOptions } from "../../../bindings/otlp/pipeline/options.ts";
import { noopRuntime } from "../../../bindings/trace/span_runtime.ts";
import { receiverOfFile } from "../../otlp_receiver/receiver.ts";
import { exportingOver, received } from "../support/exporting.ts";
import { RecordingRuntime } from "../support/recording_runtime.ts";
import { attributesOf, spanNamed } from "../support/tracing.ts";

const receiver = await receiverOfFile();

const address = "https://user:SECRETPW@shop.example/users/7?token=SECRETQ&page=2#id_token=SECRETF";
const attributes = {
  "url.full": address,
  "url.query": "?token=SECRETQ&page=2",
  "http.target": "/users/7?token=SECRETQ",
  "app.link": address,
  "app.links": [address],
};

/** The span of an invocation that answers a request for the address, and another in it. */
async function run(options: Partial<OtlpOptions>) {
  const exporting = exportingOver(noopRuntime, receiver, options);
  const { exports, pipeline, tracer, held } = exporting;
  const event = new Request(address.replace("user:SECRETPW@", ""));
  exports.run(
    { handler: "fetch", args: [event], waitUntil: (work) => held.push(work) },
    pipeline,
    () => {
      tracer.withSpan("work", attributes, () => {});
      tracer.withSpan(`GET ${address}`, {}, () => {});
      exports.emitLog({ body: `got ${address}`, attributes });
      exports.emitLog({ body: { "url.full": address, list: [{ at: new Error(address) }] } });
    },
  );
  await Promise.all(held);
  const logs = receiver.requests.filter(({ path }) => path.endsWith("/logs"));
  const records = logs.flatMap(({ items }) => items);
  const spans = await exporting.spans();
  assert.doesNotMatch(JSON.stringify([spans, records]), /SECRET/);
  assert.equal(records.length, 2);
  return { spans, records };
}

describe("exported spans and log records", () => {
  test("have addresses without their secrets", async () => {
    const { spans, records } = await run({});
    const clean = {
      "url.full": "https://shop.example/users/7",
      "http.target": "/users/7",
      "app.link":
        "https://REDACTED:REDACTED@shop.example/users/7?token=REDACTED&page=2#id_token=REDACTED",
    };
    for (const { attributes: sent } of [received(spans, "work"), ...records.slice(0, 1)]) {
      for (const [key, value] of Object.entries(clean)) assert.equal(sent[key], value, key);
    }
    assert.equal("url.query" in received(spans, "work").attributes, false);
    assert.equal("url.query" in received(spans, "GET").attributes, false);
  });

  test("keep the parameters of `keepQueryParameters`, but for the values of secrets", async () => {
    const { spans } = await run({ keepQueryParameters: ["page", "token"] });
    const { attributes: sent } = received(spans, "work");
    assert.equal(sent["url.full"], "https://shop.example/users/7?token=REDACTED&page=2");
    assert.equal(sent["url.query"], "token=REDACTED&page=2");
    assert.equal(received(spans, "GET").attributes["url.query"], "token=REDACTED&page=2");
  });

  test("have a resource with addresses without their secrets", async () => {
    const repository = "https://x-access-token:SECRETPW@git.example/shop.git";
    const resource = {
      "vcs.repository.url.full": repository,
      "app.links": [repository],
      "url.full": repository,
    };
    const { tracer, spans } = exportingOver(noopRuntime, receiver, { resource });
    tracer.withSpan("work", {}, () => {});
    const sent = received(await spans(), "work").resource;
    const masked = "https://REDACTED:REDACTED@git.example/shop.git";
    assert.equal(sent["vcs.repository.url.full"], masked);
    assert.deepEqual(sent["app.links"], [masked]);
    assert.equal(sent["url.full"], "https://git.example/shop.git");
  });

  test("have no route with a query", async () => {
    const { spans } = await run({ route: ({ url }) => url });
    assert.equal(received(spans, "GET https://shop.example/users/7").kind, 2);
  });

  test("the runtime's own span has the attributes as the user set them, and a name without secrets", async () => {
    const exporting = exportingOver(new RecordingRuntime(), receiver);
    exporting.tracer.withSpan("work", attributes, () => {});
    exporting.tracer.withSpan(`GET ${"a".repeat(40)} ${address}`, {}, () => {});
    assert.deepEqual(attributesOf(spanNamed(exporting, "work"))["url.full"], address);
    assert.doesNotMatch(exporting.runtime.spans.map(({ name }) => name).join(), /SECRET/);
    await exporting.spans();
  });
});
