import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  type OptionsOf,
  readOptions,
  type WorkerOptions,
} from "../../../bindings/invocation/read_options.ts";
import { provideMetricsRecording } from "../../../bindings/slots/metrics_recording.ts";
import { provideMetricsRoutes } from "../../../bindings/slots/metrics_routes.ts";
import { oddValues } from "../support/hostile.ts";

const queue = { send() {}, sendBatch() {} };
const aggregator = { idFromName() {}, get() {} };
const kv = { get() {}, put() {} };

function read(
  optionsOf: (env: Record<string, unknown>) => unknown,
  env: unknown = {},
): [WorkerOptions | undefined, string[]] {
  const errors: string[] = [];
  const options = readOptions(optionsOf as unknown as OptionsOf, env, (text) => errors.push(text));
  return [options, errors];
}

const withMetrics = (metrics: unknown) => read(() => ({ metrics }));

describe("the options of a Worker that records no metrics", () => {
  const missing =
    "isotel: metrics are set, but this Worker records none. " +
    'Add import "isotel/metrics"; or set metrics.record to false if it only serves the metrics of others';

  test("say which import is missing, whatever else the Worker carries", () => {
    const [options, errors] = withMetrics({ queue, aggregator });
    assert.equal(options?.plan, undefined);
    assert.deepEqual(errors, [missing]);
    provideMetricsRoutes({ scrape: () => undefined, consume: () => undefined });
    assert.deepEqual(withMetrics({ aggregator, public: true })[1], [missing]);
    provideMetricsRoutes(undefined as never);
  });

  test("are silent where the Worker says that it only serves the metrics of others", () => {
    provideMetricsRoutes({ scrape: () => undefined, consume: () => undefined });
    const given = { aggregator, kv, scrapeToken: "token", record: false };
    const [options, errors] = withMetrics(given);
    assert.deepEqual(errors, []);
    assert.deepEqual(options?.metrics, given);
    assert.equal(options?.plan, undefined);
    provideMetricsRoutes(undefined as never);
  });
});

