import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Backend, BackendOptions, Signal } from "../../../bindings/otlp/backends/backend.ts";
import { resolveBackend } from "../../../bindings/otlp/backends/resolve_backend.ts";
import type { OtlpOptions } from "../../../bindings/otlp/pipeline/options.ts";
import { readExportOptions } from "../../../bindings/otlp/pipeline/read_export_options.ts";

type Options = Partial<Record<string, unknown>> & { readonly backend: string };

const resolve = (options: Options, env: Record<string, unknown> = {}): Backend =>
  resolveBackend(options as unknown as BackendOptions, env);

/** What is said about options that cannot be used. */
function refusal(options: Options, env: Record<string, unknown> = {}): string {
  let message = "";
  assert.throws(
    () => resolve(options, env),
    (error: Error) => {
      message = error.message;
      return error instanceof TypeError;
    },
  );
  return message;
}

const urls = ({ destinations }: Backend) =>
  Object.fromEntries(Object.entries(destinations).map(([signal, { url }]) => [signal, url]));

const under = (base: string, signals: readonly Signal[]) =>
  Object.fromEntries(signals.map((signal) => [signal, `${base}/v1/${signal}`]));

const all: readonly Signal[] = ["traces", "logs", "metrics"];
const spansAndLogs: readonly Signal[] = ["traces", "logs"];

const secret = "s3cret-key";
const classic = "0123456789abcdef0123456789abcdef";
const classicIngest = `hcaic_${"a1".repeat(29)}`;

interface Row {
  readonly options: Options;
  readonly env?: Record<string, unknown>;
  readonly urls: Record<string, string>;
  readonly headers: Record<string, string>;
}

