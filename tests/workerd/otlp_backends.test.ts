import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import { startApp } from "./harness/app.ts";
import { settledCounts } from "./harness/export_counts.ts";

interface Backend {
  /** Options besides the endpoint; those that are secret come from variables. */
  readonly options: object;
  readonly vars: (url: string) => Record<string, string>;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly type?: string;
}

const protobuf = "application/x-protobuf";

/** What each backend has to be sent. Only the host is another. */
const backends: Readonly<Record<string, Backend>> = {
  sentry: {
    options: {},
    vars: (url) => ({ SENTRY_DSN: `${url.replace("://", "://abc@")}/42` }),
    path: "/api/42/integration/otlp",
    headers: { "x-sentry-auth": "sentry sentry_key=abc" },
  },
  honeycomb: {
    options: { dataset: "shop" },
    vars: (url) => ({
      HONEYCOMB_API_KEY: "0123456789abcdef0123456789abcdef",
      HONEYCOMB_API_ENDPOINT: url,
    }),
    path: "",
    headers: {
      "x-honeycomb-team": "0123456789abcdef0123456789abcdef",
      "x-honeycomb-dataset": "shop",
    },
  },
  datadog: {
    options: { site: "us5.datadoghq.com" },
    vars: () => ({ DD_API_KEY: "dd-1" }),
    path: "",
    headers: { "dd-api-key": "dd-1" },
  },
  grafana: {
    options: {},
    vars: (url) => ({
      GRAFANA_OTLP_ENDPOINT: `${url}/otlp`,
      GRAFANA_USER_ID: "12",
      GRAFANA_API_KEY: "glc_1",
    }),
    path: "/otlp",
    headers: { authorization: `Basic ${Buffer.from("12:glc_1").toString("base64")}` },
  },
  axiom: {
    options: { dataset: "shop" },
    vars: () => ({ AXIOM_TOKEN: "xaat-1" }),
    path: "",
    headers: { authorization: "Bearer xaat-1", "x-axiom-dataset": "shop" },
  },
  custom: {
    options: { format: "json" },
    vars: (url) => ({
      OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/base`,
      OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20b",
    }),
    path: "/base",
    headers: { "x-key": "a b" },
    type: "application/json",
  },
};

/** Backends whose address is no variable. */
const needsEndpoint = new Set(["datadog", "axiom"]);

describe("from workerd to each backend", () => {
  let receiver: Receiver;
  before(async () => {
    receiver = await startReceiver();
  });
  after(() => receiver.close());
  afterEach(() => {
    receiver.requests.length = 0;
  });

  for (const [name, { options, vars, path, headers, type = protobuf }] of Object.entries(
    backends,
  )) {
    test(name, async () => {
      const endpoint = needsEndpoint.has(name) ? { endpoint: receiver.url } : {};
      const OTLP = JSON.stringify({ backend: name, ...options, ...endpoint, serviceName: "shop" });
      const app = await startApp("otlp", {
        tail: "none",
        config: { vars: { OTLP, ...vars(receiver.url) } },
      });
      try {
        const context = (await (await app.fetch("/work?key=s3cret")).json()) as Record<
          string,
          unknown
        >;
        await receiver.arrived(2);
        const [traces, logs] = [...receiver.requests].sort((a, b) => b.path.localeCompare(a.path));
        assert.equal(traces?.path, `POST ${path}/v1/traces`);
        assert.equal(logs?.path, `POST ${path}/v1/logs`);
        for (const request of receiver.requests) {
          assert.equal(request.headers["content-type"], type);
          assert.equal(request.headers["content-encoding"], "gzip");
          for (const [header, value] of Object.entries(headers)) {
            assert.equal(request.headers[header], value, header);
          }
          assert.equal(request.resource["service.name"], "shop");
        }
        assert.deepEqual(
          traces?.items.map((span) => [span.name, span.kind]),
          [
            ["inner", 1],
            ["work", 1],
            ["GET", 2],
          ],
        );
        const [inner, work, server] = traces?.items ?? [];
        assert.equal(inner?.attributes["app.text"], "é".repeat(40_000));
        assert.deepEqual(work?.attributes["app.list"], ["a", "b"]);
        assert.equal(server?.attributes["url.path"], "/work");
        assert.doesNotMatch(JSON.stringify(traces), /s3cret/);
        assert.equal(work?.spanId, context["spanId"]);
        assert.deepEqual([inner?.parentSpanId, work?.parentSpanId], [work?.spanId, server?.spanId]);
        assert.deepEqual([logs?.items[0]?.name, logs?.items[0]?.spanId], ["in work", work?.spanId]);
        const counts = await settledCounts(app);
        assert.ok((counts["otlp_accepted"] ?? 0) >= 4);
        assert.equal(counts["otlp_made"], counts["otlp_accepted"]);
        assert.deepEqual([counts["otlp_failures"], counts["swallowed_errors"]], [0, 0]);
      } finally {
        await app.close();
      }
    });
  }
});
