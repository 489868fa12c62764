import type { OptionNames } from "../../base/options.ts";
import type { Dialect, OtlpFormat } from "../core/model.ts";

/** A signal that OTLP carries. */
export type Signal = "traces" | "logs" | "metrics";

export const signals: readonly Signal[] = ["traces", "logs", "metrics"];

export type Compression = "gzip" | "none";

/** Where one signal is sent, and in which form. */
export interface Destination {
  readonly url: string;
  /** Keys are lower-case names. The exporter adds the headers that describe the body. */
  readonly headers: Readonly<Record<string, string>>;
  readonly format: OtlpFormat;
  readonly compression: Compression;
  /** Milliseconds for one attempt. */
  readonly timeoutMs: number;
  /** Bytes of one request body before compression. */
  readonly maxBytes: number;
  /** What spans have besides the attributes `gen_ai.*`. */
  readonly dialect?: Dialect | undefined;
  /** Resource attributes that this destination needs. */
  readonly resource?: Readonly<Record<string, string>> | undefined;
}

/** A backend with a complete configuration. */
export interface Backend {
  readonly name: BackendName;
  readonly destinations: Readonly<Partial<Record<Signal, Destination>>>;
  /** The reason for each signal without a destination. */
  readonly refusals: Readonly<Partial<Record<Signal, string>>>;
  /** The temporality of exported counters and histograms. */
  readonly temporality: "cumulative" | "delta";
}

/** Options that every backend has. */
export interface CommonBackendOptions {
  /** Base URL. The exporter appends `/v1/traces`, `/v1/logs` or `/v1/metrics`. */
  readonly endpoint?: string | undefined;
  /** Full URL for each signal. Takes precedence over `endpoint`. */
  readonly endpoints?: Readonly<Partial<Record<Signal, string>>> | undefined;
  /** Headers of every request. They override the headers of the backend. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Default: the variable OTEL_EXPORTER_OTLP_PROTOCOL, else `protobuf`. */
  readonly format?: OtlpFormat | undefined;
  /** Default: the variable OTEL_EXPORTER_OTLP_COMPRESSION, else `gzip`. */
  readonly compression?: Compression | undefined;
  /** Milliseconds for one attempt, 1 to 25,000. Default: the variable OTEL_EXPORTER_OTLP_TIMEOUT, else 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Bytes of one request before compression, 1,000 to 16,000,000. Default: the backend's limit, else 4,000,000. */
  readonly maxBytes?: number | undefined;
  /** Allows plain `http` to hosts other than this machine. Keys and data then travel unencrypted. Default: false. */
  readonly allowInsecure?: boolean | undefined;
  /** The temporality of exported counters and histograms. Default: the temporality that the backend expects. */
  readonly temporality?: "cumulative" | "delta" | undefined;
  /**
   * The signals to send. Default: every signal that the backend accepts. A signal that it does not accept is an error.
   */
  readonly signals?: readonly Signal[] | undefined;
  /**
   * What spans have besides the attributes `gen_ai.*`, for a backend that reads the attributes of another product.
   * Default: the dialect of the backend, `none` for those without AI views.
   */
  readonly dialect?: Dialect | "none" | undefined;
}

export interface SentryOptions extends CommonBackendOptions {
  readonly backend: "sentry";
  /** `https://{key}@{host}/{project}`. Default: the variable SENTRY_DSN. */
  readonly dsn?: string | undefined;
}

export interface HoneycombOptions extends CommonBackendOptions {
  readonly backend: "honeycomb";
  /** Default: the variable HONEYCOMB_API_KEY. */
  readonly apiKey?: string | undefined;
  /** Required for Classic keys and for metrics. Default: the variable HONEYCOMB_DATASET. */
  readonly dataset?: string | undefined;
  /** Default: `us`. */
  readonly region?: "us" | "eu" | undefined;
}