const rows: Readonly<Record<string, Row>> = {
  "sentry by DSN": {
    options: { backend: "sentry", dsn: "https://abc@o1.ingest.us.sentry.io/42" },
    urls: under("https://o1.ingest.us.sentry.io/api/42/integration/otlp", spansAndLogs),
    headers: { "x-sentry-auth": "sentry sentry_key=abc" },
  },
  "sentry by variable, of its own host under a path, with an old secret": {
    options: { backend: "sentry" },
    env: { SENTRY_DSN: "https://abc:old@sentry.example:9000/under/42" },
    urls: under("https://sentry.example:9000/under/api/42/integration/otlp", spansAndLogs),
    headers: { "x-sentry-auth": "sentry sentry_key=abc" },
  },
  "honeycomb in the US": {
    options: { backend: "honeycomb", apiKey: secret },
    urls: under("https://api.honeycomb.io", spansAndLogs),
    headers: { "x-honeycomb-team": secret },
  },
  "honeycomb in the EU": {
    options: { backend: "honeycomb", apiKey: secret, region: "eu" },
    urls: under("https://api.eu1.honeycomb.io", spansAndLogs),
    headers: { "x-honeycomb-team": secret },
  },
  "honeycomb by variables": {
    options: { backend: "honeycomb" },
    env: {
      HONEYCOMB_API_KEY: secret,
      HONEYCOMB_DATASET: "shop",
      HONEYCOMB_API_ENDPOINT: "https://api.eu1.honeycomb.io/",
    },
    urls: under("https://api.eu1.honeycomb.io", all),
    headers: { "x-honeycomb-team": secret },
  },
  "honeycomb with a Classic key": {
    options: { backend: "honeycomb", apiKey: classic, dataset: "shop" },
    urls: under("https://api.honeycomb.io", all),
    headers: { "x-honeycomb-team": classic, "x-honeycomb-dataset": "shop" },
  },
  "honeycomb with a Classic key for ingestion": {
    options: { backend: "honeycomb", apiKey: classicIngest, dataset: "shop" },
    urls: under("https://api.honeycomb.io", all),
    headers: { "x-honeycomb-team": classicIngest, "x-honeycomb-dataset": "shop" },
  },
  datadog: {
    options: { backend: "datadog", apiKey: secret },
    urls: under("https://cloudflare.integrations.otlp.datadoghq.com", all),
    headers: { "dd-api-key": secret },
  },
  "datadog by variables": {
    options: { backend: "datadog" },
    env: { DD_API_KEY: secret, DD_SITE: "us5.datadoghq.com" },
    urls: under("https://cloudflare.integrations.otlp.us5.datadoghq.com", all),
    headers: { "dd-api-key": secret },
  },
  "datadog through the generic intake": {
    options: { backend: "datadog", apiKey: secret, site: "datadoghq.eu", intake: "generic" },
    urls: under("https://otlp.datadoghq.eu", all),
    headers: { "dd-api-key": secret, "dd-otlp-source": "datadoghq.eu" },
  },
  "grafana by zone": {
    options: { backend: "grafana", zone: "prod-us-east-0", instanceId: "12", token: "glc_é" },
    urls: under("https://otlp-gateway-prod-us-east-0.grafana.net/otlp", all),
    headers: { authorization: `Basic ${Buffer.from("12:glc_é").toString("base64")}` },
  },
  "grafana by variables": {
    options: { backend: "grafana" },
    env: {
      GRAFANA_OTLP_ENDPOINT: "https://otlp-gateway-prod-eu-west-2.grafana.net/otlp/",
      GRAFANA_USER_ID: "12",
      GRAFANA_API_KEY: secret,
    },
    urls: under("https://otlp-gateway-prod-eu-west-2.grafana.net/otlp", all),
    headers: { authorization: `Basic ${Buffer.from(`12:${secret}`).toString("base64")}` },
  },
  axiom: {
    options: { backend: "axiom", token: "xaat-1", dataset: "shop" },
    urls: under("https://api.axiom.co", spansAndLogs),
    headers: { authorization: "Bearer xaat-1", "x-axiom-dataset": "shop" },
  },
  "axiom by variables, at an edge": {
    options: { backend: "axiom", edge: "eu-central-1", metricsDataset: "numbers" },
    env: { AXIOM_TOKEN: "xaat-1", AXIOM_DATASET: "shop" },
    urls: under("https://eu-central-1.aws.edge.axiom.co", all),
    headers: { authorization: "Bearer xaat-1", "x-axiom-dataset": "shop" },
  },
  "datadog's LLM Observability": {
    options: { backend: "datadog", apiKey: secret, intake: "llmobs", site: "datadoghq.eu" },
    urls: under("https://otlp.datadoghq.eu", ["traces"]),
    headers: { "dd-api-key": secret, "dd-otlp-source": "llmobs" },
  },
  "langfuse in the EU": {
    options: { backend: "langfuse", publicKey: "pk", secretKey: secret },
    urls: under("https://cloud.langfuse.com/api/public/otel", ["traces"]),
    headers: {
      authorization: `Basic ${Buffer.from(`pk:${secret}`).toString("base64")}`,
      "x-langfuse-ingestion-version": "4",
    },
  },
  "langfuse of one's own, by variables": {
    options: { backend: "langfuse" },
    env: {
      LANGFUSE_PUBLIC_KEY: "pk",
      LANGFUSE_SECRET_KEY: secret,
      LANGFUSE_BASE_URL: "https://langfuse.example/",
    },
    urls: under("https://langfuse.example/api/public/otel", ["traces"]),
    headers: {
      authorization: `Basic ${Buffer.from(`pk:${secret}`).toString("base64")}`,
      "x-langfuse-ingestion-version": "4",
    },
  },
  "phoenix in a space of the cloud": {
    options: { backend: "phoenix", space: "my-team", apiKey: secret, project: "shop" },
    urls: under("https://app.phoenix.arize.com/s/my-team", ["traces"]),
    headers: { authorization: `Bearer ${secret}` },
  },
  "phoenix in a space, in spite of the variable": {
    options: { backend: "phoenix", space: "my-team" },
    env: { PHOENIX_COLLECTOR_ENDPOINT: "https://phoenix.example" },
    urls: under("https://app.phoenix.arize.com/s/my-team", ["traces"]),
    headers: {},
  },
  "phoenix of one's own, without a key": {
    options: { backend: "phoenix", baseUrl: "http://localhost:6006/v1/traces" },
    urls: under("http://localhost:6006", ["traces"]),
    headers: {},
  },
  "arize in the EU": {
    options: { backend: "arize", apiKey: secret, spaceId: "s", project: "shop", region: "eu" },
    urls: under("https://otlp.eu-west-1a.arize.com", ["traces"]),
    headers: { "arize-api-key": secret, "arize-space-id": "s" },
  },
  "langsmith in the EU": {
    options: { backend: "langsmith", apiKey: secret, project: "shop", region: "eu" },
    urls: under("https://eu.api.smith.langchain.com/otel", ["traces"]),
    headers: { "x-api-key": secret, "langsmith-project": "shop" },
  },
  "braintrust by variables": {
    options: { backend: "braintrust" },
    env: { BRAINTRUST_API_KEY: secret, BRAINTRUST_PARENT: "project_name:shop" },
    urls: under("https://api.braintrust.dev/otel", ["traces"]),
    headers: { authorization: `Bearer ${secret}`, "x-bt-parent": "project_name:shop" },
  },
  "opik in the cloud": {
    options: { backend: "opik", apiKey: secret, workspace: "team", project: "shop" },
    urls: under("https://www.comet.com/opik/api/v1/private/otel", ["traces"]),
    headers: { authorization: secret, "comet-workspace": "team", projectname: "shop" },
  },
  "opik of one's own, without a key": {
    options: { backend: "opik" },
    env: { OPIK_URL_OVERRIDE: "http://localhost:5173/api/" },
    urls: under("http://localhost:5173/api/v1/private/otel", ["traces"]),
    headers: {},
  },
  laminar: {
    options: { backend: "laminar" },
    env: { LMNR_PROJECT_API_KEY: secret },
    urls: under("https://api.lmnr.ai", ["traces"]),
    headers: { authorization: `Bearer ${secret}` },
  },
  "traceloop of one's own": {
    options: { backend: "traceloop", apiKey: secret, baseUrl: "https://traceloop.example" },
    urls: under("https://traceloop.example", ["traces"]),
    headers: { authorization: `Bearer ${secret}` },
  },
  "langsmith of one's own": {
    options: { backend: "langsmith", apiKey: secret },
    env: { LANGSMITH_ENDPOINT: "https://langsmith.example/api/v1/" },
    urls: under("https://langsmith.example/api/v1/otel", ["traces"]),
    headers: { "x-api-key": secret },
  },
  "braintrust in the EU, in spite of the variable": {
    options: { backend: "braintrust", apiKey: secret, parent: "project_id:1", region: "eu" },
    env: { BRAINTRUST_API_URL: "https://braintrust.example" },
    urls: under("https://api-eu.braintrust.dev/otel", ["traces"]),
    headers: { authorization: `Bearer ${secret}`, "x-bt-parent": "project_id:1" },
  },
  custom: {
    options: {
      backend: "custom",
      endpoint: "https://otel.example/base/",
      headers: { "X-Key": secret },
    },
    urls: under("https://otel.example/base", all),
    headers: { "x-key": secret },
  },
  "custom by an address of one signal": {
    options: { backend: "custom", endpoint: "https://otel.example/v1/traces?region=eu" },
    urls: {
      traces: "https://otel.example/v1/traces?region=eu",
      logs: "https://otel.example/v1/logs?region=eu",
      metrics: "https://otel.example/v1/metrics?region=eu",
    },
    headers: {},
  },
  "custom by variables": {
    options: { backend: "custom" },
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: "https://otel.example",
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "https://logs.example/take",
      OTEL_EXPORTER_OTLP_HEADERS: "X-Key=a%20b, x-other=c=d",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "x-other=traces",
    },
    urls: { ...under("https://otel.example", all), logs: "https://logs.example/take" },
    headers: { "x-key": "a b", "x-other": "traces" },
  },
  "custom by the variable of one signal": {
    options: { backend: "custom" },
    env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://traces.example/here" },
    urls: { traces: "https://traces.example/here" },
    headers: {},
  },
};