describe("the options of a Worker", () => {
  before(async () => {
    await import("../../../bindings/metrics/index.ts");
  });
  after(() => provideMetricsRecording(undefined as never));

  test("for an export it does not carry are told of, with the line that is missing", () => {
    const errors: string[] = [];
    const optionsOf = () => ({ otlp: { backend: "sentry" as const } });
    const options = readOptions(optionsOf, {}, (text) => errors.push(text));
    assert.equal(options, undefined);
    assert.equal(errors.length, 1);
    assert.match(errors[0] ?? "", /does not import it\. Add import "isotel\/otlp";/);
  });

  test("that are right are taken as they are, with an interval of ten seconds", () => {
    const [options, errors] = withMetrics({ queue, aggregator });
    assert.deepEqual(errors, []);
    assert.equal(options?.metrics?.queue, queue);
    assert.equal(options?.plan?.intervalMs, 10_000);
  });

  test("tell the number of shards, and one if it is not set", () => {
    const shardsOf = (metrics: object) => {
      const [options, errors] = withMetrics(metrics);
      assert.deepEqual(errors, []);
      return options?.plan?.shards;
    };
    assert.equal(shardsOf({ queue }), 1);
    assert.equal(shardsOf({ queue, shards: 4 }), 4);
    assert.equal(shardsOf({ queue, aggregator }), 1);
    assert.equal(shardsOf({ queue, aggregator, shards: 4 }), 4);
    assert.equal(shardsOf({ aggregator }), 1);
    assert.equal(shardsOf({ queue, aggregator, shards: 4, transport: "aggregator" }), 4);
  });

  test("that say that the Worker records nothing keep its bindings and send nothing", () => {
    const [options, errors] = withMetrics({
      queue,
      aggregator,
      genAi: { currency: 7 },
      record: false,
    });
    assert.deepEqual(errors, []);
    assert.equal(options?.metrics?.aggregator, aggregator);
    assert.deepEqual([options?.plan, options?.genAi], [undefined, undefined]);
    const [recording, said] = withMetrics({ queue, record: "no" });
    assert.match(
      said[0] ?? "",
      /metrics\.record is a string of 2 characters; it has to be true or/,
    );
    assert.equal(recording?.plan?.intervalMs, 10_000);
  });

  test("may leave metrics out", () => {
    for (const none of [undefined, null, {}, { metrics: undefined }]) {
      assert.deepEqual(
        read(() => none),
        [undefined, []],
      );
    }
  });

  test("tell of a missing binding once, with its name and the lines that add it", () => {
    const [options, errors] = read(
      (env) => ({ metrics: { queue: env["MY_QUEUE"], aggregator: env["TELEMETRY"] } }),
      { TELEMETRY: aggregator },
    );
    assert.equal(errors.length, 1);
    assert.match(errors[0] ?? "", /^isotel: metrics\.queue is undefined \(not in env: MY_QUEUE\)/);
    assert.match(errors[0] ?? "", /"queues": \{ "producers": \[\{ "binding": "TELEMETRY_QUEUE"/);
    assert.ok(options?.plan !== undefined, "it goes straight to the aggregator");
    assert.equal(options.metrics?.queue, undefined);
  });

  test("without any way to send say so, and what is missing", () => {
    for (const [metrics, pattern] of [
      [{ queue: undefined }, /metrics\.queue is undefined.*"queues"/],
      [{}, /metrics\.queue is missing.*"queues"/],
      [{ transport: "queue", aggregator }, /metrics\.queue is missing/],
      [{ transport: "aggregator", queue }, /metrics\.aggregator is missing.*"durable_objects"/],
      [{ aggregator: undefined }, /metrics\.aggregator is undefined.*new_sqlite_classes/],
    ] as const) {
      const [options, errors] = withMetrics(metrics);
      assert.equal(options?.plan, undefined);
      assert.equal(errors.length, 1, errors.join("\n"));
      assert.match(errors[0] ?? "", pattern);
    }
  });

  test("that are no bindings are told of, whatever they are", () => {
    for (const [name, make] of oddValues) {
      const [options, errors] = withMetrics({ queue: make(), aggregator });
      assert.equal(errors.length, 1, name);
      assert.match(
        errors[0] ?? "",
        /^isotel: metrics\.queue is .*; it has to be a queue, a binding with send\(\)/,
      );
      assert.equal(options?.metrics?.aggregator, aggregator);
    }
  });

  test("of another kind are named by their kind, with the way out", () => {
    const kv = { get: () => {}, put: () => {}, delete: () => {} };
    const namespace = { idFromName: () => {}, get: () => {} };
    for (const [metrics, pattern] of [
      [{ queue: kv, aggregator }, /metrics\.queue is a KV namespace; it has to be a queue/],
      [{ queue, kv: namespace }, /metrics\.kv is a Durable Object namespace; it has to be a KV/],
      [{ aggregator: queue, queue }, /metrics\.aggregator is a queue; it has to be a Durable/],
    ] as const) {
      const [, errors] = read((env) => ({ metrics: { ...metrics, adminToken: env["TOKEN"] } }), {});
      assert.equal(errors.length, 1, errors.join("\n"));
      assert.match(errors[0] ?? "", pattern);
      assert.match(errors[0] ?? "", /npx isotel init/);
      assert.doesNotMatch(errors[0] ?? "", /not in env/);
    }
  });

  test("that cannot be read are told of without what they said", () => {
    const [options, errors] = read(() => {
      throw new RangeError("the secret is 123");
    });
    assert.deepEqual([options?.plan, options?.metrics], [undefined, {}]);
    assert.deepEqual(errors, [
      "isotel: the options of withTelemetry cannot be read (RangeError); metrics are off",
    ]);
    for (const [name, make] of oddValues) {
      if (name === "undefined") continue;
      const [, told] = withMetrics(make());
      assert.ok(told.length >= 1, name);
      assert.ok(told.every((text) => text.startsWith("isotel: ")));
    }
  });

  test("out of their range are told of, and the default is used", () => {
    for (const flushIntervalMs of [0, 99, 20_001, Number.NaN, "1000", null]) {
      const [options, errors] = withMetrics({ queue, flushIntervalMs });
      assert.equal(options?.plan?.intervalMs, 10_000);
      assert.match(errors[0] ?? "", /flushIntervalMs is .* from 100 to 20000\. 10000 is used/);
    }
    for (const shards of [0, 1.5, 257, "2"]) {
      const [options, errors] = withMetrics({ aggregator, shards });
      assert.ok(options?.plan !== undefined);
      assert.match(errors[0] ?? "", /shards is .* an integer from 1 to 256/);
    }
    assert.deepEqual(withMetrics({ queue, flushIntervalMs: 100 })[1], []);
    assert.deepEqual(withMetrics({ queue, flushIntervalMs: 20_000 })[1], []);
  });

  test("have constant labels and a limit of label values, and mistakes in them are told of", () => {
    const [options, errors] = withMetrics({
      queue,
      constantLabels: { service: "shop", version: undefined, le: 1 },
      maxLabelValues: 7,
    });
    assert.equal(options?.constantLabels?.count, 1);
    assert.equal(options?.maxLabelValues, 7);
    assert.equal((options?.genAi?.flags ?? 0) >> 8, 7);
    assert.equal(errors.length, 2, errors.join("\n"));
    assert.ok(options.plan !== undefined, "metrics are recorded nevertheless");
    const [usual] = withMetrics({ queue });
    assert.equal(usual?.constantLabels, undefined);
    assert.equal(usual?.maxLabelValues, 100);
  });

  test("that want scrapes of a Worker that carries no code for them say what to export", () => {
    for (const option of [
      { kv },
      { scrapeToken: "secret" },
      { public: true },
      { scrapePath: "/m" },
    ]) {
      const [, errors] = withMetrics({ queue, ...option });
      assert.equal(errors.length, 1);
      assert.match(errors[0] ?? "", /export \{ TelemetryAggregator \} from "isotel\/aggregator"/);
      assert.doesNotMatch(errors[0] ?? "", /secret/);
    }
    provideMetricsRoutes({ scrape: () => undefined, consume: () => undefined });
    assert.deepEqual(withMetrics({ queue, kv, scrapeToken: "secret" })[1], []);
  });
});
