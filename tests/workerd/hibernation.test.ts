import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startReceiver } from "../otlp_receiver/receiver.ts";
import { startPlainWorkers } from "./harness/plain_workerd.ts";

/** The runtime hibernates an object after 10 s without work. An export holds an invocation for at most 5 s. */
const idleMs = 24_000;

/** Sends a message and returns the answer. */
function ask(socket: WebSocket): Promise<string> {
  const answered = new Promise<string>((resolve) =>
    socket.addEventListener("message", ({ data }) => resolve(String(data)), { once: true }),
  );
  socket.send("message");
  return answered;
}

test("an object hibernates as it does without isotel, even if a backend never answers", async (context) => {
  const receiver = await startReceiver();
  receiver.otherwise = { hangs: true };
  const OTLP = JSON.stringify({ backend: "custom", endpoint: receiver.url });
  const workers = await startPlainWorkers([
    {
      name: "hibernating",
      main: "tests/workerd/apps/hibernating/index.ts",
      vars: { OTLP },
      durableObjects: { TELEMETRY: "TelemetryAggregator", PLAIN: "Plain", WRAPPED: "Wrapped" },
    },
  ]);
  const url = new URL(workers.urlOf("hibernating"));
  url.protocol = "ws:";
  const sockets = ["plain", "wrapped"].map((path) => new WebSocket(new URL(path, url).href));
  context.after(async () => {
    for (const socket of sockets) socket.close();
    await workers.close();
    await receiver.close();
  });
  await Promise.all(
    sockets.map((socket) => new Promise((resolve) => socket.addEventListener("open", resolve))),
  );
  const answers = () => Promise.all(sockets.map(ask));
  assert.deepEqual(await answers(), ["1", "1"]);
  assert.deepEqual(await answers(), ["2", "2"]);
  await receiver.arrived(1);
  await sleep(idleMs);
  // A new instance counts from the start.
  assert.deepEqual(await answers(), ["1", "1"]);
});
