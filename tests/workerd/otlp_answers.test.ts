import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Receiver, type Step, startReceiver } from "../otlp_receiver/receiver.ts";
import { settledCounts } from "./harness/export_counts.ts";
import { type PlainWorker, startPlain } from "./harness/plain_workerd.ts";

describe("what a backend answers in workerd", () => {
  const options = {
    backend: "custom",
    signals: ["traces"],
    timeoutMs: 400,
    invocationSpan: false,
  };
  let app: PlainWorker;
  let receiver: Receiver;
  let elsewhere: Receiver;
  let last: Record<string, number> = {};
  before(async () => {
    [receiver, elsewhere] = await Promise.all([startReceiver(), startReceiver()]);
    app = await startPlain("otlp", {
      OTLP: JSON.stringify({ ...options, endpoint: receiver.url }),
    });
    last = await settledCounts(app);
  });
  after(async () => {
    await app.close();
    await Promise.all([receiver.close(), elsewhere.close()]);
  });

  test("a response is there while the backend still owes its answer", async () => {
    receiver.otherwise = { hangs: true };
    await (await app.fetch("/work")).text();
    const response = await app.fetch("/diagnostics");
    const { otlp_queued = 0, otlp_sending = 0 } = (await response.json()) as Record<string, number>;
    assert.equal(otlp_queued + otlp_sending, 2);
    receiver.otherwise = {};
    const counts = await settledCounts(app);
    assert.equal((counts["otlp_accepted"] ?? 0) - (last["otlp_accepted"] ?? 0), 2);
    last = counts;
  });

  const json = { "content-type": "application/json" };
  const answers: readonly [string, () => Step[], Record<string, number>][] = [
    ["200", () => [{}], { accepted: 2 }],
    ["202", () => [{ status: 202 }], { accepted: 2 }],
    [
      "a partial success",
      () => [{ headers: json, body: '{"partialSuccess":{"rejectedSpans":"1"}}' }],
      { accepted: 1, dropped_rejected: 1 },
    ],
    ["400", () => [{ status: 400 }], { dropped_rejected: 2 }],
    ["401", () => [{ status: 401 }], { dropped_rejected: 2 }],
    ["413", () => [{ status: 413 }], { dropped_rejected: 2 }],
    [
      "429 with Retry-After",
      () => [{ status: 429, headers: { "retry-after": "1" } }],
      { accepted: 2 },
    ],
    ["503", () => [{ status: 503 }], { accepted: 2 }],
    ["a reset", () => [{ resets: true }], { accepted: 2 }],
    ["a hang", () => [{ hangs: true }], { accepted: 2 }],
    [
      "a redirect to another host",
      () => [{ status: 307, headers: { location: `${elsewhere.url}/v1/traces` } }],
      { dropped_redirected: 2 },
    ],
  ];
  for (const [name, steps, expected] of answers) {
    test(`${name}: all that was made is accounted for`, async () => {
      receiver.script.push(...steps());
      const response = await app.fetch("/work");
      assert.equal(response.status, 200);
      await response.text();
      const counts = await settledCounts(app);
      const changes = Object.entries(counts)
        .map(([key, count]) => [key, count - (last[key] ?? 0)] as const)
        .filter(([key, change]) => /otlp_(accepted|dropped)/.test(key) && change !== 0)
        .map(([key, change]) => [key.replace("otlp_", ""), change]);
      last = counts;
      assert.deepEqual(Object.fromEntries(changes), expected);
      assert.equal(elsewhere.requests.length, 0);
    });
  }
});
