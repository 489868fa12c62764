import api, { type MeterProvider } from "@opentelemetry/api";
import { reportOnce } from "../base/report_once.ts";
import type { Telemetry } from "../trace/telemetry.ts";
import { OtelContexts } from "./otel_contexts.ts";
import { OtelLoggerProvider } from "./otel_logs.ts";
import { OtelTracerProvider } from "./otel_tracer.ts";
import type { OpenTelemetryRegistration } from "./registration.ts";
import { W3cPropagator } from "./w3c_propagator.ts";

type Name = "trace" | "context" | "propagation" | "metrics" | "logs";
type Registry = { readonly version?: string } & Readonly<Partial<Record<Name, unknown>>>;

/** The global registrations of the API. Undefined before the first one. */
function registry(): Registry | undefined {
  return (globalThis as Record<symbol, unknown>)[Symbol.for("opentelemetry.js.api.1")] as Registry;
}

interface LogsApi {
  setGlobalLoggerProvider(provider: OtelLoggerProvider): boolean;
  disable(): void;
}

/** Logs are part of the API since 1.10. */
const { logs } = api as { readonly logs?: LogsApi };

const nouns: Readonly<Record<Name, string>> = {
  trace: "a tracer provider",
  context: "a context manager",
  propagation: "a propagator",
  metrics: "a meter provider",
  logs: "a logger provider",
};

/** Like `registerOpenTelemetry`, for given telemetry. */
export function registerOver(
  telemetry: Telemetry,
  meterProvider?: MeterProvider,
): OpenTelemetryRegistration {
  const undo: (() => void)[] = [];
  const taken: string[] = [];
  const version = registry()?.version;
  const add = (name: Name, set: () => boolean, disable: () => void): boolean => {
    // Checked first, because the API logs an error for a second registration.
    if (registry()?.[name] !== undefined) {
      taken.push(nouns[name]);
      return false;
    }
    if (!set()) return false;
    const own = registry()?.[name];
    undo.push(() => {
      // Another provider may have been registered since.
      if (registry()?.[name] === own) disable();
    });
    return true;
  };
  const { trace, context, propagation, metrics } = api;
  const traces = add(
    "trace",
    () => trace.setGlobalTracerProvider(new OtelTracerProvider(telemetry)),
    () => trace.disable(),
  );
  const done = {
    traces,
    contexts:
      traces &&
      add(
        "context",
        () => context.setGlobalContextManager(new OtelContexts(telemetry)),
        () => context.disable(),
      ),
    propagation:
      traces &&
      add(
        "propagation",
        () => propagation.setGlobalPropagator(new W3cPropagator()),
        () => propagation.disable(),
      ),
    metrics:
      meterProvider !== undefined &&
      add(
        "metrics",
        () => metrics.setGlobalMeterProvider(meterProvider),
        () => metrics.disable(),
      ),
    logs: registerLogs(telemetry, add, undo, taken),
  };
  if (taken.length > 0) {
    reportOnce(
      `isotel: the OpenTelemetry API already has ${taken.join(", ")}, which ${taken.length > 1 ? "stay" : "stays"}. Call ` +
        "registerOpenTelemetry() first, or remove the other registration.",
    );
  } else if (!traces) {
    reportOnce(
      `isotel: nothing was registered, because @opentelemetry/api ${version} is in use and isotel found another ` +
        "version of it. Install one version: run `npm dedupe`.",
    );
  }
  return {
    ...done,
    unregister() {
      for (const remove of undo.splice(0)) remove();
    },
  };
}

const logsKey = Symbol.for("io.opentelemetry.js.api.logs");
/** The version of the registry of `@opentelemetry/api-logs`. */
const logsVersion = 1;
const noLogger = { emit() {}, enabled: () => false };

/** Registers with the API, and with the package `@opentelemetry/api-logs`, which has a global of its own. */
function registerLogs(
  telemetry: Telemetry,
  add: (name: Name, set: () => boolean, disable: () => void) => boolean,
  undo: (() => void)[],
  taken: string[],
): boolean {
  const provider = new OtelLoggerProvider(telemetry);
  const isInApi =
    logs !== undefined &&
    add(
      "logs",
      () => logs.setGlobalLoggerProvider(provider),
      () => logs.disable(),
    );
  const global = globalThis as Record<symbol, unknown>;
  if (global[logsKey] !== undefined) {
    if (!taken.includes(nouns.logs)) taken.push(nouns.logs);
    return isInApi;
  }
  const own = (asked: number) => (asked === logsVersion ? provider : { getLogger: () => noLogger });
  global[logsKey] = own;
  undo.push(() => {
    if (global[logsKey] === own) delete global[logsKey];
  });
  return true;
}
