import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { readCore, root } from "../wasm/support/module.ts";
import { type Packed, Project } from "./support/project.ts";

type Targets = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly name: string;
  readonly version: string;
  readonly exports: Targets;
  readonly imports: Targets;
  readonly dependencies?: object;
};

/** What a `*` in the manifest stands for. */
const moduleNames = ["core", "aggregate", "otlp", "flue"];

describe("the tarball", () => {
  const project = new Project();
  let packed: Packed;
  before(async () => {
    packed = await project.pack();
  });
  after(() => project.remove());

  test("it is named after the package and its version", () => {
    assert.ok(packed.file.endsWith(`/${manifest.name}-${manifest.version}.tgz`), packed.file);
  });

  test("it holds what is built, the documents and the manifest, and nothing else", () => {
    const built = globSync(
      [
        "dist/**/*.{js,js.map,d.ts,wasm}",
        "dist/SHA256SUMS",
        "dist/cli/LICENSES.txt",
        "docs/**/*.*",
      ],
      { cwd: root },
    );
    const always = ["CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "package.json"];
    assert.deepEqual(packed.paths, [...built, ...always].sort());
  });

  test("no sources, tests or stamps of the build are in it", () => {
    const foreign = packed.paths.filter((path) =>
      /(^|\/)(tests?|src|bindings|worker|scripts)\//.test(path),
    );
    assert.deepEqual(foreign, []);
    assert.ok(!packed.paths.includes("dist/.inputs"));
    assert.deepEqual(
      packed.paths.filter((path) => /\.ts$/.test(path) && !/\.d\.ts$/.test(path)),
      [],
    );
  });

  test("every file the manifest points to is in it", () => {
    const targets = [manifest.exports, manifest.imports]
      .flatMap((map) => Object.values(map))
      .flatMap((target) => (typeof target === "string" ? [target] : Object.values(target)))
      .map((target) => target.replace("./", ""))
      .flatMap((target) => moduleNames.map((name) => target.replace("*", name)));
    assert.ok(targets.length > 5);
    assert.deepEqual(
      targets.filter((target) => !packed.paths.includes(target)),
      [],
    );
  });

  test("its core.wasm is the one that was built with wasi-libc", () => {
    assert.ok(packed.paths.includes("dist/wasm/core.wasm"));
    const shipped = readFileSync(join(root, "dist/wasm/core.wasm"));
    assert.deepEqual(new Uint8Array(shipped), readCore("wasi"));
  });

  test("its SHA256SUMS holds for every module", () => {
    const checked = execFileSync("sha256sum", ["--check", "--strict", "SHA256SUMS"], {
      cwd: join(root, "dist"),
      encoding: "utf8",
    });
    const modules = globSync("**/*.wasm", { cwd: join(root, "dist") });
    assert.deepEqual(
      checked.trim().split("\n").sort(),
      modules.map((module) => `${module}: OK`).sort(),
    );
  });

  test("the package needs no other at run time", () => {
    assert.deepEqual(Object.keys(manifest.dependencies ?? {}), []);
  });
});
