// Installs what is missing on a fresh machine. Needs nothing but Node 18 and npm; does nothing when all is there.
// bootstrap.mjs [--test] [--check] [--bench]: also what these commands need.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fail, must, root, step } from "./process.mjs";
import { debianPackages } from "./toolchain.mjs";

const groups = ["build", ...process.argv.slice(2).map((argument) => argument.replace(/^--/, ""))];

// This very process may run from node_modules, which `npm ci` removes.
const outsidePath = process.env.PATH.split(delimiter)
  .filter((folder) => !folder.startsWith(join(root, "node_modules")))
  .join(delimiter);

function missingPackages(names) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query fills these in.
  const format = "${Package} ${db:Status-Status}\\n";
  const query = spawnSync("dpkg-query", ["-W", "-f", format, ...names], { encoding: "utf8" });
  if (query.error) {
    return undefined;
  }
  const installed = new Set(
    query.stdout
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ")[0]),
  );
  return names.filter((name) => !installed.has(name));
}

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

async function installDebianPackages(names) {
  const missing = missingPackages(names);
  if (missing === undefined) {
    assertOtherToolchains();
    return;
  }
  if (missing.length === 0) {
    return;
  }
  const update = ["update"];
  const install = ["install", "-y", "--no-install-recommends", ...missing];
  if (process.getuid() !== 0) {
    throw new Error(
      `Debian packages are missing. Run\n  sudo apt-get ${update.join(" ")}\n  sudo apt-get ${install.join(" ")}`,
    );
  }
  step(`installing Debian packages: ${missing.join(" ")}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const patience = ["-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=300"];
  await must("apt-get", [...patience, ...update], { env });
  await must("apt-get", [...patience, ...install], { env });
}

async function installNodeModules(folder, label) {
  const lock = readFileSync(join(root, folder, "package-lock.json"));
  const hash = createHash("sha256").update(lock).digest("hex");
  const stamp = join(root, folder, "node_modules", ".isotel-bootstrap");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) {
    return;
  }
  step(`installing ${label} with npm ci`);
  const options = { cwd: join(root, folder), env: { PATH: outsidePath } };
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
  await installDebianPackages([...new Set(groups.flatMap((group) => debianPackages[group]))]);
  await installNodeModules(".", "node modules");
  if (groups.includes("test") || groups.includes("check")) {
    await installNodeModules("tests/workerd/agents", "the agents package");
  }
  if (groups.length > 1) {
    await installNodeModules("tests/flue", "Flue");
    await installNodeModules("tests/otlp", "OpenTelemetry's encoders");
  }
  if (groups.includes("bench")) {
    await installNodeModules("tests/bench", "the benchmark's peers");
  }
} catch (error) {
  fail(error);
}
