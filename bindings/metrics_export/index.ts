import { sleep, systemClock } from "../base/time.ts";
import type { SenderOptions } from "../otlp/exporter/sender.ts";
import { systemFetch } from "../otlp/exporter/sender.ts";
import { provideMetricsExport } from "../slots/metrics_export.ts";
import { makeMetricsExport } from "./metrics_exporter.ts";

export type { BackendName, BackendOptions } from "../otlp/backends/backend.ts";
export type { MetricsExportOptions } from "../slots/metrics_export.ts";

const sending: SenderOptions = {
  clock: systemClock,
  fetch: systemFetch,
  sleep: (ms) => sleep(ms).over,
  random: Math.random,
};

// Connects the option `otlp` of an aggregator. A Worker that does not import this file does not bundle the export.
provideMetricsExport((options, env, host) => makeMetricsExport(options, env, host, sending));
