import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { demoConfig } from "../../worker/demo/environment.ts";
import { startWorkers } from "../harness/start.ts";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import { edges } from "../unit/support/exporting.ts";

interface Backend {
  readonly vars: (url: string) => Record<string, string>;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly type?: string;
}

const protobuf = "application/x-protobuf";

/** What each backend has to be sent. Only the host is another. */
const backends: Readonly<Record<string, Backend>> = {
  sentry: {
    vars: (url) => ({ SENTRY_DSN: `${url.replace("://", "://abc@")}/42` }),
    path: "/api/42/integration/otlp",
    headers: { "x-sentry-auth": "sentry sentry_key=abc" },
  },
  honeycomb: {
    vars: (url) => ({
      HONEYCOMB_API_KEY: "0123456789abcdef0123456789abcdef",
      HONEYCOMB_API_ENDPOINT: url,
      HONEYCOMB_DATASET: "shop",
    }),
    path: "",
    headers: {
      "x-honeycomb-team": "0123456789abcdef0123456789abcdef",
      "x-honeycomb-dataset": "shop",
    },
  },
  datadog: {
    vars: () => ({ DD_API_KEY: "dd-1", DD_SITE: "us5.datadoghq.com" }),
    path: "",
    headers: { "dd-api-key": "dd-1" },
  },
  grafana: {
    vars: (url) => ({
      GRAFANA_OTLP_ENDPOINT: `${url}/otlp`,
      GRAFANA_USER_ID: "12",
      GRAFANA_API_KEY: "glc_1",
    }),
    path: "/otlp",
    headers: { authorization: `Basic ${Buffer.from("12:glc_1").toString("base64")}` },
  },
  axiom: {
    vars: () => ({ AXIOM_TOKEN: "xaat-1", AXIOM_DATASET: "shop" }),
    path: "",
    headers: { authorization: "Bearer xaat-1", "x-axiom-dataset": "shop" },
  },
  langfuse: {
    vars: (url) => ({
      LANGFUSE_PUBLIC_KEY: "pk-lf-1",
      LANGFUSE_SECRET_KEY: "sk-lf-1",
      LANGFUSE_BASE_URL: url,
    }),
    path: "/api/public/otel",
    headers: {
      authorization: `Basic ${Buffer.from("pk-lf-1:sk-lf-1").toString("base64")}`,
      "x-langfuse-ingestion-version": "4",
    },
  },
  phoenix: {
    vars: (url) => ({ PHOENIX_COLLECTOR_ENDPOINT: `${url}/v1/traces`, PHOENIX_API_KEY: "px-1" }),
    path: "",
    headers: { authorization: "Bearer px-1" },
  },
  arize: {
    vars: () => ({ ARIZE_API_KEY: "ax-1", ARIZE_SPACE_ID: "space", ARIZE_PROJECT_NAME: "shop" }),
    path: "",
    headers: { "arize-api-key": "ax-1", "arize-space-id": "space" },
  },
  langsmith: {
    vars: (url) => ({
      LANGSMITH_API_KEY: "ls-1",
      LANGSMITH_PROJECT: "shop",
      LANGSMITH_ENDPOINT: `${url}/api/v1`,
    }),
    path: "/api/v1/otel",
    headers: { "x-api-key": "ls-1", "langsmith-project": "shop" },
  },
  braintrust: {
    vars: (url) => ({
      BRAINTRUST_API_KEY: "bt-1",
      BRAINTRUST_PARENT: "project_name:shop",
      BRAINTRUST_API_URL: url,
    }),
    path: "/otel",
    headers: { authorization: "Bearer bt-1", "x-bt-parent": "project_name:shop" },
  },
  opik: {
    vars: (url) => ({
      OPIK_API_KEY: "op-1",
      OPIK_PROJECT_NAME: "shop",
      OPIK_URL_OVERRIDE: `${url}/api`,
    }),
    path: "/api/v1/private/otel",
    headers: { authorization: "op-1", projectname: "shop" },
  },
  laminar: {
    vars: (url) => ({ LMNR_PROJECT_API_KEY: "lm-1", LMNR_BASE_URL: url }),
    path: "",
    headers: { authorization: "Bearer lm-1" },
  },
  traceloop: {
    vars: (url) => ({ TRACELOOP_API_KEY: "tl-1", TRACELOOP_BASE_URL: url }),
    path: "",
    headers: { authorization: "Bearer tl-1" },
  },
  custom: {
    vars: (url) => ({
      OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/base`,
      OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20b",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    }),
    path: "/base",
    headers: { "x-key": "a b" },
    type: "application/json",
  },
};

/** Backends whose address is no variable. */
const needsEndpoint = new Set(["datadog", "axiom", "arize"]);

describe("from the reference Worker in workerd to each backend", () => {
  let receiver: Receiver;
  before(async () => {
    receiver = await startReceiver();
  });
  after(() => receiver.close());
  afterEach(() => {
    receiver.requests.length = 0;
  });

  for (const [name, { vars, path, headers, type = protobuf }] of Object.entries(backends)) {
    test(name, async () => {
      const endpoint = needsEndpoint.has(name) ? { OTLP_ENDPOINT: receiver.url } : {};
      const worker = await startWorkers([
        demoConfig({ OTLP_BACKEND: name, ...endpoint, ...vars(receiver.url) }),
      ]);
      try {
        const answer = await worker.fetch("/chat?prompt=s3cret+in+New+York");
        assert.equal(answer.status, 200);
        await answer.text();
        await receiver.arrived(1);
        const native = await worker.takeSpans({ invocations: 4 });
        for (const request of receiver.requests) {
          assert.equal(request.path, `POST ${path}/v1/traces`);
          assert.equal(request.headers["content-type"], type);
          assert.equal(request.headers["content-encoding"], "gzip");
          for (const [header, value] of Object.entries(headers)) {
            assert.equal(request.headers[header], value, header);
          }
          assert.equal(request.resource["service.name"], "isotel-reference");
          assert.ok(request.bytes <= 3_200_000);
          assert.doesNotMatch(JSON.stringify(request.items), /s3cret/);
        }
        const sent = receiver.requests.flatMap(({ items }) => items);
        assert.deepEqual(edges(sent), [
          "GET /chat",
          "chat scripted-1 < invoke_agent weather-agent",
          "chat scripted-1 < invoke_agent weather-agent",
          "chat scripted-1 < invoke_agent weather-agent",
          "execute_tool convert_temperature < invoke_agent weather-agent",
          "execute_tool lookup_weather < invoke_agent weather-agent",
          "invoke_agent weather-agent < GET /chat",
          "to_fahrenheit < execute_tool convert_temperature",
        ]);
        for (const span of sent) {
          const same = native.find(({ spanId }) => spanId === span.spanId);
          assert.equal(same?.traceId, span.traceId);
          if (same?.isInvocation !== true) assert.equal(same?.name, span.name);
          assert.equal(same?.parentSpanId ?? "", span.parentSpanId);
        }
      } finally {
        await worker.close();
      }
    });
  }
});
