// Builds the Wasm modules with wasi-libc, and dist/ of the package from them. Does nothing if no input has changed.
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { fail, must, root, step } from "./process.mjs";
import { compilerVariables, toolIdentity } from "./toolchain.mjs";

const stampFile = join(root, "dist/.inputs");
const modules = ["core", "aggregate", "otlp", "flue"];
/** Maps each module of build/wasi/ to its path in the package. */
const wasmFiles = Object.fromEntries(
  modules.map((name) => [`build/wasi/${name}.wasm`, `dist/wasm/${name}.wasm`]),
);

/** The hashes of the modules in dist/, in the format of `sha256sum --check`. */
const hashFile = "dist/SHA256SUMS";

/** The preset of the published modules. Its output depends only on inputs that the project names. */
const shipped = "wasi";
const withoutVariables = Object.fromEntries(compilerVariables.map((name) => [name, undefined]));

async function configureAndBuild(preset) {
  step(`building ${preset}`);
  const env = preset === shipped ? withoutVariables : {};
  removeStaleBuild(join(root, "build", preset), await toolIdentity(preset));
  await must("cmake", ["--preset", preset], { env });
  await must("cmake", ["--build", "--preset", preset], { env });
}

/** Removes a build folder that other tool versions made. */
function removeStaleBuild(folder, tools) {
  const stamp = join(folder, ".tools");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === tools) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(stamp, tools);
}

const builtPresets = new Map();

/** Configures and builds one CMake preset, once per process. */
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

/** Returns the sources of package.json's `exports` and `imports`: dist/a/b.js is built from bindings/a/b.ts. */
function entryPoints(manifest) {
  const targets = [manifest.exports, manifest.imports]
    .flatMap((map) => Object.values(map))
    .flatMap((target) => Object.values(target));
  return targets.filter((target) => target.endsWith(".js")).map(sourceOf);
}

function sourceOf(target) {
  return target
    .replace(/^(\.\/)?dist\//, "bindings/")
    .replace("*", "module")
    .replace(/\.js$/, ".ts");
}

/**
 * Makes dist/wasm/{core,...}_{workerd,node,default}.js from one source per host, which imports `module.wasm`. A Worker
 * that imports one of them bundles only that module.
 */
function writeModuleFiles(manifest) {
  for (const target of Object.values(manifest.imports["#wasm/*"])) {
    if (!target.endsWith(".js")) continue;
    const template = join(root, target.replace("*", "module"));
    const code = readFileSync(template, "utf8");
    if (!code.includes("./module.wasm"))
      throw new Error(`${template} does not import module.wasm.`);
    for (const name of modules) {
      writeFileSync(
        join(root, target.replace("*", name)),
        code.replaceAll("module.wasm", `${name}.wasm`),
      );
    }
    rmSync(template);
  }
}

function assertOwn(metafile, folders) {
  const foreign = Object.keys(metafile.inputs).filter(
    (input) => !folders.some((folder) => input.startsWith(`${folder}/`)),
  );
  if (foreign.length > 0) {
    throw new Error(`The package would contain code of others:\n  ${foreign.join("\n  ")}`);
  }
}

/** A table of numbers in a generated file. */
const table = /^export const (\w+) = \{((?:\n {2}\w+: [\da-fA-Fx-]+,)+\n\}) as const;$/gm;

/**
 * Reads tables of numbers as enums, which esbuild inlines: an object would bring all its names into a bundle that uses
 * one number. A table whose keys are listed at run time stays an object, because an enum also has a property for each
 * number. Line numbers do not change, so that source maps stay correct.
 */
const inlineTables = {
  name: "inline-tables",
  setup({ onLoad }) {
    const used = new Set();
    for (const file of globSync("bindings/**/*.ts", { cwd: root })) {
      const source = readFileSync(join(root, file), "utf8");
      for (const [, name] of source.matchAll(/(?:Object\.\w+\(|\.\.\.)(\w+)\)?/g)) used.add(name);
    }
    onLoad({ filter: /\.gen\.ts$/ }, ({ path }) => ({
      loader: "ts",
      contents: readFileSync(path, "utf8").replace(table, (whole, name, rows) =>
        used.has(name) ? whole : `export enum ${name} {${rows.replaceAll(": ", " = ")}`,
      ),
    }));
  },
};

/** @param inputs hash of what the package is built from. */
async function bundle(manifest, inputs) {
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
    // Wrangler minifies only on request, and even then keeps the names of all functions.
    minify: true,
    // Stack traces point to lines of bindings/. The text of the sources would double the package.
    sourcemap: true,
    sourcesContent: false,
    plugins: [inlineTables],
    // Copies of the package in one isolate share state only if they are the same build.
    define: { ISOTEL_BUILD: JSON.stringify(`${manifest.version}+${inputs.slice(0, 8)}`) },
    external: [
      ...Object.keys(manifest.imports),
      ...Object.keys(manifest.peerDependencies),
      "cloudflare:*",
      "node:*",
      "*.wasm",
    ],
    metafile: true,
    logLevel: "warning",
  });
  assertOwn(metafile, ["bindings"]);
  writeModuleFiles(manifest);
}

/**
 * Packages that are bundled into the command. A Worker's project does not have to install them, and no Worker's bundle
 * contains them.
 */
const carried = ["cloudflare", "jsonc-parser", "smol-toml"];

/** Bundles the command into one file for Node. Writes the licences of the bundled packages. */
async function bundleCommand(manifest) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: Object.values(manifest.bin).map(sourceOf),
    outbase: "bindings",
    outdir: "dist",
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node22",
    mainFields: ["module", "main"],
    // A package has a default export in Node only.
    logOverride: { "import-is-undefined": "silent" },
    external: Object.keys(manifest.imports),
    metafile: true,
    logLevel: "warning",
  });
  const folders = ["bindings", ...carried.map((name) => `node_modules/${name}`)];
  assertOwn(metafile, folders);
  const licences = carried.map((name) => {
    const folder = join(root, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const [file] = globSync("LICENSE*", { cwd: folder });
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8")}`;
  });
  writeFileSync(join(root, "dist/cli/LICENSES.txt"), licences.join(`\n${"-".repeat(80)}\n\n`));
}

function moduleHashes() {
  return Object.values(wasmFiles)
    .map((file) => {
      const hash = createHash("sha256")
        .update(readFileSync(join(root, file)))
        .digest("hex");
      return `${hash}  ${relative("dist", file)}\n`;
    })
    .join("");
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
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  await bundle(manifest, hash);
  await bundleCommand(manifest);
  await must("tsc", ["--project", "tsconfig.build.json"]);
  for (const [from, to] of Object.entries(wasmFiles)) cpSync(join(root, from), join(root, to));
  writeFileSync(join(root, hashFile), moduleHashes());
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
