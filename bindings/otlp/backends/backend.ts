import type { OtlpFormat } from "../core/model.ts";

/** What OTLP carries. */
export type Signal = "traces" | "logs" | "metrics";

export const signals: readonly Signal[] = ["traces", "logs", "metrics"];

export type Compression = "gzip" | "none";

/** Where one signal goes, and what is taken there. */
export interface Destination {
  readonly url: string;
  /** By lower-case name. Those of the body are the exporter's. */
  readonly headers: Readonly<Record<string, string>>;
  readonly format: OtlpFormat;
  readonly compression: Compression;
  /** For one attempt. */
  readonly timeoutMs: number;
  /** Of one request's body, before it is compressed. */
  readonly maxBytes: number;
}

/** A backend whose configuration is complete. */
export interface Backend {
  readonly name: BackendName;
  readonly destinations: Readonly<Partial<Record<Signal, Destination>>>;
  /** Why the other signals have none. */
  readonly refusals: Readonly<Partial<Record<Signal, string>>>;
  /** What metrics are sent as. */
  readonly temporality: "cumulative" | "delta";
}

/** Options of every backend. */
export interface CommonBackendOptions {
  /** Base of the addresses, to which `/v1/traces` and its like are added. */
  readonly endpoint?: string | undefined;
  /** Whole addresses by signal. */
  readonly endpoints?: Readonly<Partial<Record<Signal, string>>> | undefined;
  /** Sent with each request, besides those of the backend and in place of them. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** `protobuf` unless given. */
  readonly format?: OtlpFormat | undefined;
  /** `gzip` unless given. */
  readonly compression?: Compression | undefined;
  /** Milliseconds for one attempt, 1 to 25,000; 10,000 unless given. */
  readonly timeoutMs?: number | undefined;
  /** Bytes of one request before compression; the backend's own limit unless given. */
  readonly maxBytes?: number | undefined;
  /** Lets keys and data travel unencrypted to hosts other than this machine. */
  readonly allowInsecure?: boolean | undefined;
  /** What counters and histograms are sent as; what the backend wants unless given. */
  readonly temporality?: "cumulative" | "delta" | undefined;
  /** What to send; all the backend takes unless given. One it does not take is an error. */
  readonly signals?: readonly Signal[] | undefined;
}

export interface SentryOptions extends CommonBackendOptions {
  readonly backend: "sentry";
  /** `https://{key}@{host}/{project}`; the variable SENTRY_DSN unless given. */
  readonly dsn?: string | undefined;
}

export interface HoneycombOptions extends CommonBackendOptions {
  readonly backend: "honeycomb";
  /** The variable HONEYCOMB_API_KEY unless given. */
  readonly apiKey?: string | undefined;
  /** Needed for Classic keys and for metrics; the variable HONEYCOMB_DATASET unless given. */
  readonly dataset?: string | undefined;
  /** `us` unless given. */
  readonly region?: "us" | "eu" | undefined;
}

export interface DatadogOptions extends CommonBackendOptions {
  readonly backend: "datadog";
  /** The variable DD_API_KEY unless given. */
  readonly apiKey?: string | undefined;
  /** Such as `us5.datadoghq.com`; the variable DD_SITE or `datadoghq.com` unless given. */
  readonly site?: string | undefined;
  /** `cloudflare` sends to the intake Datadog has for Cloudflare; `generic` unless given. */
  readonly intake?: "generic" | "cloudflare" | undefined;
  /** The value of `dd-otlp-source` the generic intake of traces wants; the site unless given. */
  readonly source?: string | undefined;
}

export interface GrafanaOptions extends CommonBackendOptions {
  readonly backend: "grafana";
  /** Such as `prod-us-east-0`; the variable GRAFANA_OTLP_ENDPOINT has the whole endpoint. */
  readonly zone?: string | undefined;
  /** The variable GRAFANA_USER_ID unless given. */
  readonly instanceId?: string | undefined;
  /** The variable GRAFANA_API_KEY unless given. */
  readonly token?: string | undefined;
}

export interface AxiomOptions extends CommonBackendOptions {
  readonly backend: "axiom";
  /** The variable AXIOM_TOKEN unless given. */
  readonly token?: string | undefined;
  /** Of traces and logs; the variable AXIOM_DATASET unless given. */
  readonly dataset?: string | undefined;
  /** Of metrics, which Axiom keeps apart. */
  readonly metricsDataset?: string | undefined;
  /** The edge deployment the datasets are in; none unless given. */
  readonly edge?: "us-east-1" | "eu-central-1" | undefined;
}

/** Any other OTLP receiver. Endpoint and headers may come from the variables OTEL_EXPORTER_OTLP_*. */
export interface CustomOptions extends CommonBackendOptions {
  readonly backend: "custom";
}

export type BackendOptions =
  | SentryOptions
  | HoneycombOptions
  | DatadogOptions
  | GrafanaOptions
  | AxiomOptions
  | CustomOptions;

export type BackendName = BackendOptions["backend"];
