import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { GenAiMetrics, HttpServerMetrics } from "../../../bindings/metrics/built_in.ts";
import { defineMetricsIn } from "../../../bindings/metrics/define_metrics.ts";
import { counter } from "../../../bindings/metrics/definitions.ts";
import { readGenAi, readMaxLabelValues } from "../../../bindings/metrics/genai_options.ts";
import { LabelValues } from "../../../bindings/metrics/label_values.ts";
import { SelfMetrics } from "../../../bindings/metrics/self_metrics.ts";
import { oddValues } from "../support/hostile.ts";
import { callTool } from "../support/measuring.ts";
import { type Metering, metering } from "../support/metering.ts";

const request = { method: "GET", statusCode: "200", route: "", scheme: "https", errorType: "" };
const name = "http_server_request_duration_seconds_count";

/** Counts of requests by route and error type. */
function requests({ collect }: Metering): Record<string, number> {
  const lines = collect()
    .text.split("\n")
    .filter((line) => line.startsWith(`${name}{`));
  const part = (line: string, label: string) =>
    new RegExp(`[{,]${label}="(.*?)"`).exec(line)?.[1] ?? "";
  return Object.fromEntries(
    lines.map((line) => [
      `${part(line, "http_route")} ${part(line, "error_type")}`,
      Number(line.split(" ").at(-1)),
    ]),
  );
}

describe("values of labels that a Worker's users choose", () => {
  test("are kept up to the limit of each label, and _OTHER past it", () => {
    const values = new LabelValues();
    values.max = 2;
    const admit = (label: string, ...given: string[]) =>
      given.map((value) => values.admit("m", label, value));
    assert.deepEqual(admit("a", "1", "2", "3", "1", "", "_OTHER", "4"), [
      "1",
      "2",
      "_OTHER",
      "1",
      "",
      "_OTHER",
      "_OTHER",
    ]);
    assert.equal(values.overflowed, 2);
    assert.deepEqual(admit("b", "_OTHER", "", "3", "4", "5"), ["_OTHER", "", "3", "4", "_OTHER"]);
    assert.equal(values.overflowed, 3);
    assert.equal(new LabelValues().max, 100);
  });

  test("are those of routes and error types of requests: the others keep their series", () => {
    const own = metering();
    own.meter.labelValues.max = 2;
    const http = new HttpServerMetrics(own.meter);
    for (const route of ["/a", "/b", "/c", "/d", "/a"]) http.record({ ...request, route }, 1);
    for (const errorType of ["E1", "E2", "E3"]) http.record({ ...request, errorType }, 1);
    assert.deepEqual(requests(own), {
      "/a ": 2,
      "/b ": 1,
      "_OTHER ": 2,
      " E1": 1,
      " E2": 1,
      " _OTHER": 1,
    });
  });

  test("never fill the label sets of a metric", () => {
    const own = metering();
    const http = new HttpServerMetrics(own.meter);
    for (let i = 0; i < 5000; i += 1) http.record({ ...request, route: `/${i}` }, 1);
    http.record({ ...request, errorType: "TypeError", route: "/0" }, 1);
    const counts = requests(own);
    assert.equal(counts["/99 "], 1);
    assert.equal(counts["/100 "], undefined);
    assert.equal(counts["_OTHER "], 4900);
    assert.equal(counts["/0 TypeError"], 1);
    assert.equal(own.meter.counts.labelSetsOverflowed, 0);
  });

  test("of a user's own metrics are not limited", () => {
    const own = metering();
    own.meter.labelValues.max = 1;
    const { orders } = defineMetricsIn(own.meter, {
      orders: counter("orders", { labels: ["http.route"] }),
    });
    for (const route of ["/a", "/b", "/c"]) orders.add(1, { "http.route": route });
    assert.equal(own.collect().sample('orders_total{http_route="/c"}'), 1);
  });

  test("of AI calls are limited in the core, counted together with the others, and said once", () => {
    const own = metering();
    own.meter.labelValues.max = 2;
    new GenAiMetrics(own.meter).use(readGenAi(undefined, () => {}, 2));
    own.meter.core();
    const { core } = own.meter.host;
    const diagnostics = () => own.meter.host.counters();
    const self = new SelfMetrics(own.meter, diagnostics);
    const tool = (toolName: string) => callTool(core, toolName);
    tool("a");
    tool("b");
    self.flush(false);
    assert.deepEqual(own.warnings, []);
    const sample = "isotel_metrics_label_values_overflowed_total";
    assert.equal(own.collect().sample(sample), 0);
    tool("c");
    tool("c");
    tool("a");
    const http = new HttpServerMetrics(own.meter);
    for (const route of ["/a", "/b", "/c"]) http.record({ ...request, route }, 1);
    self.flush(false);
    self.flush(false);
    const totals = own.collect();
    assert.equal(totals.sample(sample), 3);
    const count = (value: string) =>
      totals.sample(
        `gen_ai_execute_tool_duration_seconds_count{gen_ai_tool_name="${value}",gen_ai_tool_type="function"}`,
      );
    assert.deepEqual(["a", "b", "c", "_OTHER"].map(count), [2, 1, undefined, 2]);
    const line = (label: string) =>
      `isotel: the label ${label} has more than 2 values; further ones are _OTHER, and ` +
      "isotel_metrics_label_values_overflowed counts them. Set metrics.maxLabelValues if they are expected";
    assert.deepEqual(own.warnings, [
      line("http.route of http.server.request.duration"),
      line("gen_ai.tool.name of the GenAI metrics"),
    ]);
  });
});

describe("the option maxLabelValues", () => {
  test("is an integer from 1 to 500, 100 without it", () => {
    const reports: string[] = [];
    const read = (value: unknown) =>
      readMaxLabelValues(value, (message) => void reports.push(message));
    assert.deepEqual([undefined, 1, 100, 500].map(read), [100, 1, 100, 500]);
    assert.deepEqual(reports, []);
    const wrong = [
      0,
      501,
      1.5,
      -1,
      "100",
      ...oddValues.map(([, make]) => make()).filter((value) => value !== undefined),
    ];
    for (const value of wrong) {
      assert.equal(read(value), 100);
      assert.match(
        reports.pop() ?? "",
        /^isotel: metrics\.maxLabelValues is .*; it has to be an integer from 1 to 500\. 100 is used$/,
      );
    }
  });

  test("reaches the core beside the other settings", () => {
    const flags = (value: unknown, max?: number) => readGenAi(value, () => {}, max)?.flags;
    assert.equal(flags({ formerNames: true }, 500), 1 | (500 << 8));
    assert.equal(flags({}, 1), 1 << 8);
  });
});
