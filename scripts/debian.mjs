// The Debian packages of the project, and their installation.
import { spawnSync } from "node:child_process";
import { must, step } from "./process.mjs";
import { llvm } from "./toolchain.mjs";

/** Debian packages by the command that needs them. */
export const debianPackages = {
  build: [
    "cmake",
    "ninja-build",
    `clang-${llvm}`,
    `lld-${llvm}`,
    "wasi-libc",
    `libc++-${llvm}-dev-wasm32`,
    `libclang-rt-${llvm}-dev-wasm32`,
    "nlohmann-json3-dev",
    "libprotozero-dev",
  ],
  test: ["emscripten", "doctest-dev", `libclang-rt-${llvm}-dev`, "prometheus"],
  check: ["g++", "doctest-dev", `clang-format-${llvm}`, `clang-tidy-${llvm}`],
  bench: ["g++", "libbenchmark-dev"],
};

/** Returns the packages of a list that are not installed. Returns undefined on a system without dpkg. */
function missingPackages(names) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query fills these in.
  const format = "${Package} ${db:Status-Status}\\n";
  const query = spawnSync("dpkg-query", ["-W", "-f", format, ...names], { encoding: "utf8" });
  if (query.error) return undefined;
  const installed = new Set(
    query.stdout
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ")[0]),
  );
  return names.filter((name) => !installed.has(name));
}

/**
 * Installs missing packages. Resolves to false on a system without dpkg, where it installs nothing.
 *
 * @throws Error if packages are missing and the user is not root. The message has the commands to run.
 */
export async function installDebianPackages(names) {
  const missing = missingPackages(names);
  if (missing === undefined) return false;
  if (missing.length === 0) return true;
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
  return true;
}
