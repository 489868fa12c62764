import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { env } from "node:process";
import { after, before, describe, test } from "node:test";
import { root } from "../wasm/support/module.ts";
import { Project } from "./support/project.ts";

/** Calls that throw, each from another entry of the package. */
const calls = {
  metrics: `() => counter("orders", { labels: [""] })`,
  otlp: `() => configureTelemetry({ backend: "none" }, {})`,
  gateway: `() => configureAIGateway({ provider: "no provider" })`,
  ai: `() => wrapAISDK("ai")`,
};

const imports = `import { counter } from "isotel/metrics";
import { configureTelemetry } from "isotel/otlp";
import { configureAIGateway } from "isotel/gateway";
import { wrapAISDK } from "isotel/ai";
`;
const stacks = `${imports}
const stackOf = (call) => {
  try {
    call();
  } catch (error) {
    return error.stack;
  }
};
const stacks = () => ({
  ${Object.entries(calls)
    .map(([name, call]) => `${name}: stackOf(${call}),`)
    .join("\n  ")}
});
`;

type Stacks = Readonly<Record<keyof typeof calls, string>>;

interface Place {
  readonly file: string;
  /** From 1 on. */
  readonly line: number;
}

/** The first place in a stack trace. */
function thrownAt(stack: string): Place & { readonly column: number } {
  const [, file = "", line, column] = /^ +at .*?([^\s(]+):(\d+):(\d+)\)?$/m.exec(stack) ?? [];
  assert.ok(file !== "", stack);
  return { file: file.replace(/^file:\/\//, ""), line: Number(line), column: Number(column) };
}

/** Fails unless the line of that place in the repository throws a TypeError. */
function assertThrows({ file, line }: Place): void {
  const [, path = ""] = /\/(bindings\/.*)$/.exec(file) ?? [];
  const lines = readFileSync(join(root, path), "utf8").split("\n");
  assert.match(lines[line - 1] ?? "", /throw new TypeError\(/, `${file}:${line}`);
}

describe("source maps of the package, installed into a fresh project", () => {
  const project = new Project();
  before(async () => {
    await project.install(await project.pack());
  });
  after(() => project.remove());

  test("every module but the command has a map of lines of bindings/, without their text", () => {
    const dist = join(project.folder, "node_modules/isotel/dist");
    const modules = globSync("**/*.js", { cwd: dist }).filter((file) => !file.startsWith("cli/"));
    assert.ok(modules.length > 10);
    for (const file of modules) {
      const code = readFileSync(join(dist, file), "utf8");
      const [, mapFile = ""] = /\n\/\/# sourceMappingURL=(.*)\n?$/.exec(code) ?? [];
      const mapPath = join(dist, dirname(file), mapFile);
      assert.ok(mapFile !== "" && existsSync(mapPath), `${file} names no map`);
      const map = JSON.parse(readFileSync(mapPath, "utf8")) as {
        sources: string[];
        sourcesContent?: unknown;
      };
      assert.equal(map.sourcesContent, undefined);
      for (const source of map.sources) {
        const path = relative(dirname(dist), resolve(dirname(mapPath), source));
        assert.ok(existsSync(join(root, path)) && path.startsWith("bindings/"), source);
      }
    }
  });

  test("in Node a stack trace names the line that throws", async () => {
    project.write("main.js", `${stacks}console.log(JSON.stringify(stacks()));`);
    const printed = await project.run("node", "--enable-source-maps", "main.js");
    for (const stack of Object.values(JSON.parse(printed) as Stacks)) assertThrows(thrownAt(stack));
  });

  test("in workerd the map that wrangler makes leads to the line that throws", async () => {
    const worker = `${stacks}export default { fetch: () => Response.json(stacks()) };`;
    project.write("worker.js", worker);
    project.write("wrangler.json", {
      name: "maps",
      main: "worker.js",
      compatibility_date: "2026-11-17",
      compatibility_flags: ["nodejs_compat"],
    });
    await project.run("wrangler", "deploy", "--dry-run", "--outdir", "deployed");
    const deployed = join(project.folder, "deployed");
    const map = new SourceMap(JSON.parse(readFileSync(join(deployed, "worker.js.map"), "utf8")));
    // The script that wrangler has made, as it is.
    project.write("deployed/wrangler.json", {
      name: "deployed",
      main: "worker.js",
      no_bundle: true,
      rules: [{ type: "CompiledWasm", globs: ["**/*.wasm"] }],
      compatibility_date: "2026-11-17",
      compatibility_flags: ["nodejs_compat"],
    });
    env["WRANGLER_SEND_METRICS"] = "false";
    env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
    const { createTestHarness } = await import("wrangler");
    const harness = createTestHarness({
      root: deployed,
      workers: [{ configPath: "wrangler.json" }],
    });
    try {
      await harness.listen();
      const answer = (await (await harness.fetch("/")).json()) as Stacks;
      for (const stack of Object.values(answer)) {
        const { line, column } = thrownAt(stack);
        const origin = map.findOrigin(line, column);
        assert.ok("fileName" in origin, stack);
        assertThrows({ file: origin.fileName, line: origin.lineNumber });
      }
    } finally {
      await harness.close();
    }
  });
});
