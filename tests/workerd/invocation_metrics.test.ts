import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startReceiver } from "../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../otlp_receiver/requests.ts";
import { eventually } from "./harness/eventually.ts";
import { call, kinds, startKinds } from "./harness/handler_kinds.ts";
import { samplesOf } from "./harness/metrics_app.ts";

type Counts = Readonly<Record<string, number>>;

/** The labels of an invocation: trigger, handler type and outcome. */
function labelsOf({ attributes }: ReceivedItem): string {
  const type = attributes["cloudflare.handler_type"];
  const hasThrown = /Error$/.test(String(attributes["error.type"] ?? ""));
  return `${attributes["faas.trigger"]} ${type} ${hasThrown ? "exception" : "ok"}`;
}

function counted(list: readonly string[]): Counts {
  const counts: Record<string, number> = {};
  for (const one of list.toSorted()) counts[one] = (counts[one] ?? 0) + 1;
  return counts;
}

/** The counts of a histogram by the labels of {@link labelsOf}, of one service or of the Worker itself. */
function invocations(samples: ReadonlyMap<string, number>, service: string | undefined): Counts {
  const name = "faas_invoke_duration_seconds_count";
  const counts: Record<string, number> = {};
  for (const [series, count] of samples) {
    if (!series.startsWith(`${name}{`)) continue;
    const label = (key: string) => new RegExp(`[{,]${key}="([^"]*)"`).exec(series)?.[1];
    if (label("service_name") !== service) continue;
    const key = `${label("faas_trigger")} ${label("cloudflare_handler_type")} ${label("cloudflare_outcome")}`;
    counts[key] = (counts[key] ?? 0) + count;
  }
  return Object.fromEntries(Object.entries(counts).toSorted());
}

const isRequest = ({ attributes }: ReceivedItem) =>
  attributes["cloudflare.handler_type"] === "fetch" &&
  attributes["cloudflare.execution_model"] === "stateless";

for (const hasNative of [false, true]) {
  describe(`metrics of invocations, native tracing ${hasNative ? "and a collector on" : "off"}`, () => {
    test("each invocation is counted once, as its span says what it was", async (context) => {
      const receiver = await startReceiver();
      context.after(() => receiver.close());
      const aggregator = { name: "TELEMETRY", class_name: "TelemetryAggregator" };
      const app = await startKinds(
        hasNative,
        { backend: "custom", endpoint: receiver.url },
        {
          durable_objects: { bindings: [{ name: "ROOM", class_name: "Room" }, aggregator] },
          migrations: [{ tag: "v1", new_sqlite_classes: ["Room", "TelemetryAggregator"] }],
          streaming_tail_consumers: hasNative ? [{ service: "collecting" }] : [],
        },
        [
          {
            name: "collecting",
            main: "tests/workerd/apps/handler_kinds/collecting.ts",
            durable_objects: { bindings: [{ ...aggregator, script_name: "handler_kinds" }] },
          },
        ],
      );
      context.after(() => app.close());
      for (const name of Object.keys(kinds)) {
        for (const fate of ["empty", "fails", "empty"]) await call(app, name, fate);
      }
      const roots = () =>
        receiver.requests
          .flatMap(({ items }) => items)
          .filter(({ attributes }) => attributes["cloudflare.handler_type"] !== undefined);
      let before = -1;
      let samples: ReadonlyMap<string, number> = new Map();
      await eventually(async () => {
        // Each request sends what others have recorded.
        await app.fetch("/fetch?fate=empty");
        samples = samplesOf(await (await app.fetch("/metrics")).text());
        const expected = roots()
          .filter((root) => !isRequest(root))
          .map(labelsOf);
        const isAtRest = before === expected.length;
        before = expected.length;
        assert.deepEqual(invocations(samples, undefined), counted(expected));
        assert.ok(isAtRest && expected.length >= 3 * (Object.keys(kinds).length - 1));
      }, 30_000);
      const types = new Set(
        Object.keys(invocations(samples, undefined)).map((key) => key.split(" ")[1]),
      );
      assert.deepEqual([...types].sort(), [
        "alarm",
        "email",
        "fetch",
        "hibernatableWebSocket",
        "jsrpc",
        "queue",
        "scheduled",
        "trace",
        "workflow",
      ]);
      if (!hasNative) return;
      // The collector measures requests, the invocations that only send metrics, and the events of WebSockets, in which
      // the runtime has no active span to mark.
      await eventually(async () => {
        const all = samplesOf(await (await app.fetch("/metrics")).text());
        const collected = invocations(all, "unknown_service");
        const sockets = "other hibernatableWebSocket ok";
        assert.deepEqual(Object.keys(collected), ["http fetch ok", sockets, "other jsrpc ok"]);
        assert.equal(collected[sockets], 9);
      }, 30_000);
    });
  });
}
