import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { BackendOptions } from "../../bindings/otlp/backends/backend.ts";
import { resolveBackend } from "../../bindings/otlp/backends/resolve_backend.ts";
import { demoConfig } from "../../worker/demo/environment.ts";
import { startWorkers } from "../harness/start.ts";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import { seriesTotals } from "../otlp_receiver/sums.ts";
import { type BackendName, backendNames, keysOf, requestsTo } from "./harness/backends.ts";
import { eventually } from "./harness/eventually.ts";

const resolves = 3;

describe("the metrics of the reference Worker", () => {
  const takesMetrics = (backend: BackendName): boolean => {
    const options = { backend, endpoint: "https://otlp.example", signals: ["metrics"] };
    const own = backend === "axiom" ? { ...options, metricsDataset: "sums" } : options;
    try {
      return resolveBackend(own as BackendOptions, keysOf([backend])) !== undefined;
    } catch {
      return false;
    }
  };
  const names = backendNames.filter(takesMetrics);
  let receiver: Receiver;
  before(async () => {
    receiver = await startReceiver();
    const otlp = { OTLP_METRICS_BACKEND: names.join(","), OTLP_ENDPOINT: receiver.url };
    // The receiver reads points in protobuf.
    const format = { OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf" };
    const worker = await startWorkers([demoConfig({ ...otlp, ...keysOf(names), ...format })]);
    try {
      for (let i = 0; i < resolves; i += 1) {
        const answer = await worker.fetch("/resolve?flag=new-checkout&country=PT&targeting_key=a");
        assert.equal(answer.status, 200, await answer.text());
      }
      await eventually(async () => {
        for (const name of names) assert.equal(resolvesAt(name), resolves, name);
      });
    } finally {
      await worker.close();
    }
  });
  after(() => receiver.close());

  /** What the counter of resolves comes to at a backend. */
  const resolvesAt = (name: BackendName): number =>
    [...seriesTotals(requestsTo(receiver, name).flatMap(({ points }) => points))]
      .filter(([series]) => series.startsWith("confidence_resolves"))
      .reduce((sum, [, { value }]) => sum + value, 0);

  test("are for backends that take metrics", () => {
    assert.deepEqual(names.sort(), ["axiom", "custom", "datadog", "grafana", "honeycomb"]);
  });

  test("reach each backend that takes metrics, from its aggregator and from nowhere else", () => {
    for (const name of names) {
      assert.equal(resolvesAt(name), resolves, name);
      for (const { path, resource } of requestsTo(receiver, name)) {
        assert.match(path, /\/v1\/metrics$/);
        assert.equal(resource["service.name"], "isotel-reference");
        assert.ok(String(resource["service.instance.id"]).length > 0);
      }
    }
    const expected = names.reduce((sum, name) => sum + requestsTo(receiver, name).length, 0);
    assert.equal(receiver.requests.length, expected);
  });

  test("carry the headers that metrics need", () => {
    for (const { headers } of requestsTo(receiver, "axiom")) {
      assert.equal(headers["x-axiom-metrics-dataset"], "sums");
    }
    for (const { headers } of requestsTo(receiver, "honeycomb")) {
      assert.equal(headers["x-honeycomb-dataset"], "shop");
    }
  });

  test("are totals, but deltas for Datadog", () => {
    for (const name of names) {
      const temporalities = requestsTo(receiver, name)
        .flatMap(({ points }) => points)
        .filter(({ kind }) => kind !== "gauge")
        .map(({ temporality }) => temporality);
      assert.deepEqual([...new Set(temporalities)], [name === "datadog" ? 1 : 2], name);
    }
  });
});
