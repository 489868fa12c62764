import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { demoConfig, scrapeToken } from "../../worker/demo/environment.ts";
import {
  type LocalWorker,
  root,
  startWorkers,
  streamingTailConsumers,
  type WorkerConfig,
} from "../harness/start.ts";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import { collectorConfig, collectorName } from "../workerd/harness/collector_config.ts";
import { type Listener, listenFor } from "./support/listener.ts";
import { Prometheus } from "./support/prometheus.ts";
import { sendTraffic, type Traffic } from "./support/traffic.ts";

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const dashboard = JSON.parse(
  readFileSync(join(root, "dashboards/grafana/isotel.json"), "utf8"),
) as { readonly panels: readonly Panel[] };

/** The reference Worker, which exports to a receiver, and the example of a collector, which follows it. */
function workersExportingTo({ url }: Receiver): readonly WorkerConfig[] {
  return [
    {
      ...demoConfig({ OTLP_BACKEND: "custom", OTEL_EXPORTER_OTLP_ENDPOINT: url }),
      streaming_tail_consumers: [...streamingTailConsumers, { service: collectorName }],
    },
    {
      ...collectorConfig(url, scrapeToken),
      // Without an id it would be the one of the same name of the other Worker.
      kv_namespaces: [{ binding: "TELEMETRY_KV", id: "collector" }],
    },
  ];
}

const traffic: Traffic = { chats: 2, streams: 2, failures: 1, resolves: 4, unknownFlags: 1 };

/** What Grafana fills in. */
function filledIn(expression: string): string {
  return expression.replaceAll("$__rate_interval", "1m").replaceAll("$job", ".+");
}

function promtool(...args: string[]) {
  return spawnSync("promtool", args, { cwd: join(root, "dashboards"), encoding: "utf8" });
}

test("promtool accepts the alert rules", () => {
  const { status, stdout, stderr } = promtool("check", "rules", "alerts.yml");
  assert.equal(status, 0, stdout + stderr);
});

test("the alert rules fire when they should, and only then", () => {
  const { status, stdout, stderr } = promtool("test", "rules", "../tests/prometheus/alerts.yml");
  assert.equal(status, 0, stdout + stderr);
});

test("promtool accepts the scrape configuration", () => {
  // Whether the token's file is there is the reader's affair.
  const { status, stdout, stderr } = promtool("check", "config", "--syntax-only", "prometheus.yml");
  assert.equal(status, 0, stdout + stderr);
});

test("each job of the scrape configuration has the setting of Prometheus 3 for native histograms", () => {
  const path = join(root, "dashboards/prometheus.yml");
  const setting = /^( {4})# (scrape_native_histograms: true)$/gm;
  const text = readFileSync(path, "utf8");
  assert.equal(text.match(setting)?.length, text.match(/^ {2}- job_name: /gm)?.length);
  const folder = mkdtempSync(join(tmpdir(), "isotel-prometheus-"));
  try {
    // Each version parses the settings of jobs. This one refuses the new setting, by name and as that of a job.
    writeFileSync(join(folder, "prometheus.yml"), text.replace(setting, "$1$2"));
    const file = join(folder, "prometheus.yml");
    const { stdout, stderr } = promtool("check", "config", "--syntax-only", file);
    const faults = (stdout + stderr).match(/line \d+: .*/g) ?? [];
    const isOnlyThat = faults.every((fault) =>
      fault.includes("field scrape_native_histograms not found in type config."),
    );
    assert.ok(isOnlyThat, faults.join("\n"));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe("the dashboard over a real Prometheus", () => {
  let worker: LocalWorker;
  let receiver: Receiver;
  let listener: Listener;
  let prometheus: Prometheus;
  /** Waits until every target has been scraped once more. */
  const nextScrapes = async () => {
    const scrapes = "min(count_over_time(up[1h]))";
    const [now] = await prometheus.query(scrapes);
    await prometheus.eventually(scrapes, ([one]) => (one?.value ?? 0) > (now?.value ?? 0));
  };
  before(async () => {
    receiver = await startReceiver();
    worker = await startWorkers(workersExportingTo(receiver));
    listener = await listenFor(worker, collectorName);
    await sendTraffic(worker, traffic);
    const targets = [
      { job: "worker", url: new URL("/metrics", worker.url), token: scrapeToken },
      { job: "collector", url: new URL("/metrics", listener.url), token: scrapeToken },
    ];
    prometheus = await Prometheus.start({ targets });
    const resolves = "sum(confidence_resolves_total)";
    const first = traffic.resolves + traffic.unknownFlags;
    await prometheus.eventually(resolves, ([one]) => one?.value === first);
    // A rate needs a change between two scrapes.
    await nextScrapes();
    await sendTraffic(worker, traffic);
    await prometheus.eventually(resolves, ([one]) => one?.value === 2 * first);
    for (const exported of [
      'isotel_otlp_items_total{job="worker",result="accepted"}',
      'isotel_collector_spans_total{job="collector",result="exported"}',
    ]) {
      await prometheus.eventually(exported, ([one]) => (one?.value ?? 0) > 0);
    }
    await nextScrapes();
  });
  after(async () => {
    await prometheus?.stop();
    await listener?.close();
    await worker?.close();
    await receiver?.close();
  });

  const panels = dashboard.panels.filter(({ type }) => type !== "row");
  test("it has panels", () => assert.ok(panels.length >= 15, `${panels.length}`));
  for (const { title, targets = [] } of panels) {
    test(`"${title}" shows data`, async () => {
      assert.ok(targets.length > 0);
      for (const { expr } of targets) {
        const samples = await prometheus.query(filledIn(expr));
        assert.ok(samples.length > 0, `no data: ${expr}`);
        assert.ok(
          samples.some(({ value }) => Number.isFinite(value)),
          `no number: ${expr}`,
        );
      }
    });
  }
});
