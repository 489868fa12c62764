import { lines } from "./console.ts";
import "isotel/otlp";
import { tracer, withTelemetry } from "isotel";
import { TelemetryAggregator } from "isotel/aggregator";
import { counter, defineMetrics } from "isotel/metrics";

export { TelemetryAggregator };

const { visits } = defineMetrics({ visits: counter("visits") });

export default withTelemetry(
  {
    async fetch(request: Request): Promise<Response> {
      if (new URL(request.url).pathname === "/state") {
        return Response.json({ lines, diagnostics: tracer.diagnostics() });
      }
      visits.add();
      const text = tracer.withSpan("work", {}, () => "worked");
      return new Response(await text);
    },
  },
  (env: { OTLP: string }) => ({ otlp: JSON.parse(env.OTLP) }),
);
