// Runs the project's commands as root on a minimal Debian, to find what a checkout needs but does not install.
//
// Usage: bare.mjs [ORDER...]. Each ORDER is a list of npm scripts, such as demo,test. A script may have arguments:
// test:wasm runs `npm test -- wasm`. Each order gets its own system and its own clone of HEAD. Default: demo,test and
// test,demo. All steps must exit with 0, and all orders must build the same modules.
//
// bare.mjs --probe exits with 0 if this machine can do it. Otherwise it prints the reason.
//
// A system is a minimal Debian of debootstrap with Debian's Git, Node and npm, and this machine's configuration of apt
// and npm. It is made once per release and cached in ~/.cache/isotel/bare (or $XDG_CACHE_HOME). Its copies are removed.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { installDebianPackages } from "./debian.mjs";
import { fail, must, root, run, step } from "./process.mjs";

const release = "bookworm";
const packages = ["ca-certificates", "git", "nodejs", "npm"];
/** Part of the cache key. Increase it when makeBase() changes. */
const baseVersion = 1;

/** Stops the running command on an interruption, so that the systems are removed. */
const interruption = new AbortController();
const { signal } = interruption;

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "isotel/bare");

/** Configuration of apt, npm and the network. Missing files are skipped. */
const configuration = [
  "/etc/apt/apt.conf.d",
  "/etc/apt/auth.conf.d",
  "/etc/apt/preferences.d",
  "/etc/apt/sources.list",
  "/etc/apt/sources.list.d",
  "/etc/apt/trusted.gpg.d",
  "/usr/share/keyrings",
  "/usr/local/share/ca-certificates",
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/hosts",
  "/etc/resolv.conf",
  "/etc/npmrc",
  "/usr/etc/npmrc",
  join(homedir(), ".npmrc"),
];
const passedVariables =
  /^(CI|(https?|no)_proxy|npm_config_(registry|cafile)|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR))$/i;

/** Returns why this machine cannot make such a system. Returns undefined if it can. */
function obstacle() {
  if (process.platform !== "linux" || process.getuid() !== 0) return "it needs root on Linux";
  const answers = (command, args) => spawnSync(command, args, { stdio: "ignore" }).status === 0;
  if (!answers("unshare", ["--mount", "--pid", "--fork", "mount", "--bind", "/tmp", "/tmp"])) {
    return "namespaces and mounts are not allowed";
  }
  const canInstall = answers("dpkg-query", ["-W", "apt"]);
  if (!canInstall && !answers("debootstrap", ["--version"])) return "debootstrap is missing";
  return undefined;
}

/** Runs a shell command inside a system. Its mounts and processes end with it. */
function inside(system, command, { cwd = "/", env = {}, echo } = {}) {
  const passed = Object.entries(process.env).filter(([name]) => passedVariables.test(name));
  const variables = {
    HOME: homedir(),
    LANG: "C.UTF-8",
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ...Object.fromEntries(passed),
    ...env,
  };
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const enter = [
    'mount -t proc proc "$system/proc"',
    'mount --rbind /dev "$system/dev"',
    'exec chroot "$system" env --ignore-environment --chdir="$folder" "$@"',
  ].join(" && ");
  const unshare = ["--mount", "--pid", "--fork", "--kill-child"];
  return run(
    "unshare",
    [...unshare, "sh", "-c", enter, "sh", ...assignments, "sh", "-c", command],
    { cwd: "/", env: { system, folder: cwd }, echo, signal },
  );
}

async function mustInside(system, command, options) {
  const { code, output } = await inside(system, command, options);
  if (code !== 0) throw new Error(`${command} failed with code ${code}\n${output}`);
}

function copyConfiguration(system) {
  for (const path of configuration) {
    if (!existsSync(path)) continue;
    mkdirSync(dirname(join(system, path)), { recursive: true });
    cpSync(path, join(system, path), { recursive: true, dereference: true, force: true });
  }
}

