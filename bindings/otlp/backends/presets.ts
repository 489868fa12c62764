import type { Dialect, OtlpFormat } from "../core/model.ts";
import type { BackendName, Signal } from "./backend.ts";
import type { Settings } from "./settings.ts";

/** The settings of a backend, computed from its options and variables. */
export interface Preset {
  /** Base URL, and the option or variable that supplies it. Undefined if only an endpoint option can supply it. */
  readonly base: { readonly what: string; readonly address: string } | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Settings of single signals, in addition to the settings above. */
  readonly signals?: Readonly<Partial<Record<Signal, SignalPreset>>>;
  readonly temporality?: "delta";
  readonly dialect?: Dialect;
  readonly resource?: Readonly<Record<string, string>> | undefined;
}

/** Settings of a backend for one signal. */
export interface SignalPreset {
  /** The reason why the backend does not accept the signal. */
  readonly refusal?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly maxBytes?: number;
  /** The only format that the backend accepts. */
  readonly format?: OtlpFormat;
}

const edges = {
  none: "https://api.axiom.co",
  "us-east-1": "https://us-east-1.aws.edge.axiom.co",
  "eu-central-1": "https://eu-central-1.aws.edge.axiom.co",
} as const;

/** https://axiom.co/docs/send-data/opentelemetry */
function axiom(settings: Settings): Preset {
  const token = settings.neededHeader("token", "AXIOM_TOKEN");
  const dataset = wantsMetricsOnly(settings)
    ? ""
    : settings.neededHeader("dataset", "AXIOM_DATASET");
  const metricsDataset = settings.optionalHeader("metricsDataset");
  const edge = settings.option("edge");
  const edgeNames = ["us-east-1", "eu-central-1"] as const;
  const address =
    edges[edge === undefined ? "none" : settings.choice("edge", edge, edgeNames, "us-east-1")];
  const inDataset = { headers: { "x-axiom-dataset": dataset } };
  return {
    base: { what: "edge", address },
    headers: { authorization: `Bearer ${token}` },
    signals: {
      traces: inDataset,
      logs: inDataset,
      metrics: {
        format: "protobuf",
        headers: { "x-axiom-metrics-dataset": metricsDataset ?? "" },
        refusal:
          metricsDataset === undefined
            ? "Axiom needs a separate dataset for metrics: set the option metricsDataset"
            : undefined,
      },
    },
  };
}

function wantsMetricsOnly(settings: Settings): boolean {
  const signals = settings.option("signals");
  return Array.isArray(signals) && signals.length === 1 && signals[0] === "metrics";
}

/**
 * Settings of any other OTLP receiver. The standard variables for endpoint and headers belong together and describe one
 * receiver. The vendors' presets ignore them; otherwise one vendor's key could be sent to another vendor.
 */
function custom(settings: Settings): Preset {
  const what = "OTEL_EXPORTER_OTLP_ENDPOINT";
  const address = settings.variable(what);
  return {
    base: address === undefined ? undefined : { what, address },
    headers: settings.headersOf("OTEL_EXPORTER_OTLP_HEADERS"),
    signals: {
      traces: { headers: settings.headersOf(headersVariable("traces")) },
      logs: { headers: settings.headersOf(headersVariable("logs")) },
      metrics: { headers: settings.headersOf(headersVariable("metrics")) },
    },
  };
}

function headersVariable(signal: Signal): string {
  return `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_HEADERS`;
}

const sites = [
  "datadoghq.com",
  "us3.datadoghq.com",
  "us5.datadoghq.com",
  "datadoghq.eu",
  "ap1.datadoghq.com",
  "ap2.datadoghq.com",
] as const;

/** Datadog answers larger requests with status 413. */
const maxTracesBytes = 3_200_000;
const maxMetricsBytes = 500_000;

/**
 * The generic intake assumes that data comes from a host.
 *
 * https://docs.datadoghq.com/opentelemetry/setup/otlp_ingest/managed_platforms/
 */
