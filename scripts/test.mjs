// Builds and runs the tests. Usage: test.mjs [section...] [--flag-for-node-test...] Stops at the first section that
// fails. The last line has the total of all sections that ran.
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { buildDist, buildPreset } from "./build.mjs";
import { root, run } from "./process.mjs";

const flags = process.argv.slice(2).filter((argument) => argument.startsWith("-"));
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));

// The workerd section writes its spans here. The conformance section checks them.
const spansFolder = mkdtempSync(join(tmpdir(), "isotel-spans-"));

// Keeps Wrangler off the network. Disables colours, because the last lines are parsed below.
const testEnvironment = {
  WRANGLER_SEND_METRICS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  FORCE_COLOR: "0",
  ISOTEL_SPANS_DIR: spansFolder,
};

async function ctest(preset) {
  await buildPreset(preset);
  const { code, output } = await run("ctest", ["--preset", preset], { echo: process.stdout });
  const [, failed = 0, total = 0] = /(\d+) tests failed out of (\d+)/.exec(output) ?? [];
  return { code, passed: total - failed, failed: Number(failed), skipped: 0 };
}

async function nodeTests(folder, env = {}) {
  await buildPreset("wasi");
  await buildDist();
  const { code, output } = await run(
    "node",
    [
      "--test",
      "--test-reporter=spec",
      "--test-timeout=300000",
      // One file more than cores, because files also wait: for timers, processes and workerd.
      `--test-concurrency=${availableParallelism() + 1}`,
      ...flags,
      `tests/${folder}/**/*.test.ts`,
    ],
    { env: { ...testEnvironment, ...env }, echo: process.stdout },
  );
  const count = (name) => Number(new RegExp(`^ℹ ${name} (\\d+)$`, "m").exec(output)?.[1] ?? 0);
  return {
    code,
    passed: count("pass"),
    failed: count("fail") + count("cancelled"),
    skipped: count("skipped") + count("todo"),
  };
}

async function typeTests() {
  await buildPreset("wasi");
  await buildDist();
  const files = globSync("tests/types/**/*.ts", { cwd: root });
  const { code, output } = await run("tsc", ["--project", "tsconfig.types.json"], {
    echo: process.stdout,
  });
  const failed = new Set(output.match(/^tests\/types\/[^(]+/gm)).size;
  return { code, passed: files.length - failed, failed, skipped: 0 };
}

async function wasmTests(build) {
  await buildPreset(build);
  return nodeTests("wasm", { ISOTEL_WASM_BUILD: build });
}

/** Without the workerd section there are no spans of other suites to check. */
function conformanceTests() {
  const hasSpans = selected.some(([name]) => name === "workerd");
  return nodeTests("conformance", hasSpans ? {} : { ISOTEL_SPANS_DIR: "" });
}

const sections = [
  ["native", "native core under ASan and UBSan", () => ctest("native-asan")],
  ["wasm", "Wasm module, wasi build", () => wasmTests("wasi")],
  ["wasm", "Wasm module, Emscripten build", () => wasmTests("emscripten")],
  ["unit", "bindings in Node", () => nodeTests("unit")],
  ["types", "published types", typeTests],
  ["workerd", "bindings and Worker in workerd", () => nodeTests("workerd")],
  ["oracle", "AI calls as their callers saw them", () => nodeTests("oracle")],
  ["prometheus", "a real Prometheus scrapes", () => nodeTests("prometheus")],
  ["conformance", "spans against the conventions", () => conformanceTests()],
  ["package", "the package as users install it", () => nodeTests("package")],
  ["fuzz", "fuzzers", () => ctest("native-fuzz")],
];

const onRequest = ["fuzz"];
const unknown = wanted.filter((name) => !sections.some(([section]) => section === name));
if (unknown.length > 0) {
  console.error(`No such section: ${unknown.join(", ")}`);
  process.exit(2);
}
const selected = sections.filter(([name]) =>
  wanted.length > 0 ? wanted.includes(name) : !onRequest.includes(name),
);

const summaries = [];
const total = { passed: 0, failed: 0, skipped: 0 };
for (const [, title, runSection] of selected) {
  console.log(`\n== ${title}`);
  const result = await runSection().catch((error) => {
    console.log(error.message);
    return { code: 1, passed: 0, failed: 1, skipped: 0 };
  });
  // A runner that crashed or found no test has not passed.
  if (result.failed === 0 && (result.code !== 0 || result.passed === 0)) {
    result.failed = 1;
  }
  for (const key of Object.keys(total)) {
    total[key] += result[key];
  }
  summaries.push(
    `${result.failed > 0 ? "failed" : "ok    "}  ${title}: ${result.passed} passed, ${result.failed} failed`,
  );
  if (result.failed > 0) {
    break;
  }
}

console.log(`\n${summaries.join("\n")}`);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
rmSync(spansFolder, { recursive: true, force: true });
process.exitCode = total.failed > 0 ? 1 : 0;
