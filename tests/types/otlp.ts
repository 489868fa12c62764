import { withTelemetry } from "isotel";
import {
  type BackendCounts,
  configureTelemetry,
  consoleExporter,
  emitLog,
  type OtlpOptions,
  type TelemetryExport,
  type tracedFetch,
  type traceFetch,
} from "isotel/otlp";
import { expectTrue, type Same } from "./expect.ts";

interface Env {
  readonly HONEYCOMB_API_KEY: string;
  readonly SENTRY_DSN?: string;
}

// Each backend has options of its own, and all have those of an export.
const telemetry = configureTelemetry({
  backend: "honeycomb",
  dataset: "shop",
  region: "eu",
  serviceName: "shop",
  sampleRatio: 0.1,
  tail: { slowMs: 1_000 },
  propagateTo: ["api.example", /^https:\/\/b\.example\//],
  keepQueryParameters: ["page"],
});
expectTrue<Same<typeof telemetry, TelemetryExport>>();
expectTrue<Same<ReturnType<TelemetryExport["counts"]>, readonly BackendCounts[]>>();
configureTelemetry(
  { backend: "custom", endpoint: "https://otel.example" },
  { OTEL_SERVICE_NAME: "x" },
);
// @ts-expect-error there is no such backend
configureTelemetry({ backend: "newrelic" });
// @ts-expect-error Sentry has no regions
configureTelemetry({ backend: "sentry", region: "eu" });
// @ts-expect-error a backend has to be named
configureTelemetry({ serviceName: "shop" });
// @ts-expect-error there is no such site
configureTelemetry({ backend: "honeycomb", region: "mars" });
// @ts-expect-error names of parameters are texts
configureTelemetry({ backend: "sentry", keepQueryParameters: [/page/] });
// @ts-expect-error hosts are texts or patterns
configureTelemetry({ backend: "sentry", propagateTo: [1] });

configureTelemetry({ backend: "sentry", consoleLogs: true });
configureTelemetry({ backend: "sentry", consoleLogs: "warn" });
// @ts-expect-error console.log has the level info
configureTelemetry({ backend: "sentry", consoleLogs: "log" });

const several: OtlpOptions = { backends: [{ backend: "sentry" }, { backend: "axiom" }] };
configureTelemetry(several);
configureTelemetry({ backend: consoleExporter(), serviceName: "shop" });
configureTelemetry({
  backends: [{ backend: "sentry" }, { backend: consoleExporter({ attributes: ["app.plan"] }) }],
});
declare const isLocal: boolean;
configureTelemetry({ backend: isLocal ? consoleExporter() : "sentry", consoleLogs: "warn" });
// @ts-expect-error it is a function
configureTelemetry({ backend: consoleExporter });
// @ts-expect-error keys are a list
consoleExporter({ attributes: "app.plan" });

// The same as an option of a Worker, whose variables may be missing.
withTelemetry({ fetch: (_request: Request, _env: Env) => new Response() }, (env) => ({
  otlp: {
    backends: [
      { backend: "honeycomb", apiKey: env.HONEYCOMB_API_KEY },
      { backend: "sentry", dsn: env.SENTRY_DSN },
    ],
    serviceName: "shop",
  },
}));

emitLog({ body: { order: 7 }, severity: "warn", attributes: { "app.plan": "pro" } });
// @ts-expect-error there is no such severity
emitLog({ body: "x", severity: "loud" });

expectTrue<Same<typeof tracedFetch, typeof fetch>>();
expectTrue<Same<ReturnType<typeof traceFetch>, typeof fetch>>();
