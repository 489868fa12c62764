import { env } from "cloudflare:workers";
import { tracer, withTelemetry } from "isotel";
import { configureTelemetry, emitLog, type OtlpOptions } from "isotel/otlp";
import { routes } from "../../harness/routes.ts";

const telemetry = configureTelemetry(JSON.parse((env as { OTLP: string }).OTLP) as OtlpOptions);

// More often than the encoder's module may trap.
let traced = 0;
for (let i = 0; i < 150; i += 1) {
  traced += tracer.withSpan("at_load", {}, (span) => Number(span.isTraced));
}
emitLog({ body: "at load" });

const handler = routes({
  "/work": () => tracer.withSpan("work", {}, () => traced),
  "/counts": () => telemetry.counts(),
  "/diagnostics": () => tracer.diagnostics(),
});

export default withTelemetry(handler);
