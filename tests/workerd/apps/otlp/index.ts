import { tracer, withTelemetry } from "isotel";
import "isotel/otlp";
import { emitLog, type OtlpOptions, tracedFetch } from "isotel/otlp";
import { type Route, routes } from "../../harness/routes.ts";

interface Env {
  /** Options of the export as JSON. */
  readonly OTLP: string;
  readonly UPSTREAM?: string;
}

const work = () =>
  tracer.withSpan("work", { "app.n": 1, "app.list": ["a", "b"] }, async (span) => {
    await scheduler.wait(2);
    await tracer.withSpan("inner", { "app.text": "é".repeat(40_000) }, () => scheduler.wait(1));
    emitLog({ body: "in work", severity: "warn", attributes: { "app.log": true } });
    return span.spanContext();
  });

const table: Record<string, Route> = {
  "/work": work,
  "/diagnostics": () => tracer.diagnostics(),
};

const app = routes(table);

export default withTelemetry(app as Required<Pick<typeof app, "fetch">>, (env: Env) => ({
  otlp: JSON.parse(env.OTLP) as OtlpOptions,
}));
void tracedFetch;