function datadog(settings: Settings): Preset {
  const apiKey = settings.neededHeader("apiKey", "DD_API_KEY");
  const site = settings.choice(
    "site (the option site or the variable DD_SITE)",
    settings.text("site", "DD_SITE"),
    sites,
    "datadoghq.com",
  );
  const intake = settings.choice(
    "intake",
    settings.option("intake"),
    ["cloudflare", "generic", "llmobs"],
    "cloudflare",
  );
  if (intake === "llmobs") {
    return {
      base: { what: "site", address: `https://otlp.${site}` },
      headers: { "dd-api-key": apiKey, "dd-otlp-source": "llmobs" },
      signals: tracesOnly("Datadog's LLM Observability", { maxBytes: maxTracesBytes }),
    };
  }
  const source = settings.optionalHeader("source") ?? site;
  const host = intake === "cloudflare" ? `cloudflare.integrations.otlp.${site}` : `otlp.${site}`;
  return {
    base: { what: "site", address: `https://${host}` },
    headers: { "dd-api-key": apiKey },
    signals: {
      traces: {
        maxBytes: maxTracesBytes,
        headers: intake === "cloudflare" ? {} : { "dd-otlp-source": source },
      },
      metrics: {
        maxBytes: maxMetricsBytes,
        // Without these tags Datadog merges the series of two aggregators.
        headers: { "dd-otel-metric-config": '{"resource_attributes_as_tags":true}' },
      },
    },
    temporality: "delta",
  };
}

/** https://grafana.com/docs/grafana-cloud/send-data/otlp/ */
function grafana(settings: Settings): Preset {
  const instanceId = settings.neededHeader("instanceId", "GRAFANA_USER_ID");
  const token = settings.neededHeader("token", "GRAFANA_API_KEY");
  return {
    base: baseOf(settings),
    headers: { authorization: `Basic ${base64(`${instanceId}:${token}`)}` },
  };
}

function baseOf(settings: Settings): Preset["base"] {
  const zone = settings.text("zone");
  const isOverridden = settings.option("endpoint") !== undefined;
  if (zone === undefined) {
    const variable = "GRAFANA_OTLP_ENDPOINT";
    const address = settings.variable(variable);
    if (address !== undefined) return { what: variable, address };
    if (!isOverridden) {
      settings.refuse(
        `endpoint is missing: set the option endpoint or zone, or the variable ${variable}`,
      );
    }
    return undefined;
  }
  if (!/^[0-9a-z-]+$/.test(zone)) {
    settings.refuse("zone has to be the zone of the stack, such as prod-us-east-0");
    return undefined;
  }
  return { what: "zone", address: `https://otlp-gateway-${zone}.grafana.net/otlp` };
}

/** Base64 of the UTF-8 form of a text. `btoa` alone fails for characters above U+00FF. */
function base64(text: string): string {
  return btoa(
    Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""),
  );
}

const hosts = { us: "https://api.honeycomb.io", eu: "https://api.eu1.honeycomb.io" } as const;

/** Matches the configuration keys and the ingest keys of Honeycomb Classic. */
const classicKey = /^(?:[0-9a-f]{32}|hc[a-z]ic_[0-9a-z]{58})$/;

/** https://docs.honeycomb.io/send-data/opentelemetry/ */
function honeycomb(settings: Settings): Preset {
  const apiKey = settings.neededHeader("apiKey", "HONEYCOMB_API_KEY");
  const dataset = settings.optionalHeader("dataset", "HONEYCOMB_DATASET");
  const isClassic = classicKey.test(apiKey);
  if (isClassic && dataset === undefined) {
    settings.refuse(
      "dataset is missing, which a Classic key needs: set the option dataset or the variable HONEYCOMB_DATASET",
    );
  }
  const region = settings.option("region");
  const fromVariable =
    region === undefined ? settings.variable("HONEYCOMB_API_ENDPOINT") : undefined;
  const host = hosts[settings.choice("region", region, ["us", "eu"], "us")];
  const inDataset = dataset === undefined ? {} : { "x-honeycomb-dataset": dataset };
  const noDataset =
    "Honeycomb needs a dataset for metrics: set the option dataset or the variable HONEYCOMB_DATASET";
  return {
    base: {
      what: fromVariable === undefined ? "region" : "HONEYCOMB_API_ENDPOINT",
      address: fromVariable ?? host,
    },
    headers: { "x-honeycomb-team": apiKey, ...(isClassic ? inDataset : {}) },
    signals: {
      metrics: { headers: inDataset, refusal: dataset === undefined ? noDataset : undefined },
    },
  };
}

