// Checks formatting, lint, types and the rules of the project. check.mjs --fix corrects what can be corrected.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildDist, buildPreset } from "./build.mjs";
import { importFaults } from "./check_imports.mjs";
import { must, root, run, step } from "./process.mjs";
import { llvm } from "./toolchain.mjs";

const fix = process.argv.includes("--fix");

const cxxFiles = globSync(["src/**/*.{h,cc}", "tests/**/*.{h,cc}"], {
  cwd: root,
  exclude: (name) => name === "node_modules",
});

/** The version is in package.json only. No other published file may repeat it. */
async function checkVersion() {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const paths = ["CMakeLists.txt", "cmake", "src", "bindings", "worker", "docs", "README.md"];
  const pattern = `version[^0-9]{0,20}${version.replaceAll(".", "\\.")}`;
  const { code, output } = await run("git", [
    "grep",
    "--untracked",
    "-niE",
    pattern,
    "--",
    ...paths,
  ]);
  return { code: code === 0 ? 1 : 0, output: `package.json's version is repeated:\n${output}` };
}

/** An include of `../` would bypass the check of folders in CMakeLists.txt. */
async function checkIncludes() {
  const { code, output } = await run("git", [
    "grep",
    "--untracked",
    "-nE",
    '^ *# *include *"\\.\\.?/',
    "--",
    "src",
  ]);
  return { code: code === 0 ? 1 : 0, output: `Includes begin with a folder of src:\n${output}` };
}

/** Checks types. The worker and the tests import the package through dist/, as its users do. */
async function checkTypes() {
  await buildPreset("wasi");
  await buildDist();
  return run("tsc", ["--project", "tsconfig.json"]);
}

async function checkImports() {
  const faults = importFaults(join(root, "bindings"));
  return { code: faults.length === 0 ? 0 : 1, output: faults.join("\n") };
}

async function clangTidy() {
  // clang-tidy needs the compile commands, not the build.
  await must("cmake", ["--preset", "native-debug"]);
  const { code, output } = await run(`run-clang-tidy-${llvm}`, [
    "-quiet",
    "-p",
    "build/native-debug",
    "^.*/src/.*\\.cc$",
  ]);
  return { code, output: output.replace(/^\d+ warnings generated\.\n|^\[\d+\/\d+\].*\n/gm, "") };
}

const checks = [
  ["biome", () => run("biome", ["check", "--error-on-warnings", ...(fix ? ["--write"] : [])])],
  [
    "clang-format",
    () => run(`clang-format-${llvm}`, [...(fix ? ["-i"] : ["--dry-run", "-Werror"]), ...cxxFiles]),
  ],
];
if (!fix) {
  checks.push(
    ["types", checkTypes],
    ["imports", checkImports],
    ["version", checkVersion],
    ["includes", checkIncludes],
    ["generated code", () => run("node", ["scripts/generate_abi.mjs", "--check"])],
    ["clang-tidy", clangTidy],
  );
}

let failures = 0;
for (const [name, check] of checks) {
  const { code, output } = await check().catch((error) => ({ code: 1, output: error.message }));
  step(`${code === 0 ? "ok    " : "failed"}  ${name}`);
  if (code !== 0) {
    failures += 1;
    step(output);
  }
}
process.exitCode = failures === 0 ? 0 : 1;