describe("where each backend's signals go", () => {
  for (const [name, { options, env = {}, urls: expected, headers }] of Object.entries(rows)) {
    test(name, () => {
      const backend = resolve(options, env);
      assert.deepEqual(urls(backend), expected);
      assert.deepEqual(backend.destinations.traces?.headers, headers);
      for (const destination of Object.values(backend.destinations)) {
        assert.equal(destination.format, "protobuf");
        assert.equal(destination.compression, "gzip");
        assert.equal(destination.timeoutMs, 10_000);
      }
    });
  }

  test("metrics have headers, limits, encodings and temporality of their own", () => {
    const dataset = { backend: "honeycomb", apiKey: secret, dataset: "numbers" };
    assert.deepEqual(resolve(dataset).destinations.metrics?.headers, {
      "x-honeycomb-team": secret,
      "x-honeycomb-dataset": "numbers",
    });
    const axiom = { backend: "axiom", token: "t", dataset: "d", metricsDataset: "m" };
    const { metrics, traces } = resolve({ ...axiom, format: "json" }).destinations;
    assert.equal(metrics?.headers["x-axiom-metrics-dataset"], "m");
    assert.equal(metrics?.headers["x-axiom-dataset"], undefined);
    assert.deepEqual([metrics?.format, traces?.format], ["protobuf", "json"]);
    const alone = { ...axiom, dataset: undefined, signals: ["metrics"] };
    assert.deepEqual(Object.keys(resolve(alone).destinations), ["metrics"]);
    const datadog = resolve({ backend: "datadog", apiKey: secret });
    assert.equal(datadog.temporality, "delta");
    assert.deepEqual(datadog.destinations.metrics?.headers, {
      "dd-api-key": secret,
      "dd-otel-metric-config": '{"resource_attributes_as_tags":true}',
    });
    assert.equal(datadog.destinations.traces?.maxBytes, 3_200_000);
    assert.equal(datadog.destinations.metrics?.maxBytes, 500_000);
    assert.equal(datadog.destinations.logs?.headers["dd-otlp-source"], undefined);
    assert.equal(resolve(dataset).temporality, "cumulative");
  });

  test("the temporality is the option, or what the backend needs, or the standard variable", () => {
    const honeycomb = { backend: "honeycomb", apiKey: secret };
    const datadog = { backend: "datadog", apiKey: secret };
    const prefers = (preference: string) => ({
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: preference,
    });
    assert.equal(resolve({ ...honeycomb, temporality: "delta" }).temporality, "delta");
    assert.equal(resolve({ ...datadog, temporality: "cumulative" }).temporality, "cumulative");
    assert.equal(resolve(honeycomb, prefers("Delta")).temporality, "delta");
    assert.equal(resolve(honeycomb, prefers("lowmemory")).temporality, "delta");
    assert.equal(resolve(datadog, prefers("cumulative")).temporality, "delta");
    assert.match(
      refusal(honeycomb, prefers("x")),
      /TEMPORALITY_PREFERENCE is a string of 1 characters; it has to be one of/,
    );
  });

  test("what a backend does not take is refused with the reason when it is asked for", () => {
    const metrics = { signals: ["metrics"] };
    const dsn = "https://abc@o1.ingest.us.sentry.io/42";
    const reasons: readonly [Options, RegExp][] = [
      [{ backend: "sentry", dsn }, /Sentry does not accept metrics over OTLP/],
      [{ backend: "honeycomb", apiKey: secret }, /dataset for metrics: .* HONEYCOMB_DATASET/],
      [{ backend: "axiom", token: "t", dataset: "d" }, /set the option metricsDataset/],
    ];
    for (const [options, reason] of reasons) {
      assert.match(refusal({ ...options, ...metrics }), reason);
      assert.match(resolve(options).refusals.metrics ?? "", reason);
    }
  });
});