/** https://docs.sentry.io/concepts/otlp/ */
function sentry(settings: Settings): Preset {
  const dsn = settings.needed("dsn", "SENTRY_DSN");
  const parsed = dsn === "" ? undefined : parseDsn(dsn);
  if (dsn !== "" && parsed === undefined) {
    settings.refuse(
      "dsn (the option dsn or the variable SENTRY_DSN) has to be of the form https://{key}@{host}/{project}",
    );
  }
  return {
    base: parsed && { what: "dsn", address: parsed.address },
    headers: { "x-sentry-auth": `sentry sentry_key=${parsed?.key ?? ""}` },
    signals: { metrics: { refusal: "Sentry does not accept metrics over OTLP" } },
    dialect: "sentry",
  };
}

/** Parses a DSN. A DSN may have a path before the project. An older one has a secret after the key. */
function parseDsn(dsn: string): { readonly key: string; readonly address: string } | undefined {
  const url = URL.parse(dsn);
  if (url === null || !/^[0-9A-Za-z_-]+$/.test(url.username)) return undefined;
  const path = /^(.*)\/([0-9A-Za-z_-]+)\/?$/.exec(url.pathname);
  if (path === null) return undefined;
  const [, prefix = "", project = ""] = path;
  const address = `${url.protocol}//${url.host}${prefix}/api/${project}/integration/otlp`;
  return { key: url.username, address };
}

function tracesOnly(
  product: string,
  traces: SignalPreset = {},
): Readonly<Partial<Record<Signal, SignalPreset>>> {
  const refusal = `${product} accepts only traces over OTLP`;
  return { traces, logs: { refusal }, metrics: { refusal } };
}

/**
 * Returns the address of a product with regions that one can also host.
 *
 * @param regions The addresses of the vendor. The first is the default.
 * @param path The path of OTLP below an address.
 */
function hosted<T extends string>(
  settings: Settings,
  regions: Readonly<Record<T, string>>,
  path: string,
  ...variables: readonly string[]
): Preset["base"] {
  const names = Object.keys(regions) as T[];
  const region = settings.option("region");
  const chosen = regions[settings.choice("region", region, names, names[0] as T)];
  const own = settings.text("baseUrl", ...(region === undefined ? variables : []));
  if (own === undefined) return { what: "region", address: `https://${chosen}${path}` };
  const what = ["baseUrl", ...variables].join(" or ");
  return { what, address: own.replace(/\/+$/, "") + path };
}

/** https://langfuse.com/integrations/native/opentelemetry */
function langfuse(settings: Settings): Preset {
  const publicKey = settings.needed("publicKey", "LANGFUSE_PUBLIC_KEY");
  const secretKey = settings.needed("secretKey", "LANGFUSE_SECRET_KEY");
  const regions = {
    eu: "cloud.langfuse.com",
    us: "us.cloud.langfuse.com",
    jp: "jp.cloud.langfuse.com",
    hipaa: "hipaa.cloud.langfuse.com",
  };
  return {
    base: hosted(settings, regions, "/api/public/otel", "LANGFUSE_BASE_URL", "LANGFUSE_HOST"),
    headers: {
      authorization: `Basic ${base64(`${publicKey}:${secretKey}`)}`,
      // Without it spans appear minutes later.
      "x-langfuse-ingestion-version": "4",
    },
    signals: tracesOnly("Langfuse"),
    dialect: "langfuse",
  };
}

function inProject(project: string | undefined): Preset["resource"] {
  return project === undefined ? undefined : { "openinference.project.name": project };
}

/** https://arize.com/docs/phoenix/tracing/how-to-tracing/setup-tracing */
function phoenix(settings: Settings): Preset {
  const space = settings.text("space");
  const variable = "PHOENIX_COLLECTOR_ENDPOINT";
  const own = settings.text("baseUrl", ...(space === undefined ? [variable] : []));
  const apiKey = settings.optionalHeader("apiKey", "PHOENIX_API_KEY");
  if (space !== undefined && !/^[\w.-]+$/.test(space)) {
    settings.refuse("space has to be the name of a space in Phoenix Cloud, such as my-team");
  }
  const address = own ?? (space && `https://app.phoenix.arize.com/s/${space}`);
  if (address === undefined && settings.option("endpoint") === undefined) {
    settings.refuse(
      `baseUrl is missing: set the option baseUrl or space, or the variable ${variable}`,
    );
  }
  return {
    base: address === undefined ? undefined : { what: `baseUrl or ${variable}`, address },
    headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
    signals: tracesOnly("Phoenix", { format: "protobuf" }),
    dialect: "openinference",
    resource: inProject(settings.text("project", "PHOENIX_PROJECT_NAME")),
  };
}

