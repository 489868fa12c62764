import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FlueAbi } from "../../bindings/flue/abi.gen.ts";
import { FlueCore, FlueCoreHost } from "../../bindings/flue/core/flue_core.ts";
import { FlueObserver } from "../../bindings/flue/flue_observer.ts";
import { RecordingSink } from "../unit/support/recording_sink.ts";
import { build, compile, readModule } from "./support/module.ts";

const bytes = readModule("flue");
const module = compile(bytes);

const text = (valueBytes: number) => ({ keyBytes: 10, valueBytes, isText: true });
const number = { keyBytes: 10, valueBytes: 8, isText: false };

describe(`the module for Flue of the ${build} build`, () => {
  test("keeps what fits, cuts the longest texts alike, and drops a number last of all", () => {
    const core = new FlueCore(module);
    assert.deepEqual(core.fit([text(100), number], 1_000), Array(2).fill(FlueAbi.keepAll));
    const [long = 0, longer = 0, kept] = core.fit([text(500), text(900), number], 1_000);
    assert.equal(long, longer);
    assert.ok(2 * (10 + long) + 18 <= 1_000 && long > 400);
    assert.equal(kept, FlueAbi.keepAll);
    assert.deepEqual(core.fit([text(500), number], 20), [0, FlueAbi.keepAll]);
    assert.deepEqual(core.fit([], 0), []);
  });

  test("after attributes were fitted the next event is read as it is", () => {
    const host = new FlueCoreHost(() => module);
    const observer = new FlueObserver(host, new RecordingSink(), {});
    const start = { type: "run_start", runId: "r" };
    observer.observe(start, {});
    host.instance?.fit([text(500), number], 20);
    // The same identifiers again: it has begun.
    observer.observe(start, {});
    const { open_spans, duplicate_starts, swallowed_errors } = observer.diagnostics();
    assert.deepEqual([open_spans, duplicate_starts, swallowed_errors], [1, 1, 0]);
  });
});
