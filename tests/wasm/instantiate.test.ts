import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { coreAbi } from "../../bindings/core/abi.gen.ts";
import { deadExports } from "../../bindings/core/core.ts";
import { CoreHost } from "../../bindings/core/core_host.ts";
import { instantiate } from "../../bindings/wasm/module.ts";
import { coreModule } from "./support/module.ts";
import { knownModules } from "./support/module_abis.ts";
import { makeModule } from "./support/wasm_binary.ts";

const coreFunctions: Readonly<Record<string, number>> = Object.fromEntries(
  coreAbi.exportNames.map((name) => [name, 0]),
);

for (const { abi } of knownModules) {
  const { file, prefix, version, fingerprint, exportNames } = abi;
  const complete: Readonly<Record<string, number>> = {
    ...Object.fromEntries(exportNames.map((name) => [name, 0])),
    [`${prefix}_abi_version`]: version,
    [`${prefix}_abi_fingerprint`]: fingerprint,
  };

  describe(`instantiate ${file}`, () => {
    test("a module with every export and the right version is taken", () => {
      const exports = instantiate(abi, makeModule({ functions: complete }));
      assert.equal(exports.memory.buffer.byteLength, 65_536);
    });

    test("a module with an initialiser is taken too", () => {
      const functions = { ...complete, _initialize: 0 };
      assert.ok(instantiate(abi, makeModule({ functions })));
    });

    test("a module that wants an import is refused by the import's name", () => {
      const module = makeModule({
        functions: complete,
        imported: ["wasi_snapshot_preview1", "proc_exit"],
      });
      assert.throws(
        () => instantiate(abi, module),
        new Error(`isotel: ${file} has imports (wasi_snapshot_preview1.proc_exit)`),
      );
    });

    test("a module without one of the exports is refused by that name", () => {
      for (const missing of exportNames) {
        const { [missing]: _, ...functions } = complete;
        assert.throws(
          () => instantiate(abi, makeModule({ functions })),
          new Error(`isotel: ${file} lacks ${missing}`),
        );
      }
    });

    test("a module without memory is refused, and all that is missing is named", () => {
      const missing = exportNames.at(-1) ?? "";
      const { [missing]: _, ...functions } = complete;
      assert.throws(
        () => instantiate(abi, makeModule({ functions, memory: false })),
        new Error(`isotel: ${file} lacks ${missing}, memory`),
      );
    });

    test("a module of another ABI version is refused with both versions", () => {
      for (const other of [0, version + 1, -1]) {
        const functions = { ...complete, [`${prefix}_abi_version`]: other };
        assert.throws(
          () => instantiate(abi, makeModule({ functions })),
          new Error(`isotel: ${file} has ABI version ${other}, expected ${version}`),
        );
      }
    });

    test("a module built from other tables is refused by its name", () => {
      for (const other of [0, fingerprint + 1, -fingerprint]) {
        const functions = { ...complete, [`${prefix}_abi_fingerprint`]: other };
        assert.throws(
          () => instantiate(abi, makeModule({ functions })),
          new Error(`isotel: ${file} was built from other tables than the JavaScript around it`),
        );
      }
    });
  });
}

describe("the host of the core", () => {
  test("has no core when the module is refused, and counts and keeps why", () => {
    const host = new CoreHost(() => makeModule({ functions: coreFunctions }));
    assert.equal(host.core, undefined);
    assert.equal(host.traps, 1);
    assert.match(String(host.lastTrap), /ABI version 0/);
  });

  test("makes one instance, at its first use", () => {
    let asked = 0;
    const host = new CoreHost(() => {
      asked += 1;
      return coreModule;
    });
    assert.equal(asked, 0);
    const { core } = host;
    assert.equal(host.core, core);
    assert.equal(asked, 1);
    assert.equal(host.traps, 0);
    assert.equal(host.lastTrap, undefined);
  });
});

describe("the exports of a dead instance", () => {
  test("calls that make a handle answer none, all others the answer given", () => {
    const { memory } = instantiate(coreAbi, coreModule);
    const dead = deadExports(memory, -77);
    assert.equal(dead.memory, memory);
    const call = (name: keyof typeof dead) => (dead[name] as () => number)();
    const names = coreAbi.exportNames;
    const handles = names.filter((name) => call(name) === 0);
    assert.deepEqual(handles, ["isotel_intern", "isotel_scope_open", "isotel_span_open"]);
    const others = names.filter((name) => !handles.includes(name));
    assert.deepEqual(
      others.map(call),
      others.map(() => -77),
    );
  });
});