/**
 * https://arize.com/docs/ax/instrument/manual-instrumentation. Older documents name the headers `space_id` and `api_key`.
 */
function arize(settings: Settings): Preset {
  const regions = {
    us: "otlp.arize.com",
    eu: "otlp.eu-west-1a.arize.com",
    ca: "otlp.ca-central-1a.arize.com",
  };
  return {
    base: hosted(settings, regions, ""),
    headers: {
      "arize-api-key": settings.neededHeader("apiKey", "ARIZE_API_KEY"),
      "arize-space-id": settings.neededHeader("spaceId", "ARIZE_SPACE_ID"),
    },
    signals: tracesOnly("Arize"),
    dialect: "openinference",
    resource: inProject(settings.needed("project", "ARIZE_PROJECT_NAME")),
  };
}

/** https://docs.langchain.com/langsmith/trace-with-opentelemetry */
function langsmith(settings: Settings): Preset {
  const project = settings.optionalHeader("project", "LANGSMITH_PROJECT");
  const regions = {
    us: "api.smith.langchain.com",
    eu: "eu.api.smith.langchain.com",
    apac: "apac.api.smith.langchain.com",
    aws: "aws.api.smith.langchain.com",
  };
  return {
    base: hosted(settings, regions, "/otel", "LANGSMITH_ENDPOINT"),
    headers: {
      "x-api-key": settings.neededHeader("apiKey", "LANGSMITH_API_KEY"),
      ...given({ "langsmith-project": project }),
    },
    signals: tracesOnly("LangSmith"),
    dialect: "langsmith",
  };
}

/** https://www.braintrust.dev/docs/integrations/sdk-integrations/opentelemetry/send-traces-and-logs */
function braintrust(settings: Settings): Preset {
  const regions = { us: "api.braintrust.dev", eu: "api-eu.braintrust.dev" };
  return {
    base: hosted(settings, regions, "/otel", "BRAINTRUST_API_URL"),
    headers: {
      ...bearer(settings, "BRAINTRUST_API_KEY"),
      "x-bt-parent": settings.neededHeader("parent", "BRAINTRUST_PARENT"),
    },
    signals: tracesOnly("Braintrust"),
    dialect: "braintrust",
  };
}

/** https://www.comet.com/docs/opik/integrations/opentelemetry */
function opik(settings: Settings): Preset {
  const address = hosted(
    settings,
    { cloud: "www.comet.com/opik/api" },
    "/v1/private/otel",
    "OPIK_URL_OVERRIDE",
  );
  const isCloud = settings.option("endpoint") === undefined && address?.what === "region";
  const header = (option: string, variable: string) =>
    isCloud ? settings.neededHeader(option, variable) : settings.optionalHeader(option, variable);
  const headers = {
    authorization: header("apiKey", "OPIK_API_KEY"),
    "comet-workspace": header("workspace", "OPIK_WORKSPACE"),
    projectname: settings.optionalHeader("project", "OPIK_PROJECT_NAME"),
  };
  return {
    base: address,
    headers: given(headers),
    signals: tracesOnly("Opik"),
    dialect: "openinference",
  };
}

/** https://docs.lmnr.ai/tracing/otel */
function laminar(settings: Settings): Preset {
  return {
    base: hosted(settings, { cloud: "api.lmnr.ai" }, "", "LMNR_BASE_URL"),
    headers: bearer(settings, "LMNR_PROJECT_API_KEY"),
    signals: tracesOnly("Laminar"),
  };
}

/** https://www.traceloop.com/docs/openllmetry/integrations/traceloop */
function traceloop(settings: Settings): Preset {
  return {
    base: hosted(settings, { us: "api.traceloop.com" }, "", "TRACELOOP_BASE_URL"),
    headers: bearer(settings, "TRACELOOP_API_KEY"),
    signals: tracesOnly("Traceloop"),
  };
}

function bearer(settings: Settings, variable: string): Record<string, string> {
  return { authorization: `Bearer ${settings.neededHeader("apiKey", variable)}` };
}

/** Returns the headers that have a value. */
function given(headers: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** The backends by name, in the order in which messages list them. */
export const presets: Readonly<Record<BackendName, (settings: Settings) => Preset>> = {
  sentry,
  honeycomb,
  datadog,
  grafana,
  axiom,
  langfuse,
  phoenix,
  arize,
  langsmith,
  braintrust,
  opik,
  laminar,
  traceloop,
  custom,
};
