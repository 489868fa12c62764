import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Failure } from "./api_double.ts";
import { failing, withApi } from "./api_test.ts";

const key = "hcaik_key_of_the_tests";
const reading: readonly (readonly string[])[] = [
  ["setup"],
  ["destinations", "list"],
  ["gateway", "otel", "list"],
  ["logpush", "list"],
];
const writing: readonly (readonly string[])[] = [
  ["setup", "--apply"],
  ["destinations", "add", "honeycomb", "--apply"],
  ["gateway", "otel", "add", "honeycomb", "--apply"],
  ["logpush", "apply", "--url", "https://logs.example", "--apply"],
];

const cases: readonly (readonly [Failure, RegExp])[] = [
  [
    { status: 401, message: "Invalid API Token" },
    /the token is not accepted \(401, Invalid API Token \[10401\]\): CLOUDFLARE_API_TOKEN is wrong/,
  ],
  [
    { status: 403, message: "Forbidden" },
    /no permission for this \(403.*\): add "[A-Z][\w ]+: (Read|Edit)" for/,
  ],
  [{ status: 404 }, /does not exist \(404\): check its name and CLOUDFLARE_ACCOUNT_ID/],
  [{ status: 409, message: "exists" }, /already exists or has just been changed \(409, exists \[1/],
  [
    { status: 429, headers: { "retry-after": "7", "x-should-retry": "false" } },
    /too many requests \(429\): try again in 7 s/,
  ],
  [
    { status: 503, message: "a\nb", headers: { "x-should-retry": "false" } },
    /API failed \(503, a b \[10503\]\): nothing was changed; try again later/,
  ],
  [
    { status: 400, message: `bad ${key}` },
    /Cloudflare refused the request \(400, bad \*\*\* \[10400\]\)/,
  ],
];

describe("errors of Cloudflare's API", () => {
  const { api, workspace } = withApi();
  const prepare = () => {
    workspace.env["HONEYCOMB_API_KEY"] = key;
    workspace.env["CLOUDFLARE_GATEWAY_ID"] = "shop";
    api.account.gateways.push({ id: "shop", cache_ttl: 1 });
    workspace.write(
      "wrangler.jsonc",
      '{ "name": "shop", "queues": { "producers": [{ "binding": "TELEMETRY_QUEUE", "queue": "q" }] } }',
    );
  };

  for (const [failure, message] of cases) {
    test(`${failure.status}: every command says in one line what to do`, async () => {
      prepare();
      api.failure = { ...failure, headers: { "x-should-retry": "false", ...failure.headers } };
      for (const args of [...reading, ...writing]) {
        const err = await failing(workspace, args, 1);
        // Only what is sent to the API is known to be secret.
        const isKnown = args.includes("honeycomb") || failure.status !== 400;
        if (isKnown) assert.match(err, message);
        assert.match(err, /^isotel: cannot (read|create|update) /);
        const json = await workspace.run(...args, "--json");
        assert.equal(json.code, 1);
        assert.equal(`isotel: ${(JSON.parse(json.out) as { error: string }).error}\n`, json.err);
      }
      assert.deepEqual(api.written, []);
    });
  }

  test("only a request that writes may have changed something after a server error", async () => {
    prepare();
    for (const args of writing) {
      api.failure = { status: 502, method: args[0] === "gateway" ? "PUT" : "POST" };
      const err = await failing(workspace, args, 1);
      assert.match(err, /API failed \(502\): a change may have been made; check before you try/);
    }
    for (const args of reading) {
      api.failure = { status: 502, headers: { "x-should-retry": "false" } };
      const err = await failing(workspace, args, 1);
      assert.match(err, /API failed \(502\): nothing was changed; try again later/);
    }
    api.failure = undefined;
  });

  test("a request that writes is sent once, whatever comes back", async () => {
    prepare();
    for (const status of [409, 429, 500, 503]) {
      for (const args of writing) {
        // The status is read once for each answer.
        let attempts = 0;
        api.failure = {
          get status() {
            attempts += 1;
            return status;
          },
          method: args[0] === "gateway" ? "PUT" : "POST",
        };
        await failing(workspace, args, 1);
        assert.equal(attempts, 1, args.join(" "));
      }
    }
  });

  test("a request that reads is tried again", async () => {
    prepare();
    let attempts = 0;
    const busy: Failure = { status: 503, headers: { "retry-after-ms": "1" } };
    Object.defineProperty(api, "failure", {
      configurable: true,
      get: () => {
        attempts += 1;
        return attempts > 2 ? undefined : busy;
      },
      set: () => {},
    });
    try {
      const { code, err } = await workspace.run("logpush", "list");
      assert.equal(code, 0, err);
      assert.ok(attempts > 2);
    } finally {
      Object.defineProperty(api, "failure", {
        writable: true,
        configurable: true,
        value: undefined,
      });
    }
  });

  test("nobody answers", async () => {
    prepare();
    workspace.env["CLOUDFLARE_BASE_URL"] = "http://127.0.0.1:9/client/v4";
    const err = await failing(workspace, ["logpush", "list"], 1);
    assert.match(err, /Cloudflare's API cannot be reached: check the network and try again/);
  });

  test("token and account come from the environment, and are checked before anything is sent", async () => {
    prepare();
    const list = ["destinations", "list"];
    workspace.env["CLOUDFLARE_ACCOUNT_ID"] = "a/../b";
    assert.match(
      await failing(workspace, list, 2),
      /identifier is a text of 6 characters; it has to/,
    );
    delete workspace.env["CLOUDFLARE_ACCOUNT_ID"];
    assert.match(
      await failing(workspace, list, 2),
      /CLOUDFLARE_ACCOUNT_ID is not set: export it or/,
    );
    const other = "f".repeat(32);
    const err = await failing(workspace, [...list, "--account-id", other], 1);
    assert.match(err, /the account does not exist \(404, account not found/);
    workspace.env["CLOUDFLARE_BASE_URL"] = "http://api.example/client/v4";
    const clear = await failing(workspace, [...list, "--account-id", other], 2);
    assert.match(clear, /CLOUDFLARE_BASE_URL has to begin with https:\/\//);
    delete workspace.env["CLOUDFLARE_API_TOKEN"];
    assert.match(
      await failing(workspace, list, 2),
      /CLOUDFLARE_API_TOKEN is not set: create a token/,
    );
    assert.deepEqual(api.reads, []);
  });

  test("a token that is echoed is not printed", async () => {
    prepare();
    const token = workspace.env["CLOUDFLARE_API_TOKEN"] ?? "";
    api.failure = { status: 400, message: `what is Bearer ${token}?` };
    for (const flags of [[], ["--json"]]) {
      const { out, err } = await workspace.run("logpush", "list", ...flags);
      assert.ok(!out.includes(token) && !err.includes(token));
      assert.match(err, /what is Bearer \*\*\*\?/);
    }
  });
});