describe("AI backends", () => {
  const dialectOf = (options: Options) => resolve(options).destinations.traces?.dialect;
  const arize = { backend: "arize", apiKey: secret, spaceId: "s", project: "shop" };

  test("have a dialect, which an option replaces", () => {
    const langfuse = { backend: "langfuse", publicKey: "pk", secretKey: secret };
    assert.equal(dialectOf(langfuse), "langfuse");
    assert.equal(dialectOf({ ...langfuse, dialect: "none" }), undefined);
    assert.equal(dialectOf(arize), "openinference");
    assert.equal(dialectOf({ backend: "honeycomb", apiKey: secret }), undefined);
    assert.equal(dialectOf({ backend: "honeycomb", apiKey: secret, dialect: "sentry" }), "sentry");
    assert.match(
      refusal({ ...arize, dialect: "s3cret" }),
      /dialect is a string of 6 characters; it has to be one of openinference, .*none$/,
    );
  });

  test("have the dialect that they read", () => {
    const key = { apiKey: secret };
    const options: Readonly<Record<string, object>> = {
      langfuse: { publicKey: "pk", secretKey: secret },
      phoenix: { baseUrl: "https://phoenix.example" },
      arize,
      langsmith: key,
      braintrust: { ...key, parent: "project_name:shop" },
      opik: { ...key, workspace: "team" },
      laminar: key,
      traceloop: key,
      sentry: { dsn: "https://abc@sentry.example/42" },
      datadog: { ...key, intake: "llmobs" },
    };
    const found = Object.keys(options).map((name) => [
      name,
      dialectOf({ ...options[name], backend: name }),
    ]);
    assert.deepEqual(Object.fromEntries(found), {
      langfuse: "langfuse",
      phoenix: "openinference",
      arize: "openinference",
      langsmith: "langsmith",
      braintrust: "braintrust",
      opik: "openinference",
      laminar: undefined,
      traceloop: undefined,
      sentry: "sentry",
      datadog: undefined,
    });
  });

  test("have the project of Phoenix and Arize as an attribute of the resource", () => {
    const resource = { "openinference.project.name": "shop" };
    assert.deepEqual(resolve(arize).destinations.traces?.resource, resource);
    const phoenix = { backend: "phoenix", baseUrl: "https://phoenix.example" };
    assert.equal(resolve(phoenix).destinations.traces?.resource, undefined);
    assert.deepEqual(
      resolve({ ...phoenix, project: "shop" }).destinations.traces?.resource,
      resource,
    );
    assert.equal(resolve({ ...phoenix, format: "json" }).destinations.traces?.format, "protobuf");
  });

  test("refuse other signals, other regions and missing keys without showing a value", () => {
    assert.match(refusal({ ...arize, signals: ["logs"] }), /Arize accepts only traces over OTLP/);
    assert.match(refusal({ ...arize, region: "s3cret" }), /region is a .*; .* us, eu, ca/);
    assert.match(
      refusal({ backend: "phoenix", space: "s3cret/../x" }),
      /^(?!.*s3cret).*space has to be the name of a space/,
    );
    const missing: readonly [string, RegExp][] = [
      ["langfuse", /LANGFUSE_PUBLIC_KEY.*LANGFUSE_SECRET_KEY/],
      ["phoenix", /option baseUrl or space, or the variable PHOENIX_COLLECTOR_ENDPOINT/],
      ["arize", /ARIZE_API_KEY.*ARIZE_SPACE_ID.*ARIZE_PROJECT_NAME/],
      ["langsmith", /LANGSMITH_API_KEY/],
      ["braintrust", /BRAINTRUST_API_KEY.*BRAINTRUST_PARENT/],
      ["opik", /OPIK_API_KEY.*OPIK_WORKSPACE/],
      ["laminar", /LMNR_PROJECT_API_KEY/],
      ["traceloop", /TRACELOOP_API_KEY/],
    ];
    for (const [backend, message] of missing) assert.match(refusal({ backend }), message);
    const refused = refusal({ ...arize, region: "s3cret", spaceId: "s3cret\n" });
    assert.match(refused, /region.*spaceId|spaceId.*region/);
    assert.doesNotMatch(refused, /s3cret/);
  });
});

