import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { FlueAbi, flueExportNames } from "../../bindings/flue/abi.gen.ts";
import { FlueCore } from "../../bindings/flue/flue_core.ts";
import { FlueCoreHost } from "../../bindings/flue/flue_core_host.ts";
import { instantiateFlue } from "../../bindings/flue/flue_exports.ts";
import { FlueObserver } from "../../bindings/flue/flue_observer.ts";
import { RecordingSink } from "../../bindings/flue/recording_sink.ts";
import { build, compile, readModule, root } from "./support/module.ts";

const bytes = readModule("flue");
const module = compile(bytes);

const text = (valueBytes: number) => ({ keyBytes: 10, valueBytes, isText: true });
const number = { keyBytes: 10, valueBytes: 8, isText: false };

describe(`the module for Flue of the ${build} build`, () => {
  test("imports nothing, and exports the functions of its header as the binding knows them", () => {
    assert.deepEqual(WebAssembly.Module.imports(module), []);
    const header = readFileSync(join(root, "src/abi/flue/isotel_flue.h"), "utf8");
    const declared = Array.from(
      header.matchAll(/^ISOTEL_EXPORT\([^,]+,\s*(\w+),\s*\(([^)]*)\)\)/gm),
      ([, name = "", parameters = ""]) => [
        name,
        parameters.trim() === "void" ? 0 : parameters.split(",").length,
      ],
    );
    assert.deepEqual(
      declared.map(([name]) => name),
      [...flueExportNames],
    );
    const { exports } = new WebAssembly.Instance(module, {});
    assert.deepEqual(
      declared,
      declared.map(([name]) => [name, (exports[String(name)] as () => void).length]),
    );
    assert.equal(instantiateFlue(module).isotel_flue_abi_version(), FlueAbi.flueAbiVersion);
  });

  test("keeps what fits, cuts the longest texts alike, and drops a number last of all", () => {
    const core = new FlueCore(module);
    assert.deepEqual(core.fit([text(100), number], 1_000), Array(2).fill(FlueAbi.flueKeepAll));
    const [long = 0, longer = 0, kept] = core.fit([text(500), text(900), number], 1_000);
    assert.equal(long, longer);
    assert.ok(2 * (10 + long) + 18 <= 1_000 && long > 400);
    assert.equal(kept, FlueAbi.flueKeepAll);
    assert.deepEqual(core.fit([text(500), number], 20), [0, FlueAbi.flueKeepAll]);
    assert.deepEqual(core.fit([], 0), []);
  });

  test("after attributes were fitted the next event is read as it is", () => {
    const host = new FlueCoreHost(() => module);
    const observer = new FlueObserver(host, new RecordingSink(), {});
    const start = { type: "run_start", runId: "r" };
    observer.observe(start, {});
    host.core?.fit([text(500), number], 20);
    // The same identifiers again: it has begun.
    observer.observe(start, {});
    const { open_spans, duplicate_starts, swallowed_errors } = observer.diagnostics();
    assert.deepEqual([open_spans, duplicate_starts, swallowed_errors], [1, 1, 0]);
  });
});
