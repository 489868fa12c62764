import type { Environment } from "../../base/env.ts";
import { shapeOf } from "../../base/values.ts";
import { type Dialect, dialects, type OtlpFormat } from "../core/model.ts";
import {
  type Backend,
  type BackendName,
  type BackendOptions,
  type Destination,
  type Signal,
  signals,
} from "./backend.ts";
import { type Preset, presets, type SignalPreset } from "./presets.ts";
import { Settings } from "./settings.ts";

const defaultTimeoutMs = 10_000;
/** An export must finish within the 30 s that the runtime allows after a response. */
export const maxTimeoutMs = 25_000;
/** A receiver without a documented limit accepts at least this size. */
const defaultMaxBytes = 4_000_000;
const leastMaxBytes = 1_000;
const greatestMaxBytes = 16_000_000;

const formats: ReadonlyMap<string, OtlpFormat> = new Map([
  ["http/protobuf", "protobuf"],
  ["http/json", "json"],
]);

/**
 * Resolves the destinations of a backend from options. Variables supply the options that are not set.
 *
 * @param env Variables; see {@link Settings}.
 * @throws TypeError if options or variables are missing or invalid. The error names each of them and quotes no strings.
 */
export function resolveBackend(options: BackendOptions, env: Environment): Backend {
  const settings = new Settings(options, env);
  const preset = presetOf(settings);
  const temporality = temporalityOf(settings, preset);
  const destinations: Partial<Record<Signal, Destination>> = {};
  const refusals: Partial<Record<Signal, string>> = {};
  if (preset !== undefined) {
    for (const signal of signals) {
      const refusal = preset.signals?.[signal]?.refusal;
      const destination = refusal ?? destinationOf(settings, preset, signal);
      if (typeof destination === "string") refusals[signal] = destination;
      else if (destination !== undefined) destinations[signal] = destination;
    }
    selectSignals(settings, destinations, refusals);
  }
  if (settings.problems.length > 0) {
    const named = preset === undefined ? "" : ` "${options.backend}"`;
    const problems = [...new Set(settings.problems)].join("; ");
    throw new TypeError(`isotel: the telemetry backend${named} cannot be used: ${problems}`);
  }
  return {
    name: options.backend,
    destinations,
    refusals,
    temporality,
  };
}

function presetOf(settings: Settings): Preset | undefined {
  const name = settings.option("backend");
  if (typeof name === "string" && Object.hasOwn(presets, name)) {
    return presets[name as BackendName](settings);
  }
  settings.refuse(
    `backend is ${shapeOf(name)}; it has to be one of ${Object.keys(presets).join(", ")}`,
  );
  return undefined;
}

/** Returns a destination, or the reason why there is none. Returns undefined if it recorded a problem. */
function destinationOf(
  settings: Settings,
  preset: Preset,
  signal: Signal,
): Destination | string | undefined {
  const ofSignal: SignalPreset = preset.signals?.[signal] ?? {};
  const url = urlOf(settings, preset, signal);
  // Reads all options, so that one error names all that are invalid.
  const destination = {
    url: url ?? "",
    headers: { ...preset.headers, ...ofSignal.headers, ...settings.headers("headers") },
    format: formatOf(settings, ofSignal, signal),
    compression: settings.choice(
      "compression (the option compression or OTEL_EXPORTER_OTLP_COMPRESSION)",
      settings.option("compression") ?? standard(settings, "COMPRESSION", signal),
      ["gzip", "none"],
      "gzip",
    ),
    timeoutMs: settings.integer(
      "timeoutMs (the option timeoutMs or OTEL_EXPORTER_OTLP_TIMEOUT)",
      settings.option("timeoutMs") ?? standard(settings, "TIMEOUT", signal),
      1,
      maxTimeoutMs,
      defaultTimeoutMs,
    ),
    maxBytes: settings.integer(
      "maxBytes",
      settings.option("maxBytes"),
      leastMaxBytes,
      greatestMaxBytes,
      ofSignal.maxBytes ?? defaultMaxBytes,
    ),
    dialect: dialectOf(settings, preset),
    resource: preset.resource,
  };
  if (url !== undefined) return destination;
  // Without its key, such as a DSN, a backend may have no address. That is one problem, not two.
  return settings.problems.length > 0 ? undefined : `no endpoint is given for ${signal}`;
}

function urlOf(settings: Settings, preset: Preset, signal: Signal): string | undefined {
  const whole = (settings.option("endpoints") as Record<string, unknown> | undefined)?.[signal];
  if (typeof whole === "string") return wholeEndpoint(settings, `endpoints.${signal}`, whole);
  if (whole !== undefined)
    settings.refuse(`endpoints.${signal} is of type ${typeof whole}; it has to be an address`);
  const endpoint = settings.text("endpoint");
  if (endpoint !== undefined) return endpointUnder(settings, "endpoint", endpoint, signal);
  if (settings.option("backend") === "custom") {
    const variable = `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`;
    const address = settings.variable(variable);
    if (address !== undefined) return wholeEndpoint(settings, variable, address);
  }
  const { base } = preset;
  return base && endpointUnder(settings, base.what, base.address, signal);
}

