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
    for (const name of ["cloudflare", "jsonc-parser"]) assert.ok(!existsSync(join(folder, name)));
    const licences = readFileSync(join(folder, "isotel/dist/cli/LICENSES.txt"), "utf8");
    assert.match(licences, /^cloudflare [\d.]+ \(Apache-2\.0\)$/m);
    assert.match(licences, /^jsonc-parser [\d.]+ \(MIT\)$/m);
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
