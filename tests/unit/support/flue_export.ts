import { gunzipSync } from "node:zlib";
import type { Fit } from "../../../bindings/flue/core/span_attributes.ts";
import { FlueObserver } from "../../../bindings/flue/flue_observer.ts";
import { RuntimeSink } from "../../../bindings/flue/sinks/runtime_sink.ts";
import { Exports } from "../../../bindings/otlp/exporting.ts";
import { systemEnvironment } from "../../../bindings/otlp/pipeline/make_pipeline.ts";
import type { OtlpOptions } from "../../../bindings/otlp/pipeline/options.ts";
import type { SpanContext, SpanRuntime } from "../../../bindings/trace/span_runtime.ts";
import type { EventContext, ReferenceSpan } from "../../flue/recordings.ts";
import { newHost } from "./flue.ts";
import { type Tracing, tracingOver } from "./tracing.ts";

type Callbacks = ConstructorParameters<typeof FlueObserver<unknown, SpanContext>>[2];

/** A log record as it was sent. */
export interface SentLog {
  readonly eventName: string;
  readonly severity: string;
  readonly body: unknown;
  readonly unixMs: number;
  readonly spanId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface FlueExport extends Tracing {
  readonly exports: Exports;
  readonly observer: FlueObserver<unknown, SpanContext>;
  /** Requests that arrived since the last call of {@link sent}. */
  readonly received: number;
  replay(events: readonly EventContext[]): void;
  /** What has been sent since the last call, in the order in which spans ended. */
  sent(): Promise<{ readonly spans: SentSpan[]; readonly logs: SentLog[] }>;
}

export interface SentSpan extends ReferenceSpan {
  readonly traceState: string;
}

/** The attributes that fit, decided by the module of the build under test. */
export function fitBy(host: ReturnType<typeof newHost>): Fit {
  return (sizes, availableBytes) => host.attempt((core) => core.fit(sizes, availableBytes), []);
}

/** An observer of Flue over a runtime whose spans are exported to a `fetch` that keeps them. */
export function flueExport(
  runtime: SpanRuntime,
  callbacks: Callbacks = {},
  options: Partial<OtlpOptions> = {},
): FlueExport {
  const tracing = tracingOver(runtime);
  const held: Promise<unknown>[] = [];
  const requests: { readonly url: string; readonly body: Json }[] = [];
  const system = systemEnvironment(Date.now, (work) => void held.push(work));
  const keep: typeof system.fetch = async (url, init) => {
    const bytes = Buffer.from(await new Response(init?.body as BodyInit).arrayBuffer());
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    const text = (isGzip ? gunzipSync(bytes) : bytes).toString("utf8");
    requests.push({ url: String(url), body: JSON.parse(text) });
    return Response.json({});
  };
  const exports = new Exports(tracing.telemetry, { ...system, fetch: keep });
  const to = { backend: "custom", endpoint: "http://127.0.0.1:1", format: "json" } as const;
  const pipeline = exports.use({ ...to, ...options } as OtlpOptions, {});
  const host = newHost();
  const sink = new RuntimeSink(() => tracing.telemetry.runtime, fitBy(host));
  const observer = new FlueObserver(host, sink, callbacks as never);
  return {
    ...tracing,
    exports,
    observer: observer as FlueObserver<unknown, SpanContext>,
    get received() {
      return requests.length;
    },
    replay(events) {
      for (const { event, ctx } of events) observer.observe(event, ctx);
    },
    async sent() {
      for (let i = 0; i < held.length; i += 1) await held[i];
      await pipeline.flush();
      const taken = requests.splice(0);
      const of = (list: string, scopes: string, items: string) =>
        taken
          .flatMap(({ body }) => (body[list] ?? []) as Json[])
          .flatMap((resource) => resource[scopes] as Json[])
          .flatMap((scope) => scope[items] as Json[]);
      return {
        spans: of("resourceSpans", "scopeSpans", "spans").map(spanOf),
        logs: of("resourceLogs", "scopeLogs", "logRecords").map(logOf),
      };
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: JSON that a test takes apart
type Json = any;

/** OTLP counts kinds from 1. */
function spanOf(span: Json): SentSpan {
  const { code = 0, message } = span.status ?? {};
  return {
    name: span.name,
    kind: span.kind - 1,
    traceId: span.traceId,
    traceState: span.traceState ?? "",
    spanId: span.spanId,
    parentSpanId: span.parentSpanId || undefined,
    start: timeOf(span.startTimeUnixNano),
    end: timeOf(span.endTimeUnixNano),
    status: message === undefined ? { code } : { code, message },
    attributes: attributesOf(span.attributes),
    events: (span.events ?? []).map((event: Json) => ({
      name: event.name,
      time: timeOf(event.timeUnixNano),
      attributes: attributesOf(event.attributes),
    })),
    links: (span.links ?? []).map(({ traceId, spanId }: Json) => ({ traceId, spanId })),
  };
}

function logOf(record: Json): SentLog {
  return {
    eventName: record.eventName,
    severity: record.severityText,
    body: record.body === undefined ? undefined : anyOf(record.body),
    unixMs: Number(BigInt(record.timeUnixNano) / 1_000_000n),
    spanId: record.spanId,
    attributes: attributesOf(record.attributes),
  };
}

function timeOf(nano: string): [number, number] {
  const time = BigInt(nano);
  return [Number(time / 1_000_000_000n), Number(time % 1_000_000_000n)];
}

function attributesOf(list: Json[] | undefined): Record<string, unknown> {
  return Object.fromEntries((list ?? []).map(({ key, value }) => [key, anyOf(value)]));
}

function anyOf(value: Json): unknown {
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(anyOf);
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.doubleValue ?? value.boolValue;
}
