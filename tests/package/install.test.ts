import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { after, before, describe, test } from "node:test";
import { root } from "../wasm/support/module.ts";
import { Project } from "./support/project.ts";

const worker = `import { tracer } from "isotel";
const work = (span) => Response.json({ isTraced: span.isTraced, ...tracer.diagnostics() });
export default { fetch: () => tracer.withSpan("hello", { "app.key": 1 }, work) };
`;

const aiWorker = `import { wrapAISDK } from "isotel/ai";
const { generateText } = wrapAISDK({ generateText: async ({ prompt }) => ({ text: prompt }) });
export default { fetch: async () => Response.json(await generateText({ prompt: "hello" })) };
`;

const gatewayWorker = `import { configureAIGateway } from "isotel/gateway";
const accountId = "0123456789abcdef0123456789abcdef";
const gateway = configureAIGateway({ accountId, gatewayId: "shop", provider: "compat" });
export default { fetch: () => Response.json(gateway) };
`;

const configOf = (name: string, main: string) => ({
  name,
  main,
  compatibility_date: "2026-11-17",
  compatibility_flags: ["nodejs_compat"],
});

/** Bundles a file of a project with plain esbuild; the folder of the result. */
async function bundled(project: Project, name: string): Promise<string> {
  const outdir = `bundled_${name}`;
  await project.run(
    "esbuild",
    `${name}.js`,
    "--bundle",
    "--minify",
    "--format=esm",
    "--target=es2022",
    "--conditions=workerd",
    "--loader:.wasm=copy",
    "--external:cloudflare:*",
    "--external:node:*",
    `--outdir=${outdir}`,
  );
  return join(project.folder, outdir);
}

