// Replays recordings of Flue that are posted: their spans go wherever the Worker has something for them.
import "isotel/metrics";
import { tracer, withTelemetry } from "isotel";
import { TelemetryAggregator } from "isotel/aggregator";
import { createOpenTelemetryObserver, type FlueEvent } from "isotel/flue";
import { configureTelemetry, type OtlpOptions } from "isotel/otlp";
import { routes } from "../../harness/routes.ts";

interface Recording {
  readonly events: readonly { readonly event: FlueEvent; readonly ctx: object }[];
  readonly content: boolean;
}

export { TelemetryAggregator };

interface Env {
  readonly OTLP?: string;
  /** Without it nothing is measured. */
  readonly TELEMETRY?: DurableObjectNamespace;
}

async function replay(_url: URL, request: Request) {
  const { events, content } = (await request.json()) as Recording;
  const observe = createOpenTelemetryObserver({
    exportContent: content ? (event) => event : undefined,
  });
  for (const { event, ctx } of events) observe(event, ctx);
  return observe.diagnostics();
}

/** The same inside of a span of the program's own. */
async function replayInside(url: URL, request: Request) {
  return tracer.withSpan("inside", {}, () => replay(url, request));
}

const handler = routes({ "/replay": replay, "/inside": replayInside });

export default withTelemetry(
  {
    fetch(request: Request, env: Env, ctx: ExecutionContext) {
      if (env.OTLP !== undefined) configureTelemetry(JSON.parse(env.OTLP) as OtlpOptions);
      return handler.fetch?.(request as never, env, ctx);
    },
  } as ExportedHandler<Env>,
  ({ TELEMETRY: aggregator }: Env) =>
    aggregator === undefined
      ? {}
      : {
          metrics: { aggregator, public: true, flushIntervalMs: 100, genAi: { formerNames: true } },
        },
);
