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
      /^wrangler\.jsonc was changed\. Next: npx isotel setup creates the queues\.$/m,
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

  // [observability before, observability after, whether --traces is given]
  const switches: readonly (readonly [string, string, boolean])[] = [
    ['{ "enabled": false }', '{ "enabled": false }', false],
    ['{ "enabled": false }', '{ "enabled": false, "traces": { "enabled": true } }', true],
    ['{ "enabled": true }', '{ "enabled": true, "traces": { "enabled": true } }', false],
    [
      '{ "logs": { "enabled": true } }',
      '{ "logs": { "enabled": true }, "traces": { "enabled": true } }',
      false,
    ],
    ['{ "enabled": false, "traces": { "enabled": true } }', "", false],
    ['{ "enabled": true, "traces": { "enabled": false } }', "", true],
    [
      '{ "traces": { "head_sampling_rate": 0.5 } }',
      '{ "traces": { "head_sampling_rate": 0.5, "enabled": true } }',
      false,
    ],
    ['{ "enabled": false, "traces": { "head_sampling_rate": 0.5 } }', "", false],
  ];
  for (const [before, after, isAsked] of switches) {
    test(`observability ${before}${isAsked ? ", with --traces" : ""}: tracing that is switched off stays off unless asked for`, async () => {
      workspace.write("wrangler.jsonc", `{ "observability": ${before} }`);
      const { out } = await workspace.run("init", "--write", ...(isAsked ? ["--traces"] : []));
      const written = JSON.parse(workspace.read("wrangler.jsonc")) as Record<string, unknown>;
      assert.deepEqual(written["observability"], JSON.parse(after || before));
      const { enabled, traces } = written["observability"] as {
        enabled?: boolean;
        traces?: { enabled?: boolean };
      };
      const isOn = traces?.enabled ?? enabled;
      assert.equal(out.includes("note: tracing is switched off"), isOn !== true, out);
    });
  }

  test("tracing that is switched off: the note names what switches it on", async () => {
    workspace.write("wrangler.jsonc", '{ "observability": { "enabled": false } }');
    const { out } = await workspace.run("init");
    assert.match(
      out,
      /switched off by observability\.enabled: npx isotel init --traces switches it on/,
    );
  });

  test("an environment's own observability wins over that of the top level", async () => {
    workspace.write(
      "wrangler.jsonc",
      '{ "observability": { "enabled": true }, "env": { "a": { "observability": { "enabled": false } }, "b": {} } }',
    );
    const off = await workspace.run("init", "--env", "a");
    assert.match(off.out, /switched off by env\.a\.observability\.enabled/);
    await workspace.run("init", "--env", "b", "--traces", "--write");
    const written = JSON.parse(workspace.read("wrangler.jsonc")) as Record<string, unknown>;
    assert.deepEqual(written["observability"], { enabled: true, traces: { enabled: true } });
  });

  const keysOf = () => Object.keys(JSON.parse(workspace.read("wrangler.jsonc")) as object).sort();

  test("one part alone adds only its keys", async () => {
    const flags = ["compatibility_flags"];
    const metrics = ["durable_objects", "kv_namespaces", "migrations", "queues"];
    const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
      [["--traces"], [...flags, "observability"]],
      [["--metrics"], [...flags, ...metrics]],
      [
        ["--collector", "c"],
        [...flags, "streaming_tail_consumers"],
      ],
      [
        ["--traces", "--collector", "c"],
        [...flags, "observability", "streaming_tail_consumers"],
      ],
      [["--all"], [...flags, ...metrics, "observability"]],
      [[], [...flags, ...metrics, "observability"]],
    ];
    for (const [parts, keys] of cases) {
      workspace.write("wrangler.jsonc", "{}");
      await workspace.run("init", "--write", ...parts);
      assert.deepEqual(keysOf(), [...keys].sort(), parts.join(" "));
      const { changed } = await workspace.json("init", ...parts);
      assert.equal(changed, false);
    }
  });

  test("plain init names its default, the parts and the lines of the main module", async () => {
    workspace.write("wrangler.jsonc", '{ "main": "src/index.ts" }');
    const plain = await workspace.run("init");
    assert.match(
      plain.out,
      /^note: --all is the default; --traces, --metrics and --collector NAME/m,
    );
    assert.match(plain.out, /deploys only if its main module, src\/index\.ts, has these lines:/);
    assert.match(plain.out, /^ {2}export \{ TelemetryAggregator \} from "isotel\/aggregator";$/m);
    const named = await workspace.run("init", "--metrics", "--class", "Sums");
    assert.match(named.out, /^ {2}export \{ TelemetryAggregator as Sums \} from/m);
    const traces = await workspace.run("init", "--traces");
    assert.doesNotMatch(traces.out, /note:|aggregator/);
    const elsewhere = await workspace.run("init", "--metrics", "--script-name", "api");
    assert.doesNotMatch(elsewhere.out, /main module|migrations/);
    assert.match(elsewhere.out, /"script_name": "api"/);
  });

  test("wrangler.toml keeps its text, and wrangler reads what is added", async () => {
    const before = readFileSync(join(fixtures, "../toml/before.toml"), "utf8");
    for (const eol of ["\n", "\r\n"]) {
      const text = before.replaceAll("\n", eol);
      workspace.write("wrangler.toml", text);
      const args = ["init", "--config", "wrangler.toml"];
      const { code, err } = await workspace.run(...args, "--write");
      assert.equal(code, 0, err);
      const written = workspace.read("wrangler.toml");
      assert.ok(isContained(text, written));
      assert.ok(!written.replaceAll("\r\n", "").includes(eol === "\n" ? "\r" : "\n"));
      const path = join(workspace.folder, "wrangler.toml");
      const config = await asWranglerReads(path, undefined);
      assert.deepEqual(config.compatibility_flags, ["nodejs_compat", "nodejs_als"]);
      assert.deepEqual(
        config.kv_namespaces.map(({ binding }) => binding),
        ["KV", "TELEMETRY_KV"],
      );
      assert.equal(config.queues.producers?.[0]?.queue, "shop-telemetry");
      assert.equal(config.queues.consumers?.[0]?.queue, "shop-telemetry");
      assert.equal(config.observability?.traces?.enabled, true);
      assert.equal(config.durable_objects.bindings[0]?.class_name, "TelemetryAggregator");
      assert.equal(config.migrations.length, 1);
      const { changed } = await workspace.json(...args);
      assert.equal(changed, false);
    }
  });

  test("wrangler.toml with inline lists: the lines to merge are printed, and nothing is written", async () => {
    const before = 'name = "shop"\nkv_namespaces = [{ binding = "KV", id = "1" }]\n';
    workspace.write("wrangler.toml", before);
    const { code, out, err } = await workspace.run("init", "--write", "--config", "wrangler.toml");
    assert.equal(code, 1);
    assert.match(err, /^isotel: wrangler\.toml has inline tables or lists .* by hand\n$/);
    assert.match(out, /^\[\[kv_namespaces\]\]\nbinding = "TELEMETRY_KV"$/m);
    assert.equal(workspace.read("wrangler.toml"), before);
  });

  test("a syntax error in wrangler.toml does not print the file", async () => {
    workspace.write("wrangler.toml", '[vars]\nKEY = "hunter2-hunter2\n');
    const { code, out, err } = await workspace.run("init", "--config", "wrangler.toml");
    assert.equal(code, 1);
    assert.match(err, /^isotel: wrangler\.toml:2:\d+: /);
    assert.doesNotMatch(out + err, /hunter2/);
  });

  test("cloudflare.config.ts: the lines to paste have its names", async () => {
    workspace.write("cloudflare.config.ts", "");
    const args = ["--config", "cloudflare.config.ts", "--all", "--collector", "collector"];
    const { code, out } = await workspace.run("init", ...args);
    assert.equal(code, 0);
    const expected = [
      'compatibilityFlags: ["nodejs_compat"],',
      'experimental: { streamingTailConsumers: [{ worker: "collector" }] },',
      '  TELEMETRY_QUEUE: { type: "queue", name: "worker-telemetry" },',
      '  TelemetryAggregator: { type: "durable-object", storage: "sqlite" },',
      '  TELEMETRY: { type: "durable-object", exportName: "TelemetryAggregator" },',
    ];
    for (const line of expected) assert.ok(out.split("\n").includes(line), out);
  });

  const refusals: readonly (readonly [string, string, readonly string[], number, RegExp])[] = [
    ["no TOML", "", ["--config", "w.toml"], 1, /w\.toml:1:8: [^:]+: correct the file first\n$/],
    [
      "a list as observability",
      '{ "observability": [] }',
      [],
      1,
      /observability is a list of 0; it has to be an object: correct/,
    ],
    [
      "a boolean as observability",
      '{ "observability": false }',
      [],
      1,
      /observability is false; it has to be an object: correct/,
    ],
    [
      "a text in observability",
      '{ "observability": { "traces": { "enabled": "yes" } } }',
      [],
      1,
      /observability\.traces\.enabled is a string of 3 characters; it has to be true or false/,
    ],
    [
      "nested too deeply",
      `{ "vars": ${"[".repeat(100_000)}`,
      [],
      1,
      /wrangler\.jsonc:1:\d+: nested deeper than 100 levels: correct/,
    ],
    [
      "too large",
      " ".repeat(1024 * 1024 + 1),
      [],
      1,
      /wrangler\.jsonc is too large: it has more than 1 M/,
    ],
    ["a folder", "", ["--config", "."], 1, /is a folder: give the path of a file/],
    [
      "a collector of a Pages project",
      '{ "pages_build_output_dir": "out" }',
      ["--collector", "c"],
      2,
      /--collector: a Pages project cannot have streaming_tail_consumers/,
    ],
    [
      "a configuration in code, to be written",
      "",
      ["--config", "cloudflare.config.ts"],
      2,
      /cloudflare\.config\.ts is code, which isotel does not edit: run without --write/,
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
      workspace.write("w.toml", "name = shop");
      workspace.write("cloudflare.config.ts", "");
      const { code, out, err } = await workspace.run("init", "--write", ...args);
      assert.equal(code, expectedCode, err);
      assert.match(err, message);
      assert.match(err, /^isotel: .*\n$/);
      assert.equal(out, "");
      assert.equal(workspace.read("wrangler.jsonc"), content);
    });
  }
});
