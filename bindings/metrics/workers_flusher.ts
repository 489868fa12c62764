import { nativeWaitUntil } from "#native-tracing";
import { sleep } from "../trace/waiting.ts";
import { workersTelemetry } from "../trace/workers_telemetry.ts";
import { Flusher } from "./flusher.ts";
import { GenAiMetrics } from "./genai_metrics.ts";
import { HttpServerMetrics } from "./http_server.ts";
import { SelfMetrics } from "./self_metrics.ts";
import { workersMeter } from "./workers_meter.ts";

/** What a Worker with metrics has besides those it defines. */
export interface WorkerMetrics {
  /** Sends the metrics of this isolate. */
  readonly flusher: Flusher;
  readonly http: HttpServerMetrics;
  readonly genAi: GenAiMetrics;
}

let workerMetrics: WorkerMetrics | undefined;

/** Those of this isolate, made when they are first needed. */
export function workersMetrics(): WorkerMetrics {
  if (workerMetrics === undefined) {
    const meter = workersMeter();
    const selfMetrics = new SelfMetrics(meter, () => workersTelemetry.diagnostics());
    const flusher = new Flusher(meter, selfMetrics, { waitUntil: nativeWaitUntil, sleep });
    workerMetrics = {
      flusher,
      http: new HttpServerMetrics(meter),
      genAi: new GenAiMetrics(meter),
    };
  }
  return workerMetrics;
}
