// Builds the Wasm modules with wasi-libc and the package's dist/ from them. Does nothing when no input has changed.
import { createHash } from "node:crypto";
import { cpSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { fail, must, root, step } from "./process.mjs";

const stampFile = join(root, "dist/.inputs");
/** Each module of build/wasi/ and where it stands in the package. */
const wasmFiles = {
  "build/wasi/core.wasm": "dist/core/core.wasm",
  "build/wasi/aggregate.wasm": "dist/aggregate/aggregate.wasm",
  "build/wasi/otlp.wasm": "dist/otlp/otlp.wasm",
  "build/wasi/flue.wasm": "dist/flue/flue.wasm",
};

async function configureAndBuild(preset) {
  step(`building ${preset}`);
  await must("cmake", ["--preset", preset]);
  await must("cmake", ["--build", "--preset", preset]);
}

const builtPresets = new Map();

/** Configures and builds one CMake preset, once in a process. */
export function buildPreset(preset) {
  const building = builtPresets.get(preset) ?? configureAndBuild(preset);
  builtPresets.set(preset, building);
  return building;
}

function hashInputs() {
  const files = globSync(
    [
      "bindings/**/*.ts",
      "package-lock.json",
      "package.json",
      "scripts/build.mjs",
      "tsconfig*.json",
    ],
    {
      cwd: root,
    },
  );
  const hash = createHash("sha256");
  for (const file of [...files.sort(), ...Object.keys(wasmFiles)]) {
    hash.update(file).update(readFileSync(join(root, file)));
  }
  return hash.digest("hex");
}

/** The sources behind package.json's `exports` and `imports`: dist/a/b.js is built from bindings/a/b.ts. */
function entryPoints(manifest) {
  const targets = [manifest.exports, manifest.imports]
    .flatMap((map) => Object.values(map))
    .flatMap((target) => Object.values(target));
  return targets
    .filter((target) => target.endsWith(".js"))
    .map((target) => target.replace("./dist/", "bindings/").replace(/\.js$/, ".ts"));
}

async function bundle(manifest) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...new Set(entryPoints(manifest))],
    outbase: "bindings",
    outdir: "dist",
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    external: [...Object.keys(manifest.imports), "cloudflare:*", "node:*", "*.wasm"],
    metafile: true,
    logLevel: "warning",
  });
  const foreign = Object.keys(metafile.inputs).filter((input) => !input.startsWith("bindings/"));
  if (foreign.length > 0) {
    throw new Error(`The package would carry code that is not its own:\n  ${foreign.join("\n  ")}`);
  }
}

/** Builds dist/: ES modules, declarations and the Wasm modules. */
export async function buildDist() {
  await must("node", ["scripts/generate_abi.mjs"]);
  const hash = hashInputs();
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === hash) {
    return;
  }
  step("building dist");
  rmSync(join(root, "dist"), { recursive: true, force: true });
  await bundle(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
  await must("tsc", ["--project", "tsconfig.build.json"]);
  for (const [from, to] of Object.entries(wasmFiles)) cpSync(join(root, from), join(root, to));
  writeFileSync(stampFile, hash);
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await buildPreset("wasi");
    await buildDist();
  } catch (error) {
    fail(error);
  }
}
