import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { account } from "./api_double.ts";
import { failing, withApi } from "./api_test.ts";

const config = `{
  "name": "shop", // the shop
  "queues": {
    "producers": [{ "binding": "TELEMETRY_QUEUE", "queue": "shop-telemetry" }],
    "consumers": [{ "queue": "shop-telemetry", "dead_letter_queue": "shop-telemetry-dead" }]
  },
  "kv_namespaces": [{ "binding": "CACHE", "id": "1" }, { "binding": "TELEMETRY_KV" }]
}
`;

describe("isotel setup", () => {
  const { api, workspace } = withApi();
  const queue = (queue_name: string, index: number) => ({ queue_id: `id-${index}`, queue_name });

  test("what is missing is listed, and created with --apply", async () => {
    workspace.write("wrangler.jsonc", config);
    const dry = await workspace.run("setup");
    assert.equal(dry.code, 0, dry.err);
    assert.match(
      dry.out,
      /^would create: queue shop-telemetry\nwould create: queue shop-telemetry-dead\n/,
    );
    assert.match(dry.out, /TELEMETRY_KV has no id: wrangler creates it with the next deploy/);
    assert.match(dry.out, /Nothing was changed: add --apply to make these changes\.\n$/);
    assert.deepEqual(api.written, []);

    const { applied, steps } = await workspace.json("setup", "--apply");
    assert.equal(applied, true);
    assert.deepEqual(steps, [
      { action: "create", what: "queue shop-telemetry" },
      { action: "create", what: "queue shop-telemetry-dead" },
    ]);
    const created = [{ queue_name: "shop-telemetry" }, { queue_name: "shop-telemetry-dead" }];
    assert.deepEqual(
      api.written,
      created.map((body) => ({ method: "POST", path: "queues", body })),
    );
    assert.equal(workspace.read("wrangler.jsonc"), config);
  });

  test("a second time there is nothing to do", async () => {
    workspace.write("wrangler.jsonc", config);
    await workspace.run("setup", "--apply", "--kv");
    api.written.length = 0;
    const { out } = await workspace.run("setup", "--apply", "--kv");
    assert.match(
      out,
      /^kept: queue shop-telemetry\nkept: queue shop-telemetry-dead\nkept: KV namespace/,
    );
    assert.match(out, /There is nothing to do\.\n$/);
    assert.deepEqual(api.written, []);
  });

  test("--kv creates the namespace and writes its id, nothing else", async () => {
    workspace.write("wrangler.jsonc", config);
    const { code, err } = await workspace.run("setup", "--apply", "--kv");
    assert.equal(code, 0, err);
    const [namespace] = api.account.namespaces;
    assert.equal(namespace?.title, "shop-telemetry");
    const expected = config.replace(
      '{ "binding": "TELEMETRY_KV" }',
      `{ "binding": "TELEMETRY_KV", "id": "${namespace?.id}" }`,
    );
    assert.equal(workspace.read("wrangler.jsonc"), expected);
  });

  test("a namespace of that title is used, wherever in the list it is", async () => {
    workspace.write("wrangler.jsonc", config);
    const namespaces = Array.from({ length: 250 }, (_, index) => ({
      id: `id-${index}`,
      title: index === 249 ? "shop-telemetry" : `other-${index}`,
    }));
    api.account.namespaces.push(...namespaces);
    await workspace.run("setup", "--apply", "--kv");
    assert.match(workspace.read("wrangler.jsonc"), /"TELEMETRY_KV", "id": "id-249"/);
    const pages = api.reads.filter((read) => read.startsWith("storage/kv/namespaces"));
    assert.ok(pages.length >= 3, pages.join());
  });

  test("queues are found on every page of the list", async () => {
    workspace.write("wrangler.jsonc", config);
    const names = Array.from({ length: 199 }, (_, index) => `other-${index}`);
    api.account.queues.push(...[...names, "shop-telemetry"].map(queue));
    const { steps } = await workspace.json("setup");
    assert.deepEqual(steps, [
      { action: "keep", what: "queue shop-telemetry" },
      { action: "create", what: "queue shop-telemetry-dead" },
    ]);
  });

  test("an environment has its own queues, and the account may stand in the file", async () => {
    delete workspace.env["CLOUDFLARE_ACCOUNT_ID"];
    const own = {
      queues: { producers: [{ binding: "TELEMETRY_QUEUE", queue: "staged" }] },
      kv_namespaces: [{ binding: "TELEMETRY_KV" }],
    };
    const file = { name: "shop", account_id: account, env: { staging: own } };
    workspace.write("staging.json", JSON.stringify(file));
    const flags = ["--config", "staging.json", "--env", "staging", "--kv", "--apply"];
    const { code, err } = await workspace.run("setup", ...flags);
    assert.equal(code, 0, err);
    assert.equal(api.account.namespaces[0]?.title, "shop-staging-telemetry");
    assert.deepEqual(
      api.written.map(({ body }) => body["queue_name"] ?? body["title"]),
      ["staged", "shop-staging-telemetry"],
    );
    const written = JSON.parse(workspace.read("staging.json")) as typeof file;
    const [namespace] = written.env.staging.kv_namespaces;
    assert.deepEqual(namespace, { binding: "TELEMETRY_KV", id: api.account.namespaces[0]?.id });
  });

  test("what fails on the way is told with what was done before it", async () => {
    workspace.write("wrangler.jsonc", config);
    api.account.queues.push(queue("other", 1));
    const conflict = { status: 409, message: "taken", method: "POST" };
    const { push } = api.written;
    api.written.push = (...items) => {
      // The first is created, the second is not.
      api.failure = conflict;
      return push.apply(api.written, items);
    };
    const err = await failing(workspace, ["setup", "--apply"], 1);
    api.written.push = push;
    assert.match(
      err,
      /cannot create the queue shop-telemetry-dead: the queue shop-telemetry-dead already/,
    );
    assert.match(err, /\(409, taken \[10409\]\).*; done before: created queue shop-telemetry$/m);
  });

  test("a namespace of another account, or no queue: one line", async () => {
    workspace.write(
      "wrangler.jsonc",
      config.replace('"TELEMETRY_KV"', '"TELEMETRY_KV", "id": "2"'),
    );
    const foreign = await failing(workspace, ["setup"], 1);
    assert.match(foreign, /TELEMETRY_KV of wrangler\.jsonc is not in this account: check its id/);
    workspace.write("wrangler.jsonc", '{ "name": "shop" }');
    const none = await failing(workspace, ["setup"], 1);
    assert.match(none, /no queue bound as TELEMETRY_QUEUE: run npx isotel init --write/);
  });
});
