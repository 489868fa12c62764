import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { instantiate } from "../../bindings/wasm/module.ts";
import { build, compile, readModule, root } from "./support/module.ts";
import { knownModules } from "./support/module_abis.ts";

// What Emscripten's linker adds to a standalone module whatever it is told.
const addedByBuild = {
  wasi: [],
  emscripten: ["__indirect_function_table", "stackAlloc", "stackRestore", "stackSave"],
};

/** The functions a header declares, with how many parameters each has. */
function declarationsOf(header: string): (readonly [name: string, parameters: number])[] {
  const found = header.matchAll(/^ISOTEL_EXPORT\([^,]+,\s*(\w+),\s*\(([^)]*)\)\)/gm);
  return Array.from(found, ([, name = "", parameters = ""]) => [
    name,
    parameters.trim() === "void" ? 0 : parameters.split(",").length,
  ]);
}

for (const { name, header: path, abi } of knownModules) {
  describe(`exports of ${name}.wasm of the ${build} build`, () => {
    const module = compile(readModule(name));
    const header = readFileSync(join(root, path), "utf8");
    const declarations = declarationsOf(header);

    test("the module imports nothing", () => {
      assert.deepEqual(WebAssembly.Module.imports(module), []);
    });

    test("the module exports the functions of the header, its memory and its initialiser, no more", () => {
      const expected = [
        ...declarations.map(([exported]) => exported),
        "memory",
        "_initialize",
        ...addedByBuild[build],
      ];
      const exported = WebAssembly.Module.exports(module).map((entry) => entry.name);
      assert.deepEqual(exported.sort(), expected.sort());
    });

    test("every function takes as many arguments as the header declares", () => {
      assert.ok(declarations.length >= 12, `only ${declarations.length} declarations found`);
      const { exports } = new WebAssembly.Instance(module, {});
      assert.deepEqual(
        declarations.map(([exported]) => [exported, (exports[exported] as () => void).length]),
        declarations,
      );
    });

    test("the binding knows every function of the header, and no other", () => {
      assert.deepEqual(
        [...abi.exportNames],
        declarations.map(([exported]) => exported),
      );
    });

    test("the name of every function begins with the prefix of the module", () => {
      const strangers = abi.exportNames.filter(
        (exported) => !exported.startsWith(`${abi.prefix}_`),
      );
      assert.deepEqual(strangers, []);
    });

    test("the version is that of the header, and the hash of its tables that of the binding", () => {
      const [, version] = /#define ISOTEL_\w*ABI_VERSION (\d+)/.exec(header) ?? [];
      assert.equal(abi.version, Number(version));
      // Throws for another version or another hash.
      assert.ok(instantiate(abi, module).memory.buffer.byteLength > 0);
    });
  });
}
