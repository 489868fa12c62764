import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { failing, withApi } from "./api_test.ts";

const key = "hcaik_key_of_the_tests";
const url = "https://api.honeycomb.io/v1/traces";
const other = {
  url: "https://otlp.example/v1/traces",
  headers: { authorization: "Bearer other-secret" },
  content_type: "json",
};

const settings = {
  cache_invalidate_on_update: true,
  cache_ttl: 300,
  collect_logs: false,
  rate_limiting_interval: 60,
  rate_limiting_limit: 50,
  authentication: true,
  guardrails: { prompt: { P1: "BLOCK" }, response: {} },
  logpush_public_key: null,
  spend_limits: { limits: [{ amount: 5 }] },
  something_new: ["kept"],
};

describe("isotel gateway otel", () => {
  const { api, workspace } = withApi();
  const gateway = (otel: unknown = null) => {
    workspace.env["HONEYCOMB_API_KEY"] = key;
    workspace.env["CLOUDFLARE_GATEWAY_ID"] = "shop";
    api.account.gateways.push({
      id: "shop",
      created_at: "then",
      modified_at: "then",
      is_default: false,
      ...settings,
      otel,
    });
  };
  const add = (...args: readonly string[]) =>
    workspace.run("gateway", "otel", "add", "honeycomb", ...args);
  const exporter = { url, headers: { "x-honeycomb-team": key }, content_type: "protobuf" };

  test("add reads, merges and writes: nothing else of the gateway changes", async () => {
    gateway([other]);
    const dry = await add();
    assert.equal(dry.code, 0, dry.err);
    assert.match(dry.out, /^would create: export of the gateway shop to https:\/\/api\.honeycomb/);
    assert.equal(api.written.length, 0);
    const { code, err } = await add("--apply");
    assert.equal(code, 0, err);
    const [written] = api.written;
    assert.equal(`${written?.method} ${written?.path}`, "PUT ai-gateway/gateways/shop");
    assert.deepEqual(written?.body, { ...settings, otel: [other, exporter] });
  });

  test("an address is listed without its secrets, and removed by what was listed", async () => {
    gateway([
      { ...other, url: "https://u:SECRETPW@otlp.example/v1/traces?api_key=SECRETQ" },
      exporter,
    ]);
    const shown = "https://REDACTED:REDACTED@otlp.example/v1/traces?api_key=REDACTED";
    for (const args of [[], ["--json"]]) {
      const { out } = await workspace.run("gateway", "otel", "list", ...args);
      assert.ok(out.includes(shown), out);
      assert.doesNotMatch(out, /SECRET/);
    }
    const unknown = await workspace.run("gateway", "otel", "remove", "https://x.example/");
    assert.doesNotMatch(unknown.err, /SECRET/);
    const { code, out } = await workspace.run("gateway", "otel", "remove", shown, "--apply");
    assert.equal(code, 0);
    assert.doesNotMatch(out, /SECRET/);
    assert.deepEqual(api.account.gateways[0]?.["otel"], [exporter]);
  });

  test("the first exporter of a gateway, in JSON if asked for", async () => {
    gateway();
    await add("--apply", "--format", "json");
    assert.deepEqual(api.account.gateways[0]?.["otel"], [{ ...exporter, content_type: "json" }]);
  });

  test("the same address is updated in its place, or kept when nothing differs", async () => {
    const old = { url, headers: { "x-honeycomb-team": "old" }, authorization: "secret-store-id" };
    gateway([old, other]);
    const first = await add("--apply");
    assert.match(first.out, /^updated: export/);
    assert.deepEqual(api.account.gateways[0]?.["otel"], [{ ...old, ...exporter }, other]);
    const second = await add("--apply");
    assert.match(second.out, /^kept: export .*\nThere is nothing to do\.\n$/);
    assert.equal(api.written.length, 1);
  });

  test("list shows addresses and never keys", async () => {
    gateway([other]);
    const { otel } = await workspace.json("gateway", "otel", "list");
    const shown = [{ url: other.url, headers: ["authorization"], contentType: "json" }];
    assert.deepEqual(otel, shown);
    const { out } = await workspace.run("gateway", "otel", "list", "--gateway", "shop");
    assert.equal(out, `${other.url}  json\n`);
  });

  test("remove takes one away and leaves the rest", async () => {
    gateway([other, exporter]);
    await workspace.run("gateway", "otel", "remove", other.url, "--apply");
    assert.deepEqual(api.account.gateways[0]?.["otel"], [exporter]);
    assert.deepEqual(api.written[0]?.body, { ...settings, otel: [exporter] });
    const err = await failing(workspace, ["gateway", "otel", "remove", other.url], 1);
    assert.match(
      err,
      /does not export to https:\/\/otlp\.example.*: it exports to https:\/\/api\.h/,
    );
  });

  test("a setting that changed all the same is told", async () => {
    gateway();
    api.alters = { cache_ttl: 0 };
    const args = ["gateway", "otel", "add", "honeycomb", "--apply"];
    const err = await failing(workspace, args, 1);
    assert.match(err, /was updated, but other settings changed too: check cache_ttl in/);
  });

  test("exporters that come back masked are not written back", async () => {
    gateway([{ ...other, headers: { authorization: "*****" } }]);
    const args = ["gateway", "otel", "add", "honeycomb", "--apply"];
    const err = await failing(workspace, args, 1);
    assert.match(err, /was read with masked headers/);
    assert.deepEqual(api.written, []);
  });

  test("a gateway that is missing, unnamed or no name", async () => {
    gateway();
    workspace.env["CLOUDFLARE_GATEWAY_ID"] = "elsewhere";
    const missing = await failing(workspace, ["gateway", "otel", "list"], 1);
    assert.match(
      missing,
      /the gateway elsewhere does not exist \(404, not found \[10404\]\): check/,
    );
    delete workspace.env["CLOUDFLARE_GATEWAY_ID"];
    const unnamed = await failing(workspace, ["gateway", "otel", "list"], 2);
    assert.match(unnamed, /CLOUDFLARE_GATEWAY_ID is not set: export it or give --gateway/);
    const slashes = await failing(workspace, ["gateway", "otel", "list", "--gateway", "a/b"], 2);
    assert.match(slashes, /at most 64 characters without slashes or spaces/);
    const format = ["gateway", "otel", "add", "honeycomb", "--format", "xml"];
    assert.match(
      await failing(workspace, format, 2),
      /--format is xml; it has to be protobuf or json/,
    );
  });
});
