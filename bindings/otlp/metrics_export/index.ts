import { provideMetricsExport } from "../../invocation/metrics_export.ts";
import { systemClock } from "../../trace/clock.ts";
import { sleep } from "../../trace/waiting.ts";
import type { SenderOptions } from "../exporter/sender.ts";
import { systemFetch } from "../exporter/system_fetch.ts";
import { makeMetricsExport } from "./metrics_exporter.ts";

export type { BackendName, BackendOptions } from "../backends/backend.ts";
export type { MetricsExportOptions } from "./read_metrics_options.ts";

const sending: SenderOptions = {
  clock: systemClock,
  fetch: systemFetch,
  sleep: (ms) => sleep(ms).over,
  random: Math.random,
};

// What makes the option `otlp` of an aggregator work: a Worker that does not import this carries nothing of it.
provideMetricsExport((options, env, host) => makeMetricsExport(options, env, host, sending));
