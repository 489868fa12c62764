import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Instrumentation } from "../../../bindings/flue/instrumentation.ts";
import { RuntimeSink } from "../../../bindings/flue/sinks/runtime_sink.ts";
import { nativeRuntime } from "../../../bindings/trace/native_runtime.ts";
import type { SpanRuntime } from "../../../bindings/trace/span_runtime.ts";
import { readEvents } from "../../flue/recordings.ts";
import { newHost } from "../support/flue.ts";
import { fitBy } from "../support/flue_export.ts";
import { NativeDouble, releases } from "../support/native_double.ts";
import { RecordingRuntime } from "../support/recording_runtime.ts";
import { tracingOver } from "../support/tracing.ts";

interface Told {
  readonly id: number;
  readonly parentId: number;
  readonly name: string;
}

/** Replays a recording, and in what Flue runs opens spans of isotel's own; each of these with the name of its parent. */
async function replay(runtime: SpanRuntime, spans: readonly Told[]) {
  const { tracer } = tracingOver(runtime);
  const host = newHost();
  const sink = new RuntimeSink(() => runtime, fitBy(host));
  const flue = new Instrumentation(host, sink, { semconv: "gen_ai" }, () => undefined);
  let runs = 0;
  for (const { event, ctx } of readEvents("v2.1.0", "tool-task")) {
    flue.observe(event, ctx);
    const { turnId, toolCallId, operationId } = event as unknown as Record<string, string>;
    const type = { turn_request: "model", tool_start: "tool" }[event.type];
    if (type === undefined || event["toolName"] === "task") continue;
    await flue.intercept({ type, turnId, toolCallId }, { turnId, operationId }, async () => {
      runs += 1;
      await new Promise((resolve) => setImmediate(resolve));
      tracer.withSpan(`own ${runs}`, {}, () => {});
    });
  }
  // What was active before is so again.
  tracer.withSpan("own after", {}, () => {});
  assert.equal(flue.diagnostics()["swallowed_errors"], 0);
  const names = new Map(spans.map(({ id, name }) => [id, name]));
  const own = spans.filter(({ name }) => name.startsWith("own"));
  return own.map(({ name, parentId }) => [name, names.get(parentId)]);
}

const below = [
  ["own 1", "chat parent"],
  ["own 2", "execute_tool lookup"],
  ["own 3", "chat child"],
  ["own 4", "chat parent"],
  ["own after", undefined],
];

describe("spans of isotel's own tracer", () => {
  test("stand under what Flue runs", async () => {
    const runtime = new RecordingRuntime();
    assert.deepEqual(await replay(runtime, runtime.spans), below);
  });

  for (const { from } of releases) {
    const activates = from === "November";
    test(`in the Workers runtime of ${from} they ${activates ? "do too" : "stand alone, and the work runs"}`, async () => {
      const double = NativeDouble.of(from);
      double.isTraced = true;
      const own = await replay(nativeRuntime(double.tracing), double.spans);
      assert.deepEqual(own, activates ? below : below.map(([name]) => [name, undefined]));
    });
  }
});
