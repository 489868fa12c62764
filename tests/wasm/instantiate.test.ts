import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Abi, exportNames } from "../../bindings/core/abi.gen.ts";
import { CoreHost } from "../../bindings/core/core_host.ts";
import { deadExports, instantiate } from "../../bindings/core/exports.ts";
import { coreModule } from "./support/module.ts";
import { makeModule } from "./support/wasm_binary.ts";

const allFunctions: Record<string, number> = Object.fromEntries(
  exportNames.map((name) => [name, 0]),
);
const complete: Record<string, number> = {
  ...allFunctions,
  isotel_abi_version: Abi.abiVersion,
  isotel_abi_fingerprint: Abi.fingerprint,
};

describe("instantiate", () => {
  test("a module with every export and the right version is taken", () => {
    const exports = instantiate(makeModule({ functions: complete }));
    assert.equal(exports.isotel_abi_version(), Abi.abiVersion);
    assert.equal(exports.memory.buffer.byteLength, 65_536);
  });

  test("a module without an initialiser is taken, one with it is initialised before its first call", () => {
    assert.doesNotThrow(() => instantiate(makeModule({ functions: complete })));
    assert.doesNotThrow(() =>
      instantiate(makeModule({ functions: { ...complete, _initialize: 0 } })),
    );
    assert.equal(instantiate(coreModule).isotel_abi_version(), Abi.abiVersion);
  });

  test("a module that wants an import is refused by the import's name", () => {
    const module = makeModule({
      functions: complete,
      imported: ["wasi_snapshot_preview1", "proc_exit"],
    });
    assert.throws(
      () => instantiate(module),
      new Error("isotel: core.wasm wants imports (wasi_snapshot_preview1.proc_exit)"),
    );
  });

  for (const missing of exportNames) {
    test(`a module without ${missing} is refused by that name`, () => {
      const { [missing]: _, ...functions } = complete;
      assert.throws(
        () => instantiate(makeModule({ functions })),
        new Error(`isotel: core.wasm lacks ${missing}`),
      );
    });
  }

  test("a module without memory is refused, and all that is missing is named", () => {
    const { ["isotel_text"]: _, ...functions } = complete;
    assert.throws(
      () => instantiate(makeModule({ functions, memory: false })),
      new Error("isotel: core.wasm lacks isotel_text, memory"),
    );
  });

  for (const version of [0, Abi.abiVersion + 1, -1]) {
    test(`a module of ABI version ${version} is refused with both versions`, () => {
      const functions = { ...complete, isotel_abi_version: version };
      assert.throws(
        () => instantiate(makeModule({ functions })),
        new Error(`isotel: core.wasm has ABI version ${version}, expected ${Abi.abiVersion}`),
      );
    });
  }

  for (const fingerprint of [0, Abi.fingerprint + 1, -Abi.fingerprint]) {
    test(`a module built from tables of the hash ${fingerprint} is refused`, () => {
      const functions = { ...complete, isotel_abi_fingerprint: fingerprint };
      assert.throws(
        () => instantiate(makeModule({ functions })),
        new Error("isotel: core.wasm was built from other tables than the JavaScript around it"),
      );
    });
  }

  test("a host with a module that is refused has no core, and counts and keeps why", () => {
    const host = new CoreHost(() => makeModule({ functions: allFunctions }));
    assert.equal(host.core, undefined);
    assert.equal(host.traps, 1);
    assert.match(String(host.lastTrap), /ABI version 0/);
  });

  test("a host makes one instance, at its first use", () => {
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
    const { memory } = instantiate(coreModule);
    const dead = deadExports(memory, -77);
    assert.equal(dead.memory, memory);
    const handles = exportNames.filter((name) => dead[name](1, 2, 3) === 0);
    assert.deepEqual(handles, ["isotel_intern", "isotel_scope_open", "isotel_span_open"]);
    const others = exportNames.filter((name) => !handles.includes(name));
    assert.deepEqual(
      others.map((name) => dead[name](1, 2, 3)),
      others.map(() => -77),
    );
  });
});