test("each site of Datadog has an intake for Cloudflare, and no other site is taken", () => {
  const sites = ["datadoghq.com", "datadoghq.eu"].concat(
    ["us3", "us5", "ap1", "ap2"].map((region) => `${region}.datadoghq.com`),
  );
  for (const site of sites) {
    const backend = resolve({ backend: "datadog", apiKey: secret, site });
    assert.deepEqual(urls(backend), under(`https://cloudflare.integrations.otlp.${site}`, all));
  }
  assert.match(refusal({ backend: "datadog", apiKey: secret, site: "us9.datadoghq.com" }), /site/);
});

describe("explicit options win over variables", () => {
  const env = {
    SENTRY_DSN: "https://env@env.example/1",
    HONEYCOMB_API_KEY: "env",
    HONEYCOMB_DATASET: "env",
    HONEYCOMB_API_ENDPOINT: "https://env.example",
    DD_API_KEY: "env",
    DD_SITE: "datadoghq.eu",
    GRAFANA_OTLP_ENDPOINT: "https://env.example/otlp",
    GRAFANA_USER_ID: "env",
    GRAFANA_API_KEY: "env",
    AXIOM_TOKEN: "env",
    AXIOM_DATASET: "env",
    OTEL_EXPORTER_OTLP_ENDPOINT: "https://env.example",
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://env.example/traces",
    OTEL_EXPORTER_OTLP_HEADERS: "x-env=env",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_TIMEOUT: "1234",
    OTEL_EXPORTER_OTLP_COMPRESSION: "none",
  };
  const explicit: readonly Options[] = [
    { backend: "sentry", dsn: "https://opt@opt.example/2" },
    { backend: "honeycomb", apiKey: "opt", dataset: "opt", region: "eu" },
    { backend: "datadog", apiKey: "opt", site: "us3.datadoghq.com" },
    { backend: "grafana", zone: "opt-1", instanceId: "opt", token: "opt" },
    { backend: "axiom", token: "opt", dataset: "opt" },
  ];
  for (const options of explicit) {
    test(`of ${options.backend}, which keeps to itself what the standard variables name`, () => {
      const backend = resolve(options, env);
      assert.doesNotMatch(JSON.stringify(backend), /env|eu"/);
    });
  }

  test("format, compression and time-out, of a signal before those of all", () => {
    const options = { backend: "honeycomb", apiKey: secret };
    const byVariable = resolve(options, { ...env, OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: "77" });
    const { traces, logs } = byVariable.destinations;
    assert.deepEqual(
      [traces?.format, traces?.compression, traces?.timeoutMs, logs?.timeoutMs],
      ["json", "none", 1234, 77],
    );
    const given = {
      ...options,
      format: "protobuf",
      compression: "gzip",
      timeoutMs: 99,
      maxBytes: 5_000,
    };
    const byOption = resolve(given, env).destinations.logs;
    assert.deepEqual(
      [byOption?.format, byOption?.compression, byOption?.timeoutMs, byOption?.maxBytes],
      ["protobuf", "gzip", 99, 5_000],
    );
  });

  test("endpoints and headers, in place of the backend's own", () => {
    const options = {
      backend: "honeycomb",
      apiKey: secret,
      endpoint: "http://127.0.0.1:4318",
      endpoints: { logs: "http://localhost:9/take" },
      headers: { "X-Honeycomb-Team": "other" },
    };
    const { destinations } = resolve(options, env);
    assert.equal(destinations.traces?.url, "http://127.0.0.1:4318/v1/traces");
    assert.equal(destinations.logs?.url, "http://localhost:9/take");
    assert.deepEqual(destinations.traces?.headers, { "x-honeycomb-team": "other" });
  });
});

describe("wrong or missing configuration is one error that names option and variable", () => {
  const missing: readonly [Options, RegExp][] = [
    [{ backend: "sentry" }, /option dsn or the variable SENTRY_DSN/],
    [{ backend: "honeycomb" }, /option apiKey or the variable HONEYCOMB_API_KEY/],
    [{ backend: "honeycomb", apiKey: classic }, /option dataset or the variable HONEYCOMB_DATASET/],
    [{ backend: "datadog" }, /option apiKey or the variable DD_API_KEY/],
    [
      { backend: "grafana" },
      /GRAFANA_USER_ID.*GRAFANA_API_KEY.*option endpoint or zone, or the variable GRAFANA_OTLP_ENDPOINT/,
    ],
    [
      { backend: "axiom" },
      /option token or the variable AXIOM_TOKEN.*option dataset or the variable AXIOM_DATASET/,
    ],
    [{ backend: "custom" }, /option endpoint or the variable OTEL_EXPORTER_OTLP_ENDPOINT/],
    [{ backend: "newrelic" }, /one of sentry, honeycomb, datadog, grafana, axiom, .*, custom/],
    [{ backend: "constructor" }, /one of sentry/],
  ];
  for (const [options, pattern] of missing) {
    test(`${JSON.stringify(Object.keys(options))} of ${options.backend}`, () => {
      assert.match(refusal(options), pattern);
      // Empty counts as missing.
      const empty = {
        SENTRY_DSN: "",
        HONEYCOMB_API_KEY: " ",
        DD_API_KEY: "",
        AXIOM_TOKEN: undefined,
      };
      assert.match(
        refusal({ ...options, token: "", apiKey: options["apiKey"] ?? "" }, empty),
        pattern,
      );
    });
  }

  const wrong: readonly [string, Options, Record<string, unknown>, RegExp][] = [
    [
      "a DSN without a project",
      { backend: "sentry", dsn: `https://${secret}@host` },
      {},
      /dsn .* of the form/,
    ],
    [
      "a DSN without a key",
      { backend: "sentry", dsn: `https://host/${secret}` },
      {},
      /of the form/,
    ],
    [
      "a key with a line break",
      { backend: "datadog", apiKey: `${secret}\n` },
      {},
      /apiKey .* line break/,
    ],
    [
      "a variable with one inside",
      { backend: "datadog" },
      { DD_API_KEY: `${secret}\r\nx: y` },
      /DD_API_KEY/,
    ],
    [
      "a key that is no text",
      { backend: "honeycomb", apiKey: { secret } },
      {},
      /apiKey is of type .*; it has to be a string/,
    ],
    [
      "an unknown site",
      { backend: "datadog", apiKey: secret, site: `evil.${secret}` },
      {},
      /DD_SITE.* datadoghq.com/,
    ],
    [
      "an unknown region",
      { backend: "honeycomb", apiKey: secret, region: "mars" },
      {},
      /region is .*; it has to be one of us, eu/,
    ],
    [
      "an unknown edge",
      { backend: "axiom", token: secret, dataset: "d", edge: "moon" },
      {},
      /edge is .*; it has to be one of/,
    ],
    [
      "a zone that is an address",
      { backend: "grafana", instanceId: "1", token: secret, zone: "x.evil/" },
      {},
      /zone/,
    ],
    [
      "an endpoint that is none",
      { backend: "custom", endpoint: `no ${secret}` },
      {},
      /endpoint has to be an address/,
    ],
    [
      "an endpoint of another scheme",
      { backend: "custom", endpoint: `ftp://${secret}` },
      {},
      /https:/,
    ],
    [
      "an endpoint with a password",
      { backend: "custom", endpoint: `https://u:${secret}@h` },
      {},
      /password/,
    ],
    [
      "gRPC",
      { backend: "custom", endpoint: "https://h" },
      { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
      /no gRPC/,
    ],
    [
      "a time-out that is none",
      { backend: "custom", endpoint: "https://h" },
      { OTEL_EXPORTER_OTLP_TIMEOUT: "soon" },
      /TIMEOUT\) is .*; it has to be a whole number/,
    ],
    [
      "a time-out longer than an invocation",
      { backend: "custom", endpoint: "https://h", timeoutMs: 60_000 },
      {},
      /timeoutMs/,
    ],
    [
      "a compression there is none for",
      { backend: "custom", endpoint: "https://h", compression: "zstd" },
      {},
      /gzip, none/,
    ],
    [
      "headers that are none",
      { backend: "custom", endpoint: "https://h", headers: { "a b": secret } },
      {},
      /headers has an invalid header name/,
    ],
    [
      "a whole endpoint that is no text",
      { backend: "custom", endpoint: "https://h", endpoints: { logs: 5 } },
      {},
      /endpoints.logs is of type .*; it has to be an address/,
    ],
    [
      "a header that is no text",
      { backend: "custom", endpoint: "https://h", headers: { a: { secret } } },
      {},
      /headers: a is of type .*; it has to be a string/,
    ],
    [
      "header variables that are none",
      { backend: "custom", endpoint: "https://h" },
      { OTEL_EXPORTER_OTLP_HEADERS: `${secret}` },
      /OTEL_EXPORTER_OTLP_HEADERS has to be key=value/,
    ],
    [
      "a percent sign alone",
      { backend: "custom", endpoint: "https://h" },
      { OTEL_EXPORTER_OTLP_HEADERS: `k=%${secret}` },
      /percent-encoded/,
    ],
    [
      "signals that are none",
      { backend: "custom", endpoint: "https://h", signals: ["profiles"] },
      {},
      /list of traces, logs, metrics/,
    ],
  ];
  for (const [name, options, env, pattern] of wrong) {
    test(name, () => {
      const message = refusal(options, env);
      assert.match(message, pattern);
      assert.doesNotMatch(message, /s3cret/);
      assert.match(message, new RegExp(`^isotel: the telemetry backend "${options.backend}"`));
    });
  }

  test("everything that is wrong is said at once, and each thing once", () => {
    const message = refusal({ backend: "axiom", edge: "moon", timeoutMs: -1 });
    for (const part of ["AXIOM_TOKEN", "AXIOM_DATASET", "edge", "timeoutMs"]) {
      assert.equal(
        message.split(part).length - 1,
        part === "edge" || part.startsWith("AXIOM") ? 1 : 2,
        message,
      );
    }
  });

  test("a signal a backend lacks is refused with the reason when it is asked for", () => {
    const dsn = "https://k@h.example/1";
    assert.match(
      refusal({ backend: "sentry", dsn, signals: ["metrics"] }),
      /Sentry does not accept metrics/,
    );
    const honeycomb = { backend: "honeycomb", apiKey: secret, signals: ["metrics"] };
    assert.match(refusal(honeycomb), /needs a dataset for metrics.*HONEYCOMB_DATASET/);
    const axiom = { backend: "axiom", token: secret, dataset: "d", signals: ["metrics"] };
    assert.match(refusal(axiom), /option metricsDataset/);
    const backend = resolve({ backend: "sentry", dsn });
    assert.equal(backend.refusals.metrics, "Sentry does not accept metrics over OTLP");
    assert.deepEqual(
      Object.keys(resolve({ backend: "sentry", dsn, signals: ["logs"] }).destinations),
      ["logs"],
    );
  });
});

describe("plain http", () => {
  const to = (endpoint: string, more: object = {}) => ({ backend: "custom", endpoint, ...more });

  for (const host of [
    "localhost:4318",
    "127.0.0.1:1",
    "127.8.9.1",
    "[::1]:4318",
    "otel.localhost",
  ]) {
    test(`is taken to ${host}`, () => {
      assert.match(urls(resolve(to(`http://${host}`)))["traces"] ?? "", /^http:/);
    });
  }

  for (const host of [
    "otel.example",
    "10.0.0.1",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "0.0.0.0",
  ]) {
    test(`is refused to ${host} unless allowed`, () => {
      assert.match(refusal(to(`http://${host}`)), /plain http .* allowInsecure/);
      const backend = resolve(to(`http://${host}`, { allowInsecure: true }));
      assert.match(urls(backend)["traces"] ?? "", /^http:/);
    });
  }

  test("is refused in a DSN and in variables too", () => {
    assert.match(refusal({ backend: "sentry", dsn: "http://k@h.example/1" }), /dsn is plain http/);
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://h.example" };
    assert.match(refusal({ backend: "custom" }, env), /OTEL_EXPORTER_OTLP_ENDPOINT is plain http/);
  });
});

describe("the option consoleLogs", () => {
  const to = { backend: "custom", endpoint: "https://otel.example" } as const;
  const read = (options: object, env: Record<string, string> = {}) =>
    readExportOptions({ ...to, ...options } as OtlpOptions, env);

  for (const value of ["log", 1, {}]) {
    test(`${JSON.stringify(value)} is refused with the values that it may have`, () => {
      assert.throws(
        () => read({ consoleLogs: value }),
        /consoleLogs is .*; it has to be one of true, false, debug, info, warn, error/,
      );
    });
  }

  test("needs a backend that takes log records", () => {
    const signals = ["traces"];
    assert.throws(
      () => read({ consoleLogs: "warn", signals }),
      /consoleLogs is a string of 4 characters, but no backend takes log records; add "logs" to signals/,
    );
    assert.equal(read({ consoleLogs: false, signals }).backends.length, 1);
    const disabled = { OTEL_SDK_DISABLED: "true" };
    assert.equal(read({ consoleLogs: true, signals }, disabled).backends.length, 0);
  });
});
