import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { after, beforeEach, describe, test } from "node:test";
import { Workspace } from "./cli.ts";

env["WRANGLER_LOG"] ??= "error";

const fixtures = join(import.meta.dirname, "wrangler");

interface Case {
  readonly name: string;
  readonly environment: string | undefined;
  readonly before: string;
  readonly after: string;
}

// NAME/before.jsonc becomes NAME/after.jsonc, or after.ENVIRONMENT.jsonc with --env ENVIRONMENT.
const cases: readonly Case[] = readdirSync(fixtures).flatMap((name) => {
  const read = (file: string) => readFileSync(join(fixtures, name, file), "utf8");
  return readdirSync(join(fixtures, name))
    .filter((file) => file.startsWith("after"))
    .map((file) => ({
      name,
      environment: /^after\.(.+)\.jsonc$/.exec(file)?.[1],
      before: read("before.jsonc"),
      after: read(file),
    }));
});

/** Whether one text is the other with something left out. */
function isContained(part: string, whole: string): boolean {
  let at = 0;
  for (const character of whole) if (character === part[at]) at += 1;
  return at === part.length;
}

function argumentsOf({ environment }: Case): string[] {
  return environment === undefined ? ["init"] : ["init", "--env", environment];
}

/** The part of a configuration that is looked at. */
interface Config {
  readonly compatibility_flags: readonly string[];
  readonly durable_objects: { readonly bindings: readonly { class_name: string }[] };
  readonly kv_namespaces: readonly { binding: string }[];
  readonly migrations: readonly object[];
  readonly observability?: { readonly traces?: { readonly enabled?: boolean } };
  readonly queues: {
    readonly consumers?: readonly { queue: string }[];
    readonly producers?: readonly { binding: string; queue: string }[];
  };
}

/** What wrangler makes of a configuration. */
async function asWranglerReads(path: string, environment: string | undefined): Promise<Config> {
  const { unstable_readConfig } = await import("wrangler");
  return unstable_readConfig({ config: path, env: environment as string }) as Config;
}

