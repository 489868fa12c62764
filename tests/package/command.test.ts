import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { root } from "../wasm/support/module.ts";
import { Project } from "./support/project.ts";

const worker = `export { TelemetryAggregator } from "isotel/aggregator";
import { withTelemetry } from "isotel";
const fetch = () => new Response("hello");
export default withTelemetry({ fetch }, (env) => ({ metrics: { queue: env.TELEMETRY_QUEUE } }));
`;

const config = `{
  // A Worker that has nothing yet.
  "name": "fresh",
  "main": "worker.js",
  "compatibility_date": "2026-11-17"
}
`;

/** What a program printed that failed. */
interface Failed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe("npx isotel, from the tarball in a fresh project", () => {
  const project = new Project();
  const isotel = (...args: readonly string[]) => project.run("npx", "isotel", ...args);
  before(async () => {
    await project.install(await project.pack());
    project.write("worker.js", worker);
    project.write("wrangler.jsonc", config);
  });
  after(() => project.remove());

  test("it needs no package beside it, and has the licences of what it carries", () => {
    const folder = join(project.folder, "node_modules");
    for (const name of ["cloudflare", "jsonc-parser", "smol-toml"])
      assert.ok(!existsSync(join(folder, name)));
    const licences = readFileSync(join(folder, "isotel/dist/cli/LICENSES.txt"), "utf8");
    assert.match(licences, /^cloudflare [\d.]+ \(Apache-2\.0\)$/m);
    assert.match(licences, /^jsonc-parser [\d.]+ \(MIT\)$/m);
    assert.match(licences, /^smol-toml [\d.]+ \(BSD-3-Clause\)$/m);
    assert.match(licences, /Apache License/);
    assert.match(licences, /Permission is hereby granted, free of charge/);
  });

  test("help lists the commands", async () => {
    const help = await isotel("--help");
    for (const command of [
      "init",
      "setup",
      "destinations add",
      "gateway otel add",
      "decode FILE",
    ]) {
      assert.ok(help.includes(`  ${command} `), help);
    }
  });

  test("init makes a configuration that wrangler deploys with the aggregator in it", async () => {
    assert.match(await isotel("init"), /^\+ {2}"migrations": /m);
    assert.equal(readFileSync(join(project.folder, "wrangler.jsonc"), "utf8"), config);
    await isotel("init", "--write");
    const shown = await project.run("wrangler", "deploy", "--dry-run", "--outdir", "deployed");
    for (const binding of ["TELEMETRY ", "TELEMETRY_KV", "TELEMETRY_QUEUE"]) {
      assert.ok(shown.includes(`env.${binding}`), shown);
    }
    const script = readFileSync(join(project.folder, "deployed/worker.js"), "utf8");
    assert.doesNotMatch(script, /stainless|allowTrailingComma/i, "it carries the command");
    const again = JSON.parse(await isotel("init", "--json")) as { changed: boolean };
    assert.equal(again.changed, false);
  });

  test("init --traces makes a Worker without the aggregator deploy", async () => {
    project.write("traced.js", 'export default { fetch: () => new Response("hello") };\n');
    project.write("traced.jsonc", config.replace("worker.js", "traced.js"));
    const named = ["--config", "traced.jsonc"];
    await isotel("init", "--traces", "--collector", "collector", "--write", ...named);
    const shown = await project.run("wrangler", "deploy", "--dry-run", ...named);
    assert.doesNotMatch(shown, /env\.TELEMETRY/);
    // With the aggregator it needs the lines that init prints.
    const printed = await isotel("init", "--metrics", "--write", ...named);
    const refused = await project.run("wrangler", "deploy", "--dry-run", ...named).then(
      () => assert.fail("it did not fail"),
      (error: unknown) => error as Failed,
    );
    assert.match(refused.stderr, /TelemetryAggregator/);
    const lines = printed.match(/^ {2}(?:import|export) .*$/gm) ?? [];
    assert.equal(lines.length, 2);
    project.write(
      "traced.js",
      `${lines.join("\n")}\nimport { withTelemetry } from "isotel";
const fetch = () => new Response("hello");
export default withTelemetry({ fetch }, (env) => ({ metrics: { queue: env.TELEMETRY_QUEUE } }));\n`,
    );
    const deployed = await project.run("wrangler", "deploy", "--dry-run", ...named);
    assert.match(deployed, /env\.TELEMETRY \(TelemetryAggregator\)/);
  });

  test("init on wrangler.toml makes a configuration that wrangler deploys", async () => {
    project.write(
      "wrangler.toml",
      '# mine\nname = "fresh"\nmain = "worker.js"\ncompatibility_date = "2026-11-17"\n',
    );
    const named = ["--config", "wrangler.toml"];
    await isotel("init", "--write", ...named);
    const shown = await project.run("wrangler", "deploy", "--dry-run", ...named);
    for (const binding of ["TELEMETRY ", "TELEMETRY_KV", "TELEMETRY_QUEUE"]) {
      assert.ok(shown.includes(`env.${binding}`), shown);
    }
  });

  test("init on a Pages project makes a configuration that wrangler accepts for Pages", async () => {
    const build = () =>
      project.run(
        ...(["wrangler", "pages", "functions", "build", "--cwd", "site"] as const),
        ...["--outdir=built", "--project-directory=.", "--build-metadata-path=built.json"],
      );
    const site = {
      name: "site",
      pages_build_output_dir: "./out",
      compatibility_date: "2026-11-17",
    };
    const named = ["--config", "site/wrangler.jsonc"];
    project.write("site/functions/index.js", 'export const onRequest = () => new Response("x");');
    for (const script of [[], ["--script-name", "api"]]) {
      project.write("site/wrangler.jsonc", site);
      await isotel("init", "--write", ...script, ...named);
      await build();
    }
    const written = readFileSync(join(project.folder, "site/wrangler.jsonc"), "utf8");
    assert.deepEqual(Object.keys(JSON.parse(written) as object), [
      ...Object.keys(site),
      "compatibility_flags",
      "queues",
      "durable_objects",
    ]);
    // What Pages refuses, the same command of wrangler refuses.
    project.write("site/wrangler.jsonc", { ...site, migrations: [{ tag: "a" }] });
    await assert.rejects(build());
  });

  test("decode finds its module", async () => {
    project.copy(join(root, "tests/native/metrics/fixtures/v1_snapshot.bin"), "snapshot.bin");
    const decoded = JSON.parse(await isotel("decode", "snapshot.bin")) as Record<string, unknown>;
    assert.equal(decoded["kind"], "snapshot");
    assert.ok((decoded["families"] as unknown[]).length > 5);
  });

  test("what fails is one line on standard error and an exit code", async () => {
    const failed = await isotel("decode", "none.bin").then(
      () => assert.fail("it did not fail"),
      (error: unknown) => error as Failed,
    );
    assert.equal(failed.code, 2);
    assert.equal(failed.stdout, "");
    assert.match(failed.stderr, /^isotel: none\.bin: no such file\n$/);
  });
});