async function makeBase(folder) {
  await must("debootstrap", ["--variant=minbase", release, folder], { signal });
  copyConfiguration(folder);
  // Packages start no services, as in a container.
  writeFileSync(join(folder, "usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  const install = `apt-get install --yes --no-install-recommends ${packages.join(" ")}`;
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await mustInside(folder, `apt-get update && ${install} && apt-get clean`, { env });
  // Installing ca-certificates has overwritten the bundle.
  await mustInside(folder, "update-ca-certificates");
}

/** Returns the cached system of the release. Makes it if it is missing. */
async function base() {
  const architecture = (await must("dpkg", ["--print-architecture"])).trim();
  const folder = join(cache, `${release}-${architecture}-${baseVersion}`);
  if (existsSync(folder)) return folder;
  const start = Date.now();
  mkdirSync(cache, { recursive: true });
  const unfinished = mkdtempSync(join(cache, "unfinished-"));
  try {
    await makeBase(unfinished);
    renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  step(`made the base system in ${seconds(start)} s: ${folder}`);
  return folder;
}

/** Returns the shell command of a step, such as demo, test:wasm or bench:--only:size. */
function commandOf(name) {
  const [script, ...rest] = name.split(":");
  if (script === "pack") return "npm pack --silent";
  const shortcut = script === "test" ? "npm test" : `npm run ${script}`;
  return rest.length === 0 ? shortcut : `${shortcut} -- ${rest.join(" ")}`;
}

const seconds = (start) => Math.round((Date.now() - start) / 1000);

/**
 * Runs one order in a separate system. Resolves to `{ lines, modules, total }`: the outcome of each step, the hashes of
 * the modules, and the last line of the tests if there were any.
 */
async function runOrder(order, index) {
  const system = mkdtempSync(join(tmpdir(), "isotel-bare-"));
  try {
    await must("cp", ["-a", "--reflink=auto", `${await base()}/.`, system], { signal });
    copyConfiguration(system);
    // Uses folders with different names and depths, because no module may depend on its build folder.
    const checkout = ["/isotel", "/srv/checkouts/another/isotel"][index % 2];
    await must("git", ["clone", "--quiet", "--no-hardlinks", root, join(system, checkout)]);
    const lines = [];
    let total;
    for (const name of order.split(",")) {
      const command = commandOf(name);
      step(`\n== bare ${release}: ${command}`);
      const start = Date.now();
      const { code, output } = await inside(system, command, {
        cwd: checkout,
        echo: process.stdout,
      });
      lines.push([code, `${command}: exit ${code}, ${seconds(start)} s`]);
      total = output.match(/^\d+ passed, \d+ failed(, \d+ skipped)?$/gm)?.at(-1) ?? total;
      if (code !== 0) break;
    }
    const hashes = join(system, checkout, "dist/SHA256SUMS");
    const modules = existsSync(hashes) ? readFileSync(hashes, "utf8") : "none were built\n";
    return { lines, modules, total };
  } finally {
    rmSync(system, { recursive: true, force: true });
  }
}

async function main(orders) {
  const reason = obstacle();
  if (reason !== undefined) throw new Error(`This machine cannot make a bare system: ${reason}.`);
  await installDebianPackages(["debootstrap"]);
  if ((await must("git", ["status", "--porcelain"])) !== "") {
    step("The clone has HEAD only, without uncommitted changes.");
  }
  for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => interruption.abort());
  const results = [];
  for (const [index, order] of orders.entries()) {
    const result = await runOrder(order, index);
    results.push(result);
    if (result.lines.some(([code]) => code !== 0)) break;
  }
  const reference = results[0].modules;
  const differs = results.some(({ modules }) => modules !== reference);
  console.log(`\nbare ${release}`);
  for (const { lines, modules } of results) {
    for (const [, line] of lines) console.log(line);
    console.log(modules);
  }
  if (differs) console.log("The orders built different modules.");
  for (const total of results.map((result) => result.total).filter(Boolean)) console.log(total);
  const hasFailed = results.some(({ lines }) => lines.some(([code]) => code !== 0));
  process.exitCode = hasFailed || differs ? 1 : 0;
}

const words = process.argv.slice(2);
if (words[0] === "--probe") {
  const reason = obstacle();
  if (reason !== undefined) fail(new Error(reason));
} else {
  await main(words.length > 0 ? words : ["demo,test", "test,demo"]).catch(fail);
}
