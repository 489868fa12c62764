import { errorType, type Outcome } from "../base/cause.ts";
import { httpMethod, httpRoute } from "../base/http.ts";
import { reportOnce } from "../base/report_once.ts";
import type { Clock } from "../base/time.ts";
import { MetricKind } from "../core/abi.gen.ts";
import type { Core } from "../core/core.ts";
import { builtInDeclaration, type Declaration } from "../core/declaration.ts";
import { type Call, handlerTypeOf, triggerOf } from "../trace/call.ts";
import type { Family } from "./family.ts";
import type { SpanMeasures } from "./genai_options.ts";
import { labelText } from "./labels.ts";
import type { Meter } from "./meter.ts";

/** https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ */
const requestDuration: Partial<Declaration> = {
  unit: "s",
  help: "Duration of HTTP server requests.",
  labels: [
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "url.scheme",
    "error.type",
  ],
  bounds: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
};

const metric = "http.server.request.duration";

/** https://opentelemetry.io/docs/specs/semconv/faas/faas-metrics/ */
const invokeDuration = builtInDeclaration(MetricKind.histogram, "faas.invoke_duration", {
  unit: "s",
  help: "Duration of invocations.",
  labels: [
    "service.name",
    "faas.trigger",
    "cloudflare.handler_type",
    "http.route",
    "cloudflare.outcome",
  ],
  bounds: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60],
});

/** Returns a function that returns the seconds since this call. The clock may step back. */
function secondsFromNow(clock: Clock): () => number {
  const startMs = clock();
  return () => Math.max(clock() - startMs, 0) / 1000;
}

type Route = ((request: Request) => string | undefined) | undefined;

/** Labels of the duration of a request. An empty string leaves a label unset. */
export interface HttpRequestLabels {
  /** A method that the HTTP conventions define, or `_OTHER`. */
  readonly method: string;
  readonly statusCode: string;
  readonly route: string;
  readonly scheme: string;
  readonly errorType: string;
}

/** Records the time from the start of a request until its handler settles, in seconds. */
export class HttpServerMetrics {
  readonly #meter: Meter;
  readonly #family: Family;

  constructor(meter: Meter) {
    this.#meter = meter;
    this.#family = meter.define(builtInDeclaration(MetricKind.histogram, metric, requestDuration));
  }

  /** Starts the measurement of a request. The returned function records its duration; call it once. Neither throws. */
  begin(request: unknown, route: Route): (outcome: Outcome) => void {
    const seconds = secondsFromNow(this.#meter.clock);
    return (outcome) => {
      const duration = seconds();
      try {
        this.record(labelsOf(request as Request, outcome, route), duration);
      } catch (cause) {
        // The request or the response is of another type or cannot be read, so its labels are unknown.
        reportOnce(`isotel: the duration of a request is not recorded (${errorType(cause)}).`);
        this.#meter.countInvalidLabels();
      }
    };
  }

  /** Records the duration of a request, measured by the caller. */
  record(
    { method, statusCode, route, scheme, errorType }: HttpRequestLabels,
    seconds: number,
  ): void {
    const { labelValues } = this.#meter;
    const labels = {
      "http.request.method": method,
      "http.response.status_code": statusCode,
      "http.route": labelValues.admit(metric, "http.route", route),
      "url.scheme": scheme,
      "error.type": labelValues.admit(metric, "error.type", errorType),
    };
    this.#family.seriesOf(labels)?.record(seconds);
  }
}

function labelsOf(request: Request, outcome: Outcome, route: Route): HttpRequestLabels {
  const { method, url } = request;
  const status = "result" in outcome ? (outcome.result as Response).status : undefined;
  const failure = "cause" in outcome ? errorType(outcome.cause) : "";
  const isServerError = status !== undefined && status >= 500;
  return {
    method: httpMethod(method),
    statusCode: status === undefined ? "" : String(status),
    route: httpRoute(() => route?.(request), labelText) ?? "",
    scheme: url.slice(0, url.indexOf(":")),
    errorType: isServerError ? String(status) : failure,
  };
}

/** Labels of the duration of an invocation. An empty string leaves a label unset. */
export interface InvocationLabels {
  /** The Worker, if others record in this isolate too. */
  readonly service: string;
  /** A result of {@link handlerTypeOf}. */
  readonly handlerType: string;
  readonly route: string;
  /** The outcome as the runtime names it, for example `ok` or `exception`. */
  readonly outcome: string;
}

/** Records the durations of invocations in seconds. */
export class InvocationMetrics {
  readonly #meter: Meter;
  #family: Family | undefined;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /**
   * Starts the measurement of an invocation. The returned function records its duration; call it once. Neither throws.
   */
  begin(call: Call, route: Route): (outcome: Outcome) => void {
    const seconds = secondsFromNow(this.#meter.clock);
    return (outcome) => {
      const duration = seconds();
      const handlerType = handlerTypeOf(call);
      const routeOf = () => route?.(call.args[0] as Request);
      const labels = {
        service: "",
        handlerType,
        route: (handlerType === "fetch" && httpRoute(routeOf, labelText)) || "",
        outcome: "cause" in outcome ? "exception" : "ok",
      };
      this.record(labels, duration);
    };
  }

  /** Records the duration of an invocation, measured by the caller. */
  record({ service, handlerType, route, outcome }: InvocationLabels, seconds: number): void {
    const { labelValues } = this.#meter;
    this.#family ??= this.#meter.define(invokeDuration);
    const labels = {
      "service.name": service,
      "faas.trigger": triggerOf(handlerType),
      "cloudflare.handler_type": handlerType,
      "http.route": labelValues.admit(invokeDuration.name, "http.route", route, service),
      "cloudflare.outcome": outcome,
    };
    this.#family.seriesOf(labels)?.record(seconds);
  }
}

/** Metrics of GenAI spans in an isolate. The core records them when the spans end. */
export class GenAiMetrics {
  readonly #meter: Meter;
  #measures: SpanMeasures | undefined;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /** Whether spans are measured. */
  get isUsed(): boolean {
    return this.#measures !== undefined;
  }

  /** Starts measuring spans, in the current core and in every later one. Only the first call has an effect. */
  use(measures: SpanMeasures | undefined): void {
    if (measures === undefined || this.#measures !== undefined) return;
    this.#measures = measures;
    this.#meter.onOpen((core) => this.#measure(core, measures));
  }

  #measure(core: Core, { flags, currency, prices }: SpanMeasures): void {
    const leftOut = core.measureSpans(flags, currency);
    if (leftOut < 0) {
      this.#meter.warnOnce(
        "genai",
        `isotel: AI SDK calls are not measured (core error ${leftOut})`,
      );
      return;
    }
    if (leftOut > 0) this.#meter.warnGivesWay(`${leftOut} built-in metrics of AI calls are`);
    for (const price of prices) core.setPrice(price);
  }
}
