import type { ReceivedRequest, Receiver } from "../../otlp_receiver/receiver.ts";

/** Keys of each backend, and the header by which its requests are told from the others'. */
export const backends = {
  sentry: {
    vars: { SENTRY_DSN: "http://abc@127.0.0.1/42" },
    header: ["x-sentry-auth", "sentry sentry_key=abc"],
  },
  honeycomb: {
    vars: { HONEYCOMB_API_KEY: "0123456789abcdef0123456789abcdef", HONEYCOMB_DATASET: "shop" },
    header: ["x-honeycomb-team", "0123456789abcdef0123456789abcdef"],
  },
  datadog: {
    vars: { DD_API_KEY: "dd-1", DD_SITE: "us5.datadoghq.com" },
    header: ["dd-api-key", "dd-1"],
  },
  grafana: {
    vars: { GRAFANA_USER_ID: "12", GRAFANA_API_KEY: "glc_1" },
    header: ["authorization", `Basic ${Buffer.from("12:glc_1").toString("base64")}`],
  },
  axiom: {
    vars: { AXIOM_TOKEN: "xaat-1", AXIOM_DATASET: "shop", AXIOM_METRICS_DATASET: "sums" },
    header: ["authorization", "Bearer xaat-1"],
  },
  langfuse: {
    vars: { LANGFUSE_PUBLIC_KEY: "pk-lf-1", LANGFUSE_SECRET_KEY: "sk-lf-1" },
    header: ["authorization", `Basic ${Buffer.from("pk-lf-1:sk-lf-1").toString("base64")}`],
  },
  phoenix: {
    vars: { PHOENIX_API_KEY: "px-1" },
    header: ["authorization", "Bearer px-1"],
  },
  arize: {
    vars: { ARIZE_API_KEY: "ax-1", ARIZE_SPACE_ID: "space", ARIZE_PROJECT_NAME: "shop" },
    header: ["arize-api-key", "ax-1"],
  },
  langsmith: {
    vars: { LANGSMITH_API_KEY: "ls-1" },
    header: ["x-api-key", "ls-1"],
  },
  braintrust: {
    vars: { BRAINTRUST_API_KEY: "bt-1", BRAINTRUST_PARENT: "project_name:shop" },
    header: ["authorization", "Bearer bt-1"],
  },
  opik: {
    vars: { OPIK_API_KEY: "op-1", OPIK_WORKSPACE: "team" },
    header: ["authorization", "op-1"],
  },
  laminar: {
    vars: { LMNR_PROJECT_API_KEY: "lm-1" },
    header: ["authorization", "Bearer lm-1"],
  },
  traceloop: {
    vars: { TRACELOOP_API_KEY: "tl-1" },
    header: ["authorization", "Bearer tl-1"],
  },
  custom: {
    vars: { OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20b", OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" },
    header: ["x-key", "a b"],
  },
} as const;

export type BackendName = keyof typeof backends;
export const backendNames = Object.keys(backends) as BackendName[];

/** The keys of several backends. */
export function keysOf(names: readonly BackendName[]): Readonly<Record<string, string>> {
  return Object.assign({}, ...names.map((name) => backends[name].vars));
}

/** What a receiver that stands for all of them was sent for one. */
export function requestsTo(receiver: Receiver, name: BackendName): ReceivedRequest[] {
  const [header, value] = backends[name].header;
  return receiver.requests.filter(({ headers }) => headers[header] === value);
}
