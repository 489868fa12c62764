import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { type Receiver, startReceiver } from "../../otlp_receiver/receiver.ts";
import { collectingTo, play, recordedStream } from "../support/collecting.ts";
import { edges, received } from "../support/exporting.ts";

let receiver: Receiver;
before(async () => {
  receiver = await startReceiver();
});
after(() => receiver.close());
afterEach(() => {
  receiver.requests.length = 0;
});

describe("streams recorded from workerd", () => {
  test("custom spans stand in the tree of their invocation", async () => {
    const to = collectingTo(receiver);
    play(to.collecting, recordedStream("spans"));
    const spans = await to.spans();
    assert.deepEqual(edges(spans), ["GET", "inner < outer", "outer < GET"]);
    const { kind, attributes } = received(spans, "GET");
    assert.equal(kind, 2);
    assert.equal(attributes["http.response.status_code"], 200);
    assert.doesNotMatch(JSON.stringify(spans), /token=secret/);
  });

  test("a Durable Object's invocations are in the tree of who called it", async () => {
    const to = collectingTo(receiver);
    play(to.collecting, recordedStream("object"));
    console.log(edges(await to.spans()), to.counts);
  });
});
