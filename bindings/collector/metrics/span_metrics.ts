import { MetricKind } from "../../core/abi.gen.ts";
import type { CoreHost } from "../../core/core_host.ts";
import { builtInDeclaration } from "../../core/declaration.ts";
import type { HttpServerMetrics, InvocationMetrics } from "../../metrics/built_in.ts";
import type { Family } from "../../metrics/family.ts";
import type { WorkerMetrics } from "../../metrics/isolate_metrics.ts";
import {
  isMeasured,
  measuredDuration,
  measuredGenAi,
  measuredKey,
} from "../../trace/measured_mark.ts";
import type { CollectedInvocation, SpanMeasurer } from "../spans/collected_invocation.ts";
import type { CollectedSpan } from "../spans/collected_span.ts";
import { GenAiMeasurer } from "./genai_measurer.ts";

/** A longer route is ignored, because it is probably a path. */
const maxRouteUnits = 256;
const msPerSecond = 1_000;

/** Whether to also measure Workers that record their own metrics. */
export interface MeasureOptions {
  readonly measuresAgain: boolean;
}

/** https://opentelemetry.io/docs/specs/semconv/faas/faas-metrics/ */
const cpuUsage = builtInDeclaration(MetricKind.histogram, "faas.cpu_usage", {
  unit: "s",
  help: "CPU time of invocations.",
  labels: ["service.name", "faas.trigger", "cloudflare.handler_type"],
  bounds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 10, 30],
});

/** Measures the invocations and GenAI spans of other Workers. */
export class SpanMetrics implements SpanMeasurer {
  readonly #invocations: InvocationMetrics;
  readonly #cpu: Family;
  readonly #http: HttpServerMetrics;
  readonly #genAi: GenAiMeasurer;
  readonly #options: MeasureOptions;

  constructor(
    metrics: Pick<WorkerMetrics, "meter" | "http" | "invocations">,
    host: CoreHost,
    options: MeasureOptions,
  ) {
    this.#invocations = metrics.invocations;
    this.#cpu = metrics.meter.define(cpuUsage);
    this.#http = metrics.http;
    this.#genAi = new GenAiMeasurer(host);
    this.#options = options;
  }

  invocation(invocation: CollectedInvocation): void {
    const { root, onset, outcome, resource } = invocation;
    const service = String(resource["service.name"]);
    const isRequest = onset.handler === "fetch" && !onset.isObject;
    const isMeasured = this.#isMeasured(root, measuredDuration);
    const route = routeOf(root);
    if (isRequest || !isMeasured) {
      const seconds = (root.endUnixMs - root.startUnixMs) / msPerSecond;
      const labels = { service, handlerType: onset.handler, route, outcome };
      this.#invocations.record(labels, seconds);
    }
    if (invocation.cpuMs !== undefined) {
      const labels = {
        "service.name": service,
        "faas.trigger": onset.trigger,
        "cloudflare.handler_type": onset.handler,
      };
      this.#cpu.seriesOf(labels)?.record(invocation.cpuMs / msPerSecond);
    }
    if (!isRequest || isMeasured) return;
    // Work after the response is not part of the client's time.
    const answeredUnixMs = invocation.answeredUnixMs || root.endUnixMs;
    this.#http.record(
      {
        method: String(onset.attributes["http.request.method"]),
        statusCode: invocation.statusCode === 0 ? "" : String(invocation.statusCode),
        route,
        scheme: String(onset.attributes["url.scheme"] ?? ""),
        errorType: root.errorType,
      },
      (answeredUnixMs - root.startUnixMs) / msPerSecond,
    );
  }

  genAi(invocation: CollectedInvocation, spans: readonly CollectedSpan[]): void {
    if (!this.#isMeasured(invocation.root, measuredGenAi)) this.#genAi.measure(spans);
  }

  #isMeasured({ attributes: { keys, values } }: CollectedSpan, what: string): boolean {
    if (this.#options.measuresAgain) return false;
    return isMeasured(values[keys.lastIndexOf(measuredKey)], what);
  }
}

function routeOf({ attributes: { keys, values } }: CollectedSpan): string {
  const route = values[keys.lastIndexOf("http.route")];
  return typeof route === "string" && route.length <= maxRouteUnits ? route : "";
}
