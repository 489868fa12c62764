import { reportOnce } from "../core/report_once.ts";
import { type WorkerMetrics, workersMetrics } from "../metrics/workers_flusher.ts";
import type { WorkerOptions } from "./read_options.ts";

/** The metrics of this isolate, set up as options say; undefined where they cannot be sent. Never throws. */
export function usedMetrics(options: WorkerOptions | undefined): WorkerMetrics | undefined {
  if (options?.plan === undefined) return undefined;
  try {
    const metrics = workersMetrics();
    metrics.flusher.use(options.plan);
    metrics.genAi.use(options.genAi);
    return metrics;
  } catch (cause) {
    reportOnce("isotel: metrics could not be set up; this isolate records none.", cause);
    return undefined;
  }
}
