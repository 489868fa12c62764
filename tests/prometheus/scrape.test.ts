import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { demoConfig, scrapeToken } from "../../worker/demo/environment.ts";
import { type LocalWorker, startWorkers } from "../harness/start.ts";
import { AcceptProxy } from "./support/accept_proxy.ts";
import { Prometheus } from "./support/prometheus.ts";
import { sendTraffic, type Traffic } from "./support/traffic.ts";

const traffic: Traffic = { chats: 3, streams: 2, failures: 1, resolves: 8, unknownFlags: 2 };

const formats = [
  { job: "text", accept: "text/plain;version=0.0.4", type: /^text\/plain; version=0\.0\.4;/ },
  {
    job: "openmetrics",
    accept: "application/openmetrics-text;version=1.0.0",
    type: /^application\/openmetrics-text; version=1\.0\.0;/,
  },
  {
    job: "protobuf",
    accept:
      "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
    type: /^application\/vnd\.google\.protobuf;/,
  },
] as const;

describe("a real Prometheus scrapes the reference Worker", () => {
  let worker: LocalWorker;
  const proxies: AcceptProxy[] = [];
  let prometheus: Prometheus;
  before(async () => {
    worker = await startWorkers([demoConfig()]);
    await sendTraffic(worker, traffic);
    const url = new URL("/metrics", worker.url);
    for (const { accept } of formats) proxies.push(await AcceptProxy.start(url, accept));
    const targets = formats.map(({ job }, i) => ({
      job,
      url: (proxies[i] as AcceptProxy).url,
      token: scrapeToken,
    }));
    prometheus = await Prometheus.start({
      targets: [...targets, { job: "no-token", url }],
      nativeHistograms: true,
    });
    await prometheus.scraped();
  });
  after(async () => {
    await prometheus?.stop();
    for (const proxy of proxies) await proxy.stop();
    await worker?.close();
  });

  /** Waits until a query has a value in every format. */
  const expectValue = async (expression: string, value: number): Promise<void> => {
    const samples = await prometheus.eventually(
      `sum by (job) (${expression})`,
      (found) => found.length === formats.length && found.every((one) => one.value === value),
    );
    assert.deepEqual(
      samples.map(({ labels }) => labels["job"]).sort(),
      formats.map(({ job }) => job).sort(),
    );
  };

  for (const [index, { job, type }] of formats.entries()) {
    test(`the target is up over ${job}, compressed`, async () => {
      const [target] = (await prometheus.targets()).filter(({ labels }) => labels["job"] === job);
      assert.equal(target?.health, "up", target?.lastError);
      const answers = [...(proxies[index]?.answers ?? [])];
      assert.equal(answers.length, 1, answers.join());
      assert.match(answers[0] ?? "", type);
      assert.match(answers[0] ?? "", / gzip$/);
    });
  }

  test("a scrape without the token is refused", async () => {
    const [target] = (await prometheus.targets()).filter(
      ({ labels }) => labels["job"] === "no-token",
    );
    assert.equal(target?.health, "down");
    assert.match(target?.lastError ?? "", /401/);
  });

  test("flag resolves are all there, by reason", async () => {
    await expectValue("confidence_resolves_total", traffic.resolves + traffic.unknownFlags);
    await expectValue('confidence_resolves_total{reason="FLAG_NOT_FOUND"}', traffic.unknownFlags);
    await expectValue(
      "confidence_resolve_latency_microseconds_count",
      traffic.resolves + traffic.unknownFlags,
    );
    await expectValue(
      'confidence_resolve_latency_seconds_bucket{le="+Inf"}',
      traffic.resolves + traffic.unknownFlags,
    );
  });

  test("calls of agents, models and tools are all there", async () => {
    const agents = traffic.chats + traffic.streams + traffic.failures;
    // A conversation has three calls of the model and two of tools, one with a broken tool two and one.
    const whole = traffic.chats + traffic.streams;
    await expectValue("gen_ai_invoke_agent_duration_seconds_count", agents);
    await expectValue(
      "gen_ai_client_inference_duration_seconds_count",
      3 * whole + 2 * traffic.failures,
    );
    await expectValue(
      "gen_ai_client_inference_usage_input_tokens_total",
      360 * whole + 220 * traffic.failures,
    );
    await expectValue(
      'gen_ai_execute_tool_duration_seconds_count{error_type="WeatherUnavailable"}',
      traffic.failures,
    );
    await expectValue("gen_ai_execute_tool_duration_seconds_count", 2 * whole + traffic.failures);
  });

  test("requests are all there, by route", async () => {
    const ofRoute = (route: string) =>
      `http_server_request_duration_seconds_count{http_route="${route}"}`;
    await expectValue(ofRoute("/chat"), traffic.chats + traffic.failures);
    await expectValue(ofRoute("/chat/stream"), traffic.streams);
    await expectValue(ofRoute("/resolve"), traffic.resolves + traffic.unknownFlags);
  });
});