export interface DatadogOptions extends CommonBackendOptions {
  readonly backend: "datadog";
  /** Default: the variable DD_API_KEY. */
  readonly apiKey?: string | undefined;
  /** The site, such as `us5.datadoghq.com`. Default: the variable DD_SITE, else `datadoghq.com`. */
  readonly site?: string | undefined;
  /**
   * `cloudflare` is the intake that Datadog runs for data from Cloudflare. `generic` is the intake for programs on a
   * host, such as Node. `llmobs` is LLM Observability, which accepts only traces. Default: `cloudflare`.
   */
  readonly intake?: "generic" | "cloudflare" | "llmobs" | undefined;
  /** Value of the header `dd-otlp-source`, which the generic intake requires for traces. Default: the site. */
  readonly source?: string | undefined;
}

export interface GrafanaOptions extends CommonBackendOptions {
  readonly backend: "grafana";
  /**
   * The zone of the stack, such as `prod-us-east-0`. Default: the full endpoint in the variable GRAFANA_OTLP_ENDPOINT.
   */
  readonly zone?: string | undefined;
  /** Default: the variable GRAFANA_USER_ID. */
  readonly instanceId?: string | undefined;
  /** Default: the variable GRAFANA_API_KEY. */
  readonly token?: string | undefined;
}

export interface AxiomOptions extends CommonBackendOptions {
  readonly backend: "axiom";
  /** Default: the variable AXIOM_TOKEN. */
  readonly token?: string | undefined;
  /** Dataset for traces and logs. Default: the variable AXIOM_DATASET. */
  readonly dataset?: string | undefined;
  /** Dataset for metrics. Axiom does not store metrics in a dataset for traces and logs. */
  readonly metricsDataset?: string | undefined;
  /** The edge deployment of the datasets. Default: none; data goes to `api.axiom.co`. */
  readonly edge?: "us-east-1" | "eu-central-1" | undefined;
}

export interface LangfuseOptions extends CommonBackendOptions {
  readonly backend: "langfuse";
  /** Default: the variable LANGFUSE_PUBLIC_KEY. */
  readonly publicKey?: string | undefined;
  /** Default: the variable LANGFUSE_SECRET_KEY. */
  readonly secretKey?: string | undefined;
  /** The data region of Langfuse Cloud. Default: `eu`. */
  readonly region?: "eu" | "us" | "jp" | "hipaa" | undefined;
  /** The address of your own Langfuse. Default: the variable LANGFUSE_BASE_URL or LANGFUSE_HOST, else the region. */
  readonly baseUrl?: string | undefined;
}

/** Arize Phoenix. */
export interface PhoenixOptions extends CommonBackendOptions {
  readonly backend: "phoenix";
  /** The name of your space in Phoenix Cloud. */
  readonly space?: string | undefined;
  /** The address of your own Phoenix. Default: the variable PHOENIX_COLLECTOR_ENDPOINT. */
  readonly baseUrl?: string | undefined;
  /** Required by Phoenix Cloud. Default: the variable PHOENIX_API_KEY. */
  readonly apiKey?: string | undefined;
  /** Default: the variable PHOENIX_PROJECT_NAME, else the project `default`. */
  readonly project?: string | undefined;
}

/** Arize AX. */
export interface ArizeOptions extends CommonBackendOptions {
  readonly backend: "arize";
  /** Default: the variable ARIZE_API_KEY. */
  readonly apiKey?: string | undefined;
  /** Default: the variable ARIZE_SPACE_ID. */
  readonly spaceId?: string | undefined;
  /** Default: the variable ARIZE_PROJECT_NAME. */
  readonly project?: string | undefined;
  /** Default: `us`. */
  readonly region?: "us" | "eu" | "ca" | undefined;
}

