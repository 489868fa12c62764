import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Instrumentation } from "../../../bindings/flue/instrumentation.ts";
import { sinkFor } from "../../../bindings/flue/sinks/chosen_sink.ts";
import { remoteContext } from "../../../bindings/flue/sinks/trace_carrier.ts";
import { provideTelemetry } from "../../../bindings/trace/provided_telemetry.ts";
import { noopRuntime } from "../../../bindings/trace/span_runtime.ts";
import { readEvents } from "../../flue/recordings.ts";
import { newHost } from "../support/flue.ts";
import { flueExport } from "../support/flue_export.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const traceCarrier = {
  traceparent: `00-${traceId}-b7ad6b7169203331-01`,
  tracestate: "congo=t61rcWkgMzE",
};

describe("work that was admitted in a trace, over OTLP without a tracer", () => {
  test("goes on in it with its state, and so does what the program opens in a turn", async () => {
    const exported = flueExport(noopRuntime);
    provideTelemetry(exported.telemetry);
    const host = newHost();
    const sink = sinkFor(undefined, host);
    const flue = new Instrumentation(host, sink, { semconv: "gen_ai" }, remoteContext);
    const submissionId = "sub_01M7W0Q1GE50TAAWPCA6H9BS1E";
    const agent = { type: "agent", operationId: submissionId };
    await flue.intercept(agent, { submissionId, traceCarrier }, async () => {
      for (const { event, ctx } of readEvents("v2.1.0", "aborted")) {
        flue.observe(event, ctx);
        if (event.type !== "turn_request") continue;
        const { turnId } = event as unknown as Record<string, string>;
        await flue.intercept({ type: "model", turnId }, {}, async () =>
          exported.tracer.withSpan("own", {}, () => {}),
        );
      }
    });
    const { spans } = await exported.sent();
    const byName = new Map(spans.map((span) => [span.name, span]));
    assert.deepEqual([...byName.keys()].sort(), ["chat parent", "invoke_agent Reporter", "own"]);
    assert.equal(byName.get("invoke_agent Reporter")?.parentSpanId, "b7ad6b7169203331");
    assert.equal(byName.get("own")?.parentSpanId, byName.get("chat parent")?.spanId);
    for (const span of spans) {
      assert.equal(span.traceId, traceId);
      assert.equal(span.traceState, traceCarrier.tracestate);
    }
    assert.equal(flue.diagnostics()["swallowed_errors"], 0);
  });
});
