// Installs what is missing on a fresh machine. Needs only Node 18 and npm. Does nothing if everything is installed.
// Usage: bootstrap.mjs [--test] [--check] [--bench]. Each option adds the packages of that command.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { debianPackages, installDebianPackages } from "./debian.mjs";
import { fail, must, root, step } from "./process.mjs";

const groups = ["build", ...process.argv.slice(2).map((argument) => argument.replace(/^--/, ""))];

// This process may run from node_modules, which `npm ci` removes.
const outsidePath = process.env.PATH.split(delimiter)
  .filter((folder) => !folder.startsWith(join(root, "node_modules")))
  .join(delimiter);

function assertOtherToolchains() {
  const wanted = [["WASI_SDK_PATH", "wasi-sdk"]];
  if (groups.includes("test")) {
    wanted.push(["EMSDK", "emsdk"]);
  }
  const unset = wanted.filter(([variable]) => !process.env[variable]);
  if (unset.length > 0) {
    throw new Error(
      [
        "This is not Debian: install CMake 3.25, Ninja, Clang, nlohmann_json, protozero and doctest, then",
        ...unset.map(([variable, name]) => `  export ${variable}=<folder of ${name}>`),
      ].join("\n"),
    );
  }
}

/**
 * `npm ci` in a folder. The root's modules are installed with the machine's Node and npm, all others with the project's.
 * npm silently leaves out optional packages, such as a bundler's binary, if the Node that runs it is too old for them.
 */
async function installNodeModules(folder, label) {
  const lock = readFileSync(join(root, folder, "package-lock.json"));
  const hash = createHash("sha256").update(lock).digest("hex");
  const stamp = join(root, folder, "node_modules", ".isotel-bootstrap");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) {
    return;
  }
  step(`installing ${label} with npm ci`);
  const path =
    folder === "." ? outsidePath : join(root, "node_modules/.bin") + delimiter + outsidePath;
  const options = { cwd: join(root, folder), env: { PATH: path } };
  for (let attempt = 1; ; attempt++) {
    try {
      await must("npm", ["ci", "--loglevel=error", "--no-audit", "--no-fund"], options);
      break;
    } catch (error) {
      if (attempt === 3) {
        throw error;
      }
      step(`npm ci failed, attempt ${attempt + 1} of 3`);
    }
  }
  writeFileSync(stamp, hash);
}

try {
  const packages = [...new Set(groups.flatMap((group) => debianPackages[group]))];
  if (!(await installDebianPackages(packages))) assertOtherToolchains();
  await installNodeModules(".", "node modules");
  if (groups.includes("test") || groups.includes("check")) {
    await installNodeModules("tests/workerd/agents", "the agents package");
    await installNodeModules("tests/mcp", "the MCP packages");
  }
  if (groups.length > 1) {
    await installNodeModules("tests/flue", "Flue");
    await installNodeModules("tests/otlp", "OpenTelemetry's encoders");
    await installNodeModules("tests/frameworks", "frameworks and bundlers");
    await installNodeModules("tests/opentelemetry", "OpenTelemetry's SDKs and users of its API");
  }
  if (groups.includes("bench")) {
    await installNodeModules("tests/bench", "the benchmark's peers");
  }
} catch (error) {
  fail(error);
}
