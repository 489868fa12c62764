import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { droppedEvents } from "../../worker/harness/spans.ts";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import { type CollectedApp, startCollected } from "./harness/collected_app.ts";
import { eventually } from "./harness/eventually.ts";
import { pause } from "./harness/export_counts.ts";

let receiver: Receiver;
let app: CollectedApp;
before(async () => {
  receiver = await startReceiver();
  app = await startCollected(receiver.url, { tellsCounts: true });
});
after(async () => {
  await app.worker.close();
  await receiver.close();
});
test("burst", async () => {
  assert.equal(await (await app.worker.fetch("/burst?count=10000")).text(), "10000");
  await pause(4000);
  const ev = await app.takeEvents();
  console.log(ev.length, droppedEvents(ev));
  console.log(await app.diagnostics());
  console.log(receiver.requests.map((r) => [r.items.length, r.bytes]));
  for (const [k, v] of await app.scrape()) if (k.includes("collector")) console.log(k, v);
});