export interface LangSmithOptions extends CommonBackendOptions {
  readonly backend: "langsmith";
  /** Default: the variable LANGSMITH_API_KEY. */
  readonly apiKey?: string | undefined;
  /** Default: the variable LANGSMITH_PROJECT, else the project `default`. */
  readonly project?: string | undefined;
  /** Default: `us`. */
  readonly region?: "us" | "eu" | "apac" | "aws" | undefined;
  /** The API address of your own LangSmith, such as `https://langsmith.example/api/v1`. Default: the variable LANGSMITH_ENDPOINT, else the region. */
  readonly baseUrl?: string | undefined;
}

export interface BraintrustOptions extends CommonBackendOptions {
  readonly backend: "braintrust";
  /** Default: the variable BRAINTRUST_API_KEY. */
  readonly apiKey?: string | undefined;
  /** Where spans are stored, such as `project_name:shop`. Default: the variable BRAINTRUST_PARENT. */
  readonly parent?: string | undefined;
  /** Default: `us`. */
  readonly region?: "us" | "eu" | undefined;
  /** The address of your own data plane. Default: the variable BRAINTRUST_API_URL, else the region. */
  readonly baseUrl?: string | undefined;
}

/** Comet's Opik. */
export interface OpikOptions extends CommonBackendOptions {
  readonly backend: "opik";
  /** Required by Opik Cloud. Default: the variable OPIK_API_KEY. */
  readonly apiKey?: string | undefined;
  /** Required by Opik Cloud. Default: the variable OPIK_WORKSPACE. */
  readonly workspace?: string | undefined;
  /** Default: the variable OPIK_PROJECT_NAME, else the project `Default Project`. */
  readonly project?: string | undefined;
  /** The API address of your own Opik, such as `https://opik.example/api`. Default: the variable OPIK_URL_OVERRIDE, else Opik Cloud. */
  readonly baseUrl?: string | undefined;
}

export interface LaminarOptions extends CommonBackendOptions {
  readonly backend: "laminar";
  /** Default: the variable LMNR_PROJECT_API_KEY. */
  readonly apiKey?: string | undefined;
  /** The address of your own Laminar, for HTTP. Default: the variable LMNR_BASE_URL, else Laminar Cloud. */
  readonly baseUrl?: string | undefined;
}

export interface TraceloopOptions extends CommonBackendOptions {
  readonly backend: "traceloop";
  /** Default: the variable TRACELOOP_API_KEY. */
  readonly apiKey?: string | undefined;
  /** Default: the variable TRACELOOP_BASE_URL, else Traceloop in the US. */
  readonly baseUrl?: string | undefined;
}

/** Any other OTLP receiver. The variables OTEL_EXPORTER_OTLP_* may supply endpoint and headers. */
export interface CustomOptions extends CommonBackendOptions {
  readonly backend: "custom";
}

export type BackendOptions =
  | SentryOptions
  | HoneycombOptions
  | DatadogOptions
  | GrafanaOptions
  | AxiomOptions
  | LangfuseOptions
  | PhoenixOptions
  | ArizeOptions
  | LangSmithOptions
  | BraintrustOptions
  | OpikOptions
  | LaminarOptions
  | TraceloopOptions
  | CustomOptions;

type KeysOf<T> = T extends unknown ? keyof T : never;

/** The options of all backends. */
export const backendOptionNames: OptionNames<Record<KeysOf<BackendOptions>, unknown>> = {
  backend: true,
  endpoint: true,
  endpoints: true,
  headers: true,
  format: true,
  compression: true,
  timeoutMs: true,
  maxBytes: true,
  allowInsecure: true,
  temporality: true,
  signals: true,
  dsn: true,
  apiKey: true,
  dataset: true,
  region: true,
  site: true,
  intake: true,
  source: true,
  zone: true,
  instanceId: true,
  token: true,
  metricsDataset: true,
  edge: true,
  dialect: true,
  publicKey: true,
  secretKey: true,
  baseUrl: true,
  space: true,
  spaceId: true,
  project: true,
  parent: true,
  workspace: true,
};

export type BackendName = BackendOptions["backend"];
