import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MetricsExportOptions } from "../../../bindings/slots/metrics_export.ts";
import { type Family, Producer } from "../../wasm/support/producer.ts";
import { MemoryStorage } from "../support/runtime_doubles.ts";
import { Life, World } from "./support/export_life.ts";

const orders: Family = { name: "orders", labels: ["plan"] };

describe("what each backend is sent", () => {
  const delta = 1;
  const cumulative = 2;
  const presets: readonly [object, string, Record<string, string>, number][] = [
    [
      { backend: "honeycomb", apiKey: "k", dataset: "numbers" },
      "https://api.honeycomb.io/v1/metrics",
      { "x-honeycomb-team": "k", "x-honeycomb-dataset": "numbers" },
      cumulative,
    ],
    [
      { backend: "datadog", apiKey: "k", site: "us5.datadoghq.com" },
      "https://cloudflare.integrations.otlp.us5.datadoghq.com/v1/metrics",
      { "dd-api-key": "k", "dd-otel-metric-config": '{"resource_attributes_as_tags":true}' },
      delta,
    ],
    [
      { backend: "datadog", apiKey: "k", intake: "generic" },
      "https://otlp.datadoghq.com/v1/metrics",
      { "dd-api-key": "k", "dd-otel-metric-config": '{"resource_attributes_as_tags":true}' },
      delta,
    ],
    [
      { backend: "grafana", zone: "prod-us-east-0", instanceId: "1", token: "t" },
      "https://otlp-gateway-prod-us-east-0.grafana.net/otlp/v1/metrics",
      { authorization: `Basic ${btoa("1:t")}` },
      cumulative,
    ],
    [
      { backend: "axiom", token: "t", metricsDataset: "numbers", format: "json" },
      "https://api.axiom.co/v1/metrics",
      { authorization: "Bearer t", "x-axiom-metrics-dataset": "numbers" },
      cumulative,
    ],
    [
      {
        backend: "custom",
        endpoints: { metrics: "https://otel.example/take" },
        headers: { "x-key": "k" },
        temporality: "delta",
      },
      "https://otel.example/take",
      { "x-key": "k" },
      delta,
    ],
  ];
  for (const [options, url, headers, temporality] of presets) {
    test(JSON.stringify(options), async () => {
      const world = new World();
      const given = { ...options, compression: "none" } as MetricsExportOptions;
      const life = new Life(world, new MemoryStorage(), given);
      life.apply(new Producer(1).count(orders, 3, 1, ["pro"]));
      await life.passAll(60_000);
      const [request] = world.requests;
      assert.equal(request?.url, url);
      const shared = { "content-type": "application/x-protobuf", "user-agent": "isotel" };
      assert.deepEqual(request?.headers, { ...shared, ...headers });
      const [point] = request?.points ?? [];
      assert.deepEqual([point?.value, point?.temporality], [3, temporality]);
    });
  }
});

describe("options", () => {
  const refusal = (options: object, env: object = {}): string => {
    let message = "";
    assert.throws(
      () => new Life(new World(), new MemoryStorage(), options as MetricsExportOptions, env),
      (error: Error) => {
        message = error.message;
        return error instanceof TypeError;
      },
    );
    return message;
  };

  test("a backend that takes no metrics is refused with the reason, and so is one that lacks what they need", () => {
    const dsn = "https://abc@o1.ingest.sentry.io/42";
    assert.match(refusal({ backend: "sentry", dsn }), /Sentry does not accept metrics over OTLP/);
    assert.match(refusal({ backend: "honeycomb", apiKey: "k" }), /needs a dataset for metrics/);
    const axiom = { backend: "axiom", token: "t", dataset: "d" };
    assert.match(refusal(axiom), /set the option metricsDataset/);
    assert.match(refusal({ backend: "custom" }), /no endpoint is given for metrics/);
  });

  test("a backend that is for other signals only is left out, unless none is left", () => {
    const sentry = { backend: "sentry", dsn: "https://abc@o1.ingest.sentry.io/42" };
    const traces = { ...sentry, signals: ["traces"] };
    const grafana = { backend: "grafana", zone: "prod", instanceId: "1", token: "t" };
    const options = { backends: [traces, grafana] } as MetricsExportOptions;
    const life = new Life(new World(), new MemoryStorage(), options);
    assert.deepEqual(
      life.export.counts().map(({ backend }) => backend),
      ["grafana"],
    );
    assert.match(refusal({ backends: [traces] }), /no backend is given that takes metrics/);
    assert.match(refusal({ backends: [] }), /no backend is given that takes metrics/);
  });

  test("all that is wrong is told at once, without any value", () => {
    const message = refusal({
      backends: [{ backend: "datadog", temporality: "absolute" }, { backend: "newrelic" }],
      intervalMs: 10,
    });
    assert.match(message, /intervalMs is .*; it has to be a whole number from 1000 to 3600000/);
    assert.match(
      message,
      /apiKey is missing.*temporality is .*; it has to be one of cumulative, delta/,
    );
    assert.match(message, /backend is .*; it has to be one of/);
    const twice = { backend: "custom", endpoint: "https://otel.example/?key=s3cret" };
    assert.match(refusal({ backends: [twice, twice] }), /contains one backend twice/);
    assert.doesNotMatch(refusal({ backends: [twice, twice] }), /s3cret/);
  });
});
