import assert from "node:assert/strict";
import { readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { root } from "../wasm/support/module.ts";
import { Project } from "./support/project.ts";

const frameworks = "tests/frameworks/node_modules";
const resolutions = ["bundler", "nodenext", "node16"] as const;

/** Compiles a file as strictly as a user can, with every declaration that it reaches. */
async function compile(
  project: Project,
  file: string,
  types: readonly string[],
  moduleResolution: (typeof resolutions)[number],
): Promise<string> {
  project.write("tsconfig.json", {
    compilerOptions: {
      target: "es2022",
      lib: ["es2024"],
      module: moduleResolution === "bundler" ? "preserve" : moduleResolution,
      moduleResolution,
      types,
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
    },
    files: [file],
  });
  return project.run("tsc").catch((error: { stdout?: string }) => error.stdout ?? String(error));
}

describe("the published types, without skipLibCheck", () => {
  const project = new Project();
  const use = (from: string, name: string) => {
    symlinkSync(join(root, from, name), join(project.folder, "node_modules", name));
  };
  before(async () => {
    await project.install(await project.pack());
    project.copy(join(root, "tests/frameworks/types"), ".");
    for (const name of ["hono", "itty-router"]) use(frameworks, name);
    for (const name of ["@cloudflare", "@types", "undici-types"]) use("node_modules", name);
  });
  after(() => project.remove());

  for (const resolution of resolutions) {
    test(`a program for Node needs no Workers types: ${resolution}`, async () => {
      assert.equal(await compile(project, "node.ts", ["node"], resolution), "");
    });

    test(`the entry for the OpenTelemetry API needs no types of the API: ${resolution}`, async () => {
      assert.equal(await compile(project, "opentelemetry.ts", [], resolution), "");
    });

    test(`env and handlers keep their types, with Hono, itty-router and classes: ${resolution}`, async () => {
      const types = ["@cloudflare/workers-types"];
      assert.equal(await compile(project, "workers.ts", types, resolution), "");
    });
  }

  test("env is what wrangler generates if a handler does not declare it", async () => {
    project.write("wrangler.json", {
      name: "generated",
      main: "generated_env.ts",
      compatibility_date: "2026-11-17",
      kv_namespaces: [{ binding: "TELEMETRY_KV", id: "telemetry" }],
      queues: { producers: [{ binding: "TELEMETRY_QUEUE", queue: "telemetry" }] },
      durable_objects: { bindings: [{ name: "TELEMETRY", class_name: "TelemetryAggregator" }] },
      migrations: [{ tag: "v1", new_sqlite_classes: ["TelemetryAggregator"] }],
    });
    await project.run("wrangler", "types");
    assert.ok(readdirSync(project.folder).includes("worker-configuration.d.ts"));
    const types = ["./worker-configuration.d.ts"];
    assert.equal(await compile(project, "generated_env.ts", types, "bundler"), "");
  });
});