describe("the package, installed from its tarball into a fresh project", () => {
  const project = new Project();
  before(async () => {
    await project.install(await project.pack());
    project.write("worker.js", worker);
    project.write("ai_worker.js", aiWorker);
    project.write("gateway_worker.js", gatewayWorker);
    project.write("wrangler.json", configOf("fresh", "worker.js"));
    project.write("ai_wrangler.json", configOf("fresh-ai", "ai_worker.js"));
  });
  after(() => project.remove());

  test("it brings no other package with it", () => {
    const installed = readdirSync(join(project.folder, "node_modules")).filter(
      (name) => !name.startsWith("."),
    );
    assert.deepEqual(installed, ["isotel"]);
  });

  test("three lines of a Worker run in workerd, with the core at work", async () => {
    env["WRANGLER_SEND_METRICS"] = "false";
    env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
    env["X_LOCAL_OBSERVABILITY"] = "true";
    const { createTestHarness } = await import("wrangler");
    const harness = createTestHarness({
      root: project.folder,
      workers: [{ configPath: "wrangler.json" }, { configPath: "ai_wrangler.json" }],
    });
    try {
      await harness.listen();
      const seen = (await (await harness.fetch("/")).json()) as Record<string, unknown>;
      assert.equal(seen["isTraced"], true);
      assert.equal(seen["spans_opened"], 1);
      assert.equal(seen["traps"], 0);
      assert.ok(Number(seen["memory_bytes"]) > 0);
      const answer = await harness.getWorker("fresh-ai").fetch("/");
      assert.deepEqual(await answer.json(), { text: "hello" });
    } finally {
      await harness.close();
    }
  });

  test("wrangler bundles it with core.wasm as a module of its own", async () => {
    await project.run("wrangler", "deploy", "--dry-run", "--outdir", "deployed");
    const files = readdirSync(join(project.folder, "deployed"));
    assert.equal(files.filter((name) => name.endsWith(".wasm")).length, 1, files.join());
    const script = readFileSync(join(project.folder, "deployed/worker.js"), "utf8");
    assert.match(script, /import \w+ from "\.\/[^"]*core\.wasm"/);
    assert.doesNotMatch(script, /node:fs|compileStreaming|AGFzbQ/);
  });

  test("plain esbuild bundles it, with core.wasm as a file of its own", async () => {
    for (const name of ["worker", "ai_worker"]) {
      const bundle = await bundled(project, name);
      const [module, ...others] = readdirSync(bundle).filter((file) => file !== `${name}.js`);
      assert.deepEqual(others, []);
      const core = readFileSync(join(root, "dist/wasm/core.wasm"));
      assert.deepEqual(readFileSync(join(bundle, String(module))), core);
    }
  });

  test("a Worker that only goes through AI Gateway carries no core, no tracer and no names of secrets", async () => {
    const bundle = await bundled(project, "gateway_worker");
    assert.deepEqual(readdirSync(bundle), ["gateway_worker.js"]);
    const script = readFileSync(join(bundle, "gateway_worker.js"), "utf8");
    assert.match(script, /gateway\.ai\.cloudflare\.com/);
    assert.doesNotMatch(script, /WebAssembly|\.wasm|startActiveSpan|withSpan|samlresponse/);
  });

  test("a Worker that wants the tracer alone does not carry what is for the AI SDK", async () => {
    const script = readFileSync(join(await bundled(project, "worker"), "worker.js"), "utf8");
    assert.doesNotMatch(script, /wrapAISDK|doGenerate|teeStream/);
  });

  test("in Node it loads its core, records nothing and leaves results alone", async () => {
    project.write(
      "main.js",
      `import { tracer, withInvocationScope } from "isotel";
      import { wrapAISDK } from "isotel/ai";
      const { generateText } = wrapAISDK({ generateText: async () => "text" });
      const traced = withInvocationScope(() => tracer.withSpan("work", {}, (span) => span.isTraced));
      const { traps } = tracer.diagnostics();
      console.log(JSON.stringify({ traced, traps, text: await generateText({}) }));`,
    );
    const answer: unknown = JSON.parse(await project.run("node", "main.js"));
    assert.deepEqual(answer, { traced: false, traps: 0, text: "text" });
  });

  test("its class has its name, and so does a class of the user's that extends it", async () => {
    project.write(
      "names.js",
      `import { TelemetryAggregator } from "isotel/aggregator";
      class Own extends TelemetryAggregator {}
      console.log(JSON.stringify([TelemetryAggregator.name, Own.name]));`,
    );
    const names: unknown = JSON.parse(await project.run("node", "names.js"));
    assert.deepEqual(names, ["TelemetryAggregator", "Own"]);
  });

  test("what is not public cannot be imported", async () => {
    for (const path of ["isotel/dist/index.js", "isotel/core", "isotel/dist/wasm/core.wasm"]) {
      project.write("private.js", `await import("${path}")`);
      await assert.rejects(project.run("node", "private.js"), /ERR_PACKAGE_PATH_NOT_EXPORTED/);
    }
    project.write("manifest.js", `await import("isotel/package.json", { with: { type: "json" } })`);
    await project.run("node", "manifest.js");
  });

  for (const [moduleResolution, module] of [
    ["bundler", "preserve"],
    ["nodenext", "nodenext"],
  ] as const) {
    test(`its types hold up in a strict project that checks libraries (${moduleResolution})`, async () => {
      project.copy(join(root, "node_modules/@cloudflare"), "node_modules/@cloudflare");
      project.write(
        "typed.ts",
        `import { tracer, withInvocationScope } from "isotel";
        import { wrapAISDK } from "isotel/ai";
        import { configureAIGateway } from "isotel/gateway";
        import { TelemetryAggregator } from "isotel/aggregator";
        import { counter, defineMetrics } from "isotel/metrics";
        const gateway: string = configureAIGateway({ provider: "compat" }).baseURL;
        const { orders } = defineMetrics({ orders: counter("orders", { labels: ["plan"] }) });
        orders.add(1, { plan: "pro" });
        export class Aggregator extends TelemetryAggregator {}
        const text: string = withInvocationScope(() => tracer.withSpan("work", {}, () => "text"));
        const { generateText } = wrapAISDK({ generateText: async (prompt: string) => prompt });
        export const both: Promise<string> = generateText(text + gateway);`,
      );
      project.write("tsconfig.json", {
        compilerOptions: {
          target: "es2022",
          module,
          moduleResolution,
          lib: ["es2023"],
          types: ["@cloudflare/workers-types"],
          strict: true,
          exactOptionalPropertyTypes: true,
          skipLibCheck: false,
          noEmit: true,
        },
        files: ["typed.ts"],
      });
      await project.run("tsc", "--project", "tsconfig.json").catch((error: unknown) => {
        assert.fail((error as { stdout?: string }).stdout ?? String(error));
      });
    });
  }
});
