import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Abi, exportNames } from "../../bindings/core/abi.gen.ts";
import { instantiate } from "../../bindings/core/exports.ts";
import { build, coreModule, root } from "./support/module.ts";

const header = readFileSync(join(root, "src/abi/isotel_abi.h"), "utf8");

interface Declaration {
  readonly name: string;
  readonly parameters: number;
}

const declarations: Declaration[] = Array.from(
  header.matchAll(/^ISOTEL_EXPORT\([\w*]+,\s*(\w+),\s*\(([^)]*)\)\)/gm),
  ([, name = "", parameters = ""]) => ({
    name,
    parameters: parameters.trim() === "void" ? 0 : parameters.split(",").length,
  }),
);

// What Emscripten's linker adds to a standalone module whatever it is told.
const addedByBuild = {
  wasi: [],
  emscripten: ["__indirect_function_table", "stackAlloc", "stackRestore", "stackSave"],
};

describe(`exports of the ${build} build`, () => {
  test("the module imports nothing", () => {
    assert.deepEqual(WebAssembly.Module.imports(coreModule), []);
  });

  test("the module exports the functions of the header, its memory and its initialiser, no more", () => {
    const expected = [
      ...declarations.map(({ name }) => name),
      "memory",
      "_initialize",
      ...addedByBuild[build],
    ];
    const exported = WebAssembly.Module.exports(coreModule).map(({ name }) => name);
    assert.deepEqual(exported.sort(), expected.sort());
  });

  test("every function takes as many arguments as the header declares", () => {
    assert.ok(declarations.length >= 23, `only ${declarations.length} declarations found`);
    const { exports } = new WebAssembly.Instance(coreModule, {});
    assert.deepEqual(
      declarations.map(({ name }) => [
        name,
        (exports[name] as (...args: number[]) => number).length,
      ]),
      declarations.map(({ name, parameters }) => [name, parameters]),
    );
  });

  test("the binding knows every function of the header, and no other", () => {
    assert.deepEqual(
      [...exportNames],
      declarations.map(({ name }) => name),
    );
  });

  test("the version is that of the header", () => {
    const [, version] = /#define ISOTEL_ABI_VERSION (\d+)/.exec(header) ?? [];
    assert.equal(Abi.abiVersion, Number(version));
    assert.equal(instantiate(coreModule).isotel_abi_version(), Number(version));
  });

  test("the hash of its tables is the one the binding was generated with", () => {
    assert.equal(instantiate(coreModule).isotel_abi_fingerprint() >>> 0, Abi.fingerprint);
  });
});
