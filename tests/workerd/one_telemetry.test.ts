import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import {
  copyPackage,
  firstVersion,
  secondVersion,
  versionsMessage,
} from "../harness/second_copy.ts";
import { type LocalWorker, root } from "../harness/start.ts";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../otlp_receiver/requests.ts";
import { startApp } from "./harness/app.ts";
import { eventually } from "./harness/eventually.ts";
import { samplesOf } from "./harness/metrics_app.ts";

const entries = ["", "metrics", "otlp"];
const requests = 3;

interface Running {
  readonly worker: LocalWorker;
  readonly receiver: Receiver;
  /** Waits until so many items arrived, and returns all of this name. */
  items(name: string, count: number): Promise<ReceivedItem[]>;
}

/** Starts a Worker. `version` is that of the library's copy. Undefined if the library uses the application's copy. */
async function start(context: TestContext, main: string, version?: string): Promise<Running> {
  const copy = version === undefined ? undefined : copyPackage(version);
  if (copy !== undefined) context.after(() => copy.remove());
  const receiver = await startReceiver();
  context.after(() => receiver.close());
  const own = (name: string) => `${root}/dist/${name === "" ? "" : `${name}/`}index.js`;
  const alias = entries.map((name) => [
    name === "" ? "isotel-second" : `isotel-second/${name}`,
    copy === undefined ? own(name) : copy.entry(name),
  ]);
  const worker = await startApp("one_telemetry", {
    tail: "none",
    config: {
      main: `tests/workerd/apps/one_telemetry/${main}.ts`,
      alias: Object.fromEntries(alias) as Record<string, string>,
      vars: { RECEIVER: receiver.url },
      durable_objects: {
        bindings: [
          { name: "TELEMETRY", class_name: "TelemetryAggregator" },
          { name: "ROOM", class_name: "Room" },
        ],
      },
      migrations: [{ tag: "v1", new_sqlite_classes: ["TelemetryAggregator", "Room"] }],
    },
  });
  context.after(() => worker.close());
  const named = (name: string) =>
    receiver.requests.flatMap(({ items }) => items).filter((item) => item.name === name);
  return {
    worker,
    receiver,
    async items(name, count) {
      await receiver.item(`${count} of ${name}`, () => named(name).length >= count);
      return named(name);
    },
  };
}

async function ask(worker: LocalWorker, path: string): Promise<string> {
  const response = await worker.fetch(path);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return text;
}

/** Sums the samples of a metric over its series. */
async function total(worker: LocalWorker, name: string): Promise<number> {
  const samples = [...samplesOf(await ask(worker, "/metrics"))];
  return samples
    .filter(([series]) => series === name || series.startsWith(`${name}{`))
    .reduce((sum, [, value]) => sum + value, 0);
}

/** Calls both copies, and waits until the metrics of both have arrived. */
async function callBoth(worker: LocalWorker): Promise<void> {
  for (let i = 0; i < requests; i += 1) await ask(worker, "/work");
  await eventually(async () => {
    for (const name of ["application_calls_total", "library_calls_total"]) {
      assert.equal(await total(worker, name), requests, name);
    }
  });
}

const httpCount = "http_server_request_duration_seconds_count";

describe("a Worker and a library that both use withTelemetry", () => {
  for (const main of ["application_first", "library_first"]) {
    for (const [what, version] of [
      ["one copy of the package", undefined],
      ["two copies of one version", firstVersion],
    ] as const) {
      test(`have one telemetry: ${what}, ${main}`, async (context) => {
        const { worker, receiver, items } = await start(context, main, version);
        await callBoth(worker);
        assert.equal(await total(worker, httpCount), requests);
        const roots = await items("GET", requests);
        const above = await items("work of the application", requests);
        const below = await items("work of the library", requests);
        const logs = [
          await items("log of the application", requests),
          await items("log of the library", requests),
        ];
        for (const found of [roots, above, below, ...logs]) assert.equal(found.length, requests);
        assert.deepEqual(
          above.map((span) => span.parentSpanId).sort(),
          roots.map((span) => span.spanId).sort(),
        );
        assert.deepEqual(
          below.map((span) => span.parentSpanId).sort(),
          above.map((span) => span.spanId).sort(),
        );
        for (const [index, spans] of [above, below].entries()) {
          const of = (found: readonly ReceivedItem[] = []) =>
            found.map(({ traceId, spanId }) => `${traceId} ${spanId}`).sort();
          assert.deepEqual(of(logs[index]), of(spans));
        }
        receiver.requests.length = 0;
        await ask(worker, "/room");
        const [work] = await items("work of the library", 1);
        const invocations = receiver.requests
          .flatMap((request) => request.items)
          .filter(({ attributes }) => attributes["cloudflare.durable_object.id"] !== undefined);
        assert.deepEqual(
          invocations.map(({ spanId }) => spanId),
          [work?.parentSpanId],
        );
        await eventually(async () => {
          assert.equal(await total(worker, "library_calls_total"), requests + 1);
        });
        assert.deepEqual(JSON.parse(await ask(worker, "/said")), []);
      });
    }

    test(`measure each request once and say that versions differ: ${main}`, async (context) => {
      const { worker, items } = await start(context, main, secondVersion);
      await callBoth(worker);
      assert.equal(await total(worker, httpCount), requests);
      assert.equal((await items("work of the application", requests)).length, requests);
      assert.equal((await items("work of the library", requests)).length, requests);
      assert.equal((await items("GET", requests)).length, requests);
      const both: [string, string] = [firstVersion, secondVersion];
      if (main === "library_first") both.reverse();
      assert.deepEqual(JSON.parse(await ask(worker, "/said")), [versionsMessage(...both)]);
    });
  }
});
