import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OwnInvocations } from "../../../bindings/collector/own_invocations.ts";
import { noopRuntime, noopWriter, type SpanRuntime } from "../../../bindings/trace/span_runtime.ts";
import { MadeInvocation } from "../support/collecting.ts";

const ownTrace = "1".repeat(32);

/** The runtime of an invocation in a trace of its own, or of one that nothing traces. */
function runtime(traceId: string | undefined): SpanRuntime {
  const spanContext = () => ({ traceId: traceId ?? "", spanId: "2".repeat(16), traceFlags: 1 });
  const writer = { ...noopWriter, isTraced: traceId !== undefined, spanContext };
  return { ...noopRuntime, startSpan: () => writer };
}

function onset(type: "trace" | "custom", scriptName: string | undefined, traceId: string) {
  const info = type === "trace" ? { type, traces: [] } : ({ type } as const);
  const named = scriptName === undefined ? {} : { scriptName };
  return new MadeInvocation({ info, ...named }, { traceId }).onset;
}

describe("a collector that follows itself", () => {
  test("learns its name from the trace of its own invocation", () => {
    const own = new OwnInvocations(runtime(ownTrace));
    assert.equal(own.has(onset("trace", "other", "3".repeat(32))), true);
    assert.equal(own.has(onset("trace", "collector", ownTrace)), true);
    // From now on it knows itself from other tail Workers.
    assert.equal(own.has(onset("trace", "other", "4".repeat(32))), false);
    assert.equal(own.has(onset("trace", "collector", "5".repeat(32))), true);
    assert.equal(own.has(onset("custom", "collector", "6".repeat(32))), true);
    assert.equal(own.has(onset("custom", "shop", "7".repeat(32))), false);
  });

  test("takes any tail Worker for itself while it may be", () => {
    const own = new OwnInvocations(runtime(ownTrace));
    for (let i = 0; i < 1_000; i += 1) {
      assert.equal(own.has(onset("trace", "other", `8${i.toString(16).padStart(31, "0")}`)), true);
      assert.equal(
        own.has(onset("custom", "other", `9${i.toString(16).padStart(31, "0")}`)),
        false,
      );
    }
  });

  test("is not it where nothing traces it", () => {
    const own = new OwnInvocations(runtime(undefined));
    assert.equal(own.has(onset("trace", "other", "3".repeat(32))), false);
  });

  test("is left in peace by a runtime that throws", () => {
    const startSpan = () => {
      throw new Error("broken");
    };
    const own = new OwnInvocations({ ...noopRuntime, startSpan });
    assert.equal(own.has(onset("trace", "other", "3".repeat(32))), false);
  });
});
