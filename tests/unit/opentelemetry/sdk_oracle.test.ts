// The same generated programs over isotel's provider and over OpenTelemetry's SDK export the same spans.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { OtelContexts } from "../../../bindings/opentelemetry/otel_contexts.ts";
import { OtelTracerProvider } from "../../../bindings/opentelemetry/otel_tracer.ts";
import { noopRuntime } from "../../../bindings/trace/span_runtime.ts";
import { type ExportedSpan, ofIsotel, ofSdk } from "../../opentelemetry/exported_span.ts";
import { sdkTraces } from "../../opentelemetry/sdk.ts";
import { runProgram } from "../../opentelemetry/trace_program.ts";
import { type Receiver, startReceiver } from "../../otlp_receiver/receiver.ts";
import { exportingOver } from "../support/exporting.ts";

const programs = 3_000;

let receiver: Receiver;
before(async () => {
  receiver = await startReceiver();
});
after(() => receiver.close());

describe("generated programs", () => {
  test("export the same spans through isotel and through OpenTelemetry's SDK", async () => {
    const exporting = exportingOver(noopRuntime, receiver);
    // A time before those that programs give.
    exporting.clock.now = Date.now();
    const provider = new OtelTracerProvider(exporting.telemetry);
    const contexts = new OtelContexts(exporting.telemetry);
    const sdk = sdkTraces();
    const expected: (readonly ExportedSpan[])[] = [];
    const runs: ReadonlyMap<string, number>[] = [];
    for (let seed = 0; seed < programs; seed += 1) {
      const ofPeer = await runProgram(seed, sdk.provider, sdk.contexts);
      expected.push(sdk.take().map((span) => ofSdk(span, ofPeer.numbers)));
      const own = await runProgram(seed, provider, contexts);
      assert.deepEqual(own.log, ofPeer.log, `seed ${seed}`);
      runs.push(own.numbers);
      // The queue has a limit.
      await exporting.pipeline.flush();
    }
    const received = new Map((await exporting.spans()).map((item) => [item.spanId, item]));
    let total = 0;
    for (const [seed, numbers] of runs.entries()) {
      const items = [...numbers.keys()].flatMap((spanId) => received.get(spanId) ?? []);
      total += items.length;
      const spans = new Map(items.map((item) => [item.spanId, ofIsotel(item, numbers)]));
      const byNumber = new Map([...spans.values()].map((span) => [span.number, span]));
      for (const span of expected[seed] ?? []) {
        assert.deepEqual(byNumber.get(span.number), span, `seed ${seed}`);
      }
      assert.equal(items.length, expected[seed]?.length, `seed ${seed}`);
    }
    assert.equal(total, received.size);
    assert.ok(total > programs, `${total} spans`);
  });
});