function formatOf(settings: Settings, ofSignal: SignalPreset, signal: Signal): OtlpFormat {
  const given = settings.option("format");
  if (given !== undefined) {
    const format = settings.choice("format", given, ["protobuf", "json"], "protobuf");
    return ofSignal.format ?? format;
  }
  const protocol = standard(settings, "PROTOCOL", signal);
  if (protocol === undefined) return ofSignal.format ?? "protobuf";
  const format = formats.get(protocol);
  if (format === undefined) {
    settings.refuse(
      "OTEL_EXPORTER_OTLP_PROTOCOL has to be http/protobuf or http/json: Workers have no gRPC",
    );
  }
  return ofSignal.format ?? format ?? "protobuf";
}

const dialectNames = [...(Object.keys(dialects) as Dialect[]), "none"] as const;

function dialectOf(settings: Settings, preset: Preset): Dialect | undefined {
  const given = settings.option("dialect");
  const name = settings.choice("dialect", given, dialectNames, preset.dialect ?? "none");
  return name === "none" ? undefined : name;
}

/** The standard variable is a preference. A requirement of the backend takes precedence. */
function temporalityOf(settings: Settings, preset: Preset | undefined): Backend["temporality"] {
  const given = settings.option("temporality");
  const choices = ["cumulative", "delta"] as const;
  if (given !== undefined || preset?.temporality !== undefined) {
    return settings.choice("temporality", given, choices, preset?.temporality ?? "cumulative");
  }
  const variable = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
  const preferred = settings.variable(variable)?.toLowerCase();
  // The preference `lowmemory` differs from `delta` only for instruments that isotel does not have.
  const preference = preferred === "lowmemory" ? "delta" : preferred;
  return settings.choice(variable, preference, choices, "cumulative");
}

/** Returns a standard variable: the one for the signal, else the one for all signals. */
function standard(settings: Settings, what: string, signal: Signal): string | undefined {
  return (
    settings.variable(`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${what}`) ??
    settings.variable(`OTEL_EXPORTER_OTLP_${what}`)
  );
}

/**
 * Removes the signals that are not wanted. Refuses a signal that the option asks for and the backend does not accept.
 */
function selectSignals(
  settings: Settings,
  destinations: Partial<Record<Signal, Destination>>,
  refusals: Partial<Record<Signal, string>>,
): void {
  const wanted = settings.option("signals");
  if (wanted === undefined) {
    if (settings.problems.length > 0 || Object.keys(destinations).length > 0) return;
    settings.refuse(
      "endpoint is missing: set the option endpoint or the variable OTEL_EXPORTER_OTLP_ENDPOINT",
    );
    return;
  }
  if (!Array.isArray(wanted) || wanted.some((signal) => !signals.includes(signal as Signal))) {
    settings.refuse(`signals is ${shapeOf(wanted)}; it has to be a list of ${signals.join(", ")}`);
    return;
  }
  for (const signal of signals) {
    if (!wanted.includes(signal)) delete destinations[signal];
    else if (refusals[signal] !== undefined) settings.refuse(`signals: ${refusals[signal]}`);
  }
}

const signalPath = /\/v1\/(?:traces|logs|metrics)$/;

/**
 * Returns the URL of a signal under a base URL. Returns undefined if it recorded a problem.
 *
 * @param what The option or variable that supplied the base.
 * @param base Path and query are kept. A trailing path of a signal, such as `/v1/traces`, is removed first.
 */
function endpointUnder(
  settings: Settings,
  what: string,
  base: string,
  signal: Signal,
): string | undefined {
  const url = checkedUrl(settings, what, base);
  if (url === undefined) return undefined;
  const path = url.pathname.replace(/\/+$/, "").replace(signalPath, "");
  url.pathname = `${path}/v1/${signal}`;
  return url.href;
}

/** Returns a URL that is used without change. */
function wholeEndpoint(settings: Settings, what: string, address: string): string | undefined {
  return checkedUrl(settings, what, address)?.href;
}

/** A URL may contain a key. Messages therefore show its host only. */
function checkedUrl(settings: Settings, what: string, address: string): URL | undefined {
  const url = URL.parse(address);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    settings.refuse(`${what} has to be an address that begins with https://`);
    return undefined;
  }
  if (url.username !== "" || url.password !== "") {
    settings.refuse(`${what} must not contain a user name or password: set them as headers`);
    return undefined;
  }
  if (url.protocol === "http:" && !isLoopback(url) && settings.option("allowInsecure") !== true) {
    settings.refuse(
      `${what} is plain http to ${url.hostname}, where keys and data would travel unencrypted: ` +
        "use https, or set allowInsecure",
    );
    return undefined;
  }
  url.hash = "";
  return url;
}

function isLoopback({ hostname }: URL): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    /^127(?:\.\d{1,3}){3}$/.test(hostname)
  );
}