describe("isotel init", () => {
  const workspace = new Workspace();
  beforeEach(() => workspace.write("wrangler.jsonc", cases[0]?.before ?? ""));
  after(() => workspace.remove());

  test("there are at least ten files to try it on", () => {
    assert.ok(cases.length >= 10, `${cases.length}`);
  });

  for (const item of cases) {
    const title = `${item.name}${item.environment === undefined ? "" : `, ${item.environment}`}`;
    test(`${title}: what is missing is added, and nothing else changes`, async () => {
      workspace.write("wrangler.jsonc", item.before);
      const dry = await workspace.run(...argumentsOf(item));
      assert.equal(dry.code, 0, dry.err);
      assert.equal(workspace.read("wrangler.jsonc"), item.before, "a dry run wrote");
      const { code } = await workspace.run(...argumentsOf(item), "--write");
      assert.equal(code, 0);
      const written = workspace.read("wrangler.jsonc");
      assert.equal(written, item.after);
      assert.ok(isContained(item.before.replace(/\s/g, ""), written.replace(/\s/g, "")));
      const removed = dry.out.split("\n").filter((line) => /^-(?!--)/.test(line));
      const added = new Set(dry.out.split("\n").filter((line) => /^\+(?!\+\+)/.test(line)));
      assert.ok(removed.length <= added.size, dry.out);
    });

    test(`${title}: a second time there is nothing to do`, async () => {
      workspace.write("wrangler.jsonc", item.after);
      const { changed, diff } = await workspace.json(...argumentsOf(item), "--write");
      assert.deepEqual([changed, diff], [false, ""]);
      assert.equal(workspace.read("wrangler.jsonc"), item.after);
    });

    test(`${title}: wrangler reads the result`, async () => {
      workspace.write("wrangler.jsonc", item.after);
      const path = join(workspace.folder, "wrangler.jsonc");
      const config = await asWranglerReads(path, item.environment);
      const aggregator = config.durable_objects.bindings.find(
        ({ class_name }) => class_name === "TelemetryAggregator",
      );
      assert.ok(aggregator !== undefined);
      const producer = config.queues.producers?.find(
        ({ binding }) => binding === "TELEMETRY_QUEUE",
      );
      assert.ok(config.queues.consumers?.some(({ queue }) => queue === producer?.queue));
      assert.ok(config.kv_namespaces.some(({ binding }) => binding === "TELEMETRY_KV"));
      const isMigrated = JSON.stringify(config.migrations).includes('"TelemetryAggregator"');
      assert.ok(isMigrated, JSON.stringify(config.migrations));
      assert.ok(config.compatibility_flags.some((flag) => flag.startsWith("nodejs_compat")));
      assert.equal(config.observability?.traces?.enabled, true);
    });
  }

  test("the difference is shown, with what is kept and what to do next", async () => {
    workspace.write(
      "wrangler.jsonc",
      readFileSync(join(fixtures, "existing_bindings/before.jsonc"), "utf8"),
    );
    const { out } = await workspace.run("init");
    assert.match(out, /^--- wrangler\.jsonc\n\+\+\+ wrangler\.jsonc\n@@ -14,6 \+14,7 @@\n/);
    assert.match(out, /\n\+ {2}"observability": \{ "enabled": true, "traces"/);
    assert.match(out, /^kept: queue numbers as TELEMETRY_QUEUE$/m);
    assert.match(out, /^note: the consumer of numbers has no dead_letter_queue/m);
    assert.match(
      out,
      /\nNothing was written: npx isotel init --write changes wrangler\.jsonc\.\n$/,
    );
    const written = await workspace.run("init", "--write");
    assert.match(
      written.out,
      /export \{ TelemetryAggregator \} from "isotel\/aggregator" and import "isotel\/metrics"/,
    );
  });

  test("names may be chosen", async () => {
    workspace.write("wrangler.jsonc", '{ "name": "shop" }');
    const names = ["--queue", "q", "--queue-binding", "Q", "--kv-binding", "K", "--class", "Sums"];
    await workspace.run("init", "--write", ...names, "--aggregator-binding", "SUMS");
    const written = JSON.parse(workspace.read("wrangler.jsonc")) as Config;
    const { queues, durable_objects, kv_namespaces, migrations } = written;
    assert.deepEqual(queues.producers, [{ binding: "Q", queue: "q" }]);
    assert.deepEqual(durable_objects.bindings, [{ name: "SUMS", class_name: "Sums" }]);
    assert.deepEqual(kv_namespaces, [{ binding: "K" }]);
    assert.deepEqual(migrations, [{ tag: "telemetry", new_sqlite_classes: ["Sums"] }]);
  });

  test("the queue of a long name still is one, and so is its dead letter queue", async () => {
    workspace.write("wrangler.jsonc", `{ "name": "${"long-name-".repeat(8)}" }`);
    const { diff } = await workspace.json("init");
    const names = String(diff).matchAll(/"(?:queue|dead_letter_queue)": "([^"]+)"/g);
    const queues = new Set(Array.from(names, ([, name = ""]) => name));
    assert.equal(queues.size, 2);
    for (const name of queues) assert.match(name, /^[a-z0-9-]{1,63}$/);
  });

  test("the file is found in a folder above, and where it is told to be", async () => {
    const { path } = await workspace.json("init");
    assert.equal(path, join(workspace.folder, "wrangler.jsonc"));
    workspace.write("other.json", '{ "name": "other" }');
    const { diff } = await workspace.json("init", "--config", "other.json");
    assert.match(String(diff), /other-telemetry/);
  });

  const refusals: readonly (readonly [string, string, readonly string[], number, RegExp])[] = [
    [
      "TOML",
      "",
      ["--config", "w.toml"],
      2,
      /w\.toml is TOML, which isotel cannot edit: convert it to/,
    ],
    ["no file", "", ["--config", "none.jsonc"], 2, /none\.jsonc: no such file; .*--config PATH/],
    ["no JSON", '{\n  "name": shop }', [], 1, /wrangler\.jsonc:2:11: InvalidSymbol: correct/],
    ["cut off", '{ "name": "shop"', [], 1, /wrangler\.jsonc:1:17: CloseBraceExpected: correct/],
    ["nothing in it", "", [], 1, /wrangler\.jsonc:1:1: ValueExpected: correct/],
    ["a list", "[]", [], 1, /wrangler\.jsonc has to be an object/],
    ["an unknown environment", "{}", ["--env", "x"], 2, /no environment "x": it has none/],
    [
      "another unknown environment",
      '{ "env": { "a": {}, "b": {} } }',
      ["--env", "x"],
      2,
      /no environment "x": it has a, b/,
    ],
    ["a list of texts", '{ "migrations": ["v1"] }', [], 1, /migrations has to be a list of obj/],
    ["a list in place of an object", '{ "queues": [] }', [], 1, /queues has to be an object/],
    [
      "a text in place of a list",
      '{ "compatibility_flags": "x" }',
      [],
      1,
      /_flags has to be a list/,
    ],
    [
      "a name that is taken",
      '{ "kv_namespaces": [{ "binding": "TELEMETRY", "id": "1" }] }',
      [],
      1,
      /the name TELEMETRY is taken in kv_namespaces: choose another with --aggregator-binding NAME/,
    ],
    [
      "a variable's name",
      '{ "vars": { "TELEMETRY_KV": "1" } }',
      [],
      1,
      /TELEMETRY_KV is taken in vars: choose another with --kv-binding NAME/,
    ],
  ];
  for (const [what, content, args, expectedCode, message] of refusals) {
    test(`${what}: one line says what to do, and nothing is written`, async () => {
      workspace.write("wrangler.jsonc", content);
      workspace.write("w.toml", 'name = "shop"');
      const { code, out, err } = await workspace.run("init", "--write", ...args);
      assert.equal(code, expectedCode, err);
      assert.match(err, message);
      assert.match(err, /^isotel: .*\n$/);
      assert.equal(out, "");
      assert.equal(workspace.read("wrangler.jsonc"), content);
    });
  }
});
