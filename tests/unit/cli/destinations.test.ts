import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { failing, withApi } from "./api_test.ts";

const key = "hcaik_key_of_the_tests";
const headers = { "x-honeycomb-team": key };

describe("isotel destinations", () => {
  const { api, workspace } = withApi();
  const add = (...args: readonly string[]) => {
    workspace.env["HONEYCOMB_API_KEY"] = key;
    return workspace.run("destinations", "add", "honeycomb", ...args);
  };

  test("add makes one for traces and one for logs, from the preset and the key's variable", async () => {
    const dry = await add();
    assert.equal(dry.code, 0, dry.err);
    assert.match(dry.out, /^would create: destination honeycomb-traces\nwould create: .*-logs\n/);
    assert.deepEqual(api.written, []);
    const { code, out } = await add("--apply");
    assert.equal(code, 0);
    assert.match(
      out,
      /^created: destination honeycomb-traces\ncreated: destination honeycomb-logs\n/,
    );
    assert.match(out, /In wrangler\.jsonc: "observability": \{"traces":\{"enabled":true,"destin/);
    assert.deepEqual(
      api.written.map(({ body }) => body),
      ["traces", "logs"].map((signal) => ({
        name: `honeycomb-${signal}`,
        enabled: true,
        configuration: {
          type: "logpush",
          logpushDataset: `opentelemetry-${signal}`,
          url: `https://api.honeycomb.io/v1/${signal}`,
          headers,
        },
      })),
    );
  });

  test("every backend's preset is taken, without a key in what is printed", async () => {
    const cases: readonly (readonly [string, Record<string, string>, string[], string])[] = [
      [
        "sentry",
        { SENTRY_DSN: "https://keykeykey@o1.ingest.sentry.io/42" },
        [],
        "https://o1.ingest.sentry.io/api/42/integration/otlp/v1/traces",
      ],
      [
        "datadog",
        { DD_API_KEY: "datadog-key" },
        ["--site", "us5.datadoghq.com"],
        "https://cloudflare.integrations.otlp.us5.datadoghq.com/v1/traces",
      ],
      [
        "grafana",
        { GRAFANA_USER_ID: "123456", GRAFANA_API_KEY: "grafana-key" },
        ["--zone", "prod-us-east-0"],
        "https://otlp-gateway-prod-us-east-0.grafana.net/otlp/v1/traces",
      ],
      [
        "axiom",
        { AXIOM_TOKEN: "xaat-token" },
        ["--dataset", "workers"],
        "https://api.axiom.co/v1/traces",
      ],
      [
        "custom",
        { OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20custom-key" },
        ["--endpoint", "https://otlp.example/base"],
        "https://otlp.example/base/v1/traces",
      ],
    ];
    for (const [backend, env, options, url] of cases) {
      api.reset();
      Object.assign(workspace.env, env);
      const args = ["destinations", "add", backend, "--signals", "traces", "--apply", ...options];
      const { code, out, err } = await workspace.run(...args, "--json");
      assert.equal(code, 0, err);
      const [written] = api.written;
      const sent = written?.body["configuration"] as { url: string; headers: object };
      assert.equal(sent.url, url);
      for (const value of [...Object.values(env), ...Object.values(sent.headers)]) {
        if (String(value).length > 8) assert.ok(!out.includes(String(value)), `${backend}: ${out}`);
      }
    }
  });

  test("what is there already is kept; what differs is updated and enabled", async () => {
    await add("--apply");
    const same = await add("--apply");
    assert.match(
      same.out,
      /^kept: destination honeycomb-traces\nkept: .*\nThere is nothing to do\.\n/,
    );
    api.written.length = 0;
    const [traces, logs] = api.account.destinations;
    Object.assign(traces ?? {}, { enabled: false });
    (logs?.["configuration"] as Record<string, unknown>)["headers"] = { "X-Honeycomb-Team": "old" };
    const { out } = await add("--apply");
    assert.match(
      out,
      /^updated: destination honeycomb-traces\nupdated: destination honeycomb-logs\n/,
    );
    assert.deepEqual(
      api.written.map(({ method, path }) => `${method} ${path}`),
      ["traces", "logs"].map(
        (signal) => `PATCH workers/observability/destinations/honeycomb-${signal}-slug`,
      ),
    );
    assert.equal(
      api.account.destinations.every((item) => item["enabled"] === true),
      true,
    );
  });

  test("a name that is used for another signal is a conflict", async () => {
    await add("--apply", "--signals", "logs", "--name", "x");
    Object.assign(api.account.destinations[0] ?? {}, { name: "x-traces" });
    const err = await failing(
      workspace,
      ["destinations", "add", "honeycomb", "--name", "x", "--signals", "traces"],
      1,
    );
    assert.match(
      err,
      /x-traces already exists for opentelemetry-logs: choose another name with --name/,
    );
  });

  test("list shows names of headers and never their values, of all pages", async () => {
    const destinations = Array.from({ length: 130 }, (_, index) => ({
      name: `d-${index}`,
      slug: `d-${index}`,
      enabled: index > 0,
      scripts: index === 1 ? ["shop"] : [],
      configuration: {
        type: "logpush",
        logpushDataset: "opentelemetry-traces",
        url: "https://otlp.example/v1/traces",
        headers: { authorization: "Bearer listed-secret" },
      },
    }));
    api.account.destinations.push(...destinations);
    const { out } = await workspace.run("destinations", "list");
    assert.equal(out.split("\n").length, 131);
    assert.match(
      out,
      /^d-0 {2}opentelemetry-traces {2}https:\/\/otlp\.example\/v1\/traces {2}disabled$/m,
    );
    assert.match(out, /^d-1 .* used by shop$/m);
    const { destinations: shown } = await workspace.json("destinations", "list");
    assert.equal((shown as unknown[]).length, 130);
    assert.doesNotMatch(out + JSON.stringify(shown), /listed-secret/);
  });

  test("remove takes a name or a slug and says who still uses it", async () => {
    await add("--apply");
    Object.assign(api.account.destinations[0] ?? {}, { scripts: ["shop"] });
    const remove = ["destinations", "remove", "honeycomb-traces"];
    const dry = await workspace.run(...remove);
    assert.match(dry.out, /^would delete: destination honeycomb-traces\nshop names it in observ/);
    assert.equal(api.account.destinations.length, 2);
    await workspace.run(...remove, "--apply");
    await workspace.run("destinations", "remove", "honeycomb-logs-slug", "--apply");
    assert.deepEqual(api.account.destinations, []);
    const err = await failing(workspace, remove, 1);
    assert.match(err, /no destination "honeycomb-traces": there is none/);
  });

  test("an empty list is said to be one", async () => {
    assert.equal((await workspace.run("destinations", "list")).out, "There are none.\n");
  });

  test("what is missing or unknown is code 2, and asks nobody", async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [
        ["destinations", "add", "newrelic"],
        /no backend "newrelic": it has to be one of arize, axiom, braintrust, custom, datad/,
      ],
      [["destinations", "add", "honeycomb"], /apiKey is missing: .*HONEYCOMB_API_KEY/],
      [
        ["destinations", "add", "sentry", "--signals", "metrics"],
        /--signals has "metrics": it has to be traces, logs or both/,
      ],
      [["destinations", "add"], /an argument is missing/],
    ];
    for (const [args, message] of cases) {
      assert.match(await failing(workspace, args, 2), message);
    }
    assert.deepEqual(api.reads, []);
  });
});
