// Formatting, lint, types and the project's own rules. check.mjs --fix: repairs what can be repaired.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildDist, buildPreset } from "./build.mjs";
import { must, root, run, step } from "./process.mjs";
import { llvm } from "./toolchain.mjs";

const fix = process.argv.includes("--fix");

const cxxFiles = globSync(["src/**/*.{h,cc}", "tests/**/*.{h,cc}"], {
  cwd: root,
  exclude: (name) => name === "node_modules",
});

/** The version stands in package.json alone: nothing else that ships repeats it. */
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

/** An include of `../` would pass by the folders that CMakeLists.txt allows. */
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

/** The worker and the tests see the package as its users do: through dist/. */
async function checkTypes() {
  await buildPreset("wasi");
  await buildDist();
  return run("tsc", ["--project", "tsconfig.json"]);
}

async function clangTidy() {
  // It needs the commands, not what they make.
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
