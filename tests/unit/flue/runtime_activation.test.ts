import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Instrumentation } from "../../../bindings/flue/instrumentation.ts";
import type { SpanSink, SpanStart } from "../../../bindings/flue/span_sink.ts";
import type { SpanRuntime, SpanWriter } from "../../../bindings/trace/span_runtime.ts";
import { readEvents } from "../../flue/recordings.ts";
import { newHost } from "../support/flue.ts";
import { recording, spanNamed } from "../support/tracing.ts";

/** Spans of the runtime that isotel's own tracer opens its spans in, one below the other as Flue has them. */
class WriterSink implements SpanSink<SpanWriter, unknown> {
  readonly #runtime: SpanRuntime;

  constructor(runtime: SpanRuntime) {
    this.#runtime = runtime;
  }

  open({ name, parent }: SpanStart<SpanWriter, unknown>): SpanWriter {
    const open = () => this.#runtime.startSpan(name);
    return parent === undefined ? open() : this.#runtime.withActiveSpan(parent, open);
  }

  addEvent(): void {}

  end(writer: SpanWriter): void {
    writer.end();
  }

  activate<T>(writer: SpanWriter, work: () => T): T {
    return this.#runtime.withActiveSpan(writer, work);
  }
}

describe("in the runtime", () => {
  test("spans of isotel's own tracer stand under what Flue runs", async () => {
    const tracing = recording();
    const sink = new WriterSink(tracing.runtime);
    const flue = new Instrumentation(newHost(), sink, { semconv: "gen_ai" }, () => undefined);
    const expected: [string, string][] = [];
    for (const { event, ctx } of readEvents("v2.1.0", "tool-task")) {
      flue.observe(event, ctx);
      const { turnId, toolCallId, operationId } = event as unknown as Record<string, string>;
      const type = { turn_request: "model", tool_start: "tool" }[event.type];
      if (type === undefined || event["toolName"] === "task") continue;
      const name = `own ${turnId} ${type}`;
      await flue.intercept({ type, turnId, toolCallId }, { turnId, operationId }, async () => {
        await new Promise((resolve) => setImmediate(resolve));
        tracing.tracer.withSpan(name, {}, () => {});
      });
      const opened = tracing.runtime.spans.find(({ name: its }) => its.startsWith("own"));
      assert.ok(opened);
      const request = event["request"] as { requestedModel: string } | undefined;
      expected.push([name, request ? `chat ${request.requestedModel}` : "execute_tool lookup"]);
    }
    assert.equal(expected.length, 4);
    const { spans } = tracing.runtime;
    for (const [name, parent] of expected) {
      const span = spanNamed(tracing, name);
      assert.equal(spans.find(({ id }) => id === span.parentId)?.name, parent);
    }
    // Once the promise is handed on, what was active before is again.
    tracing.tracer.withSpan("after", {}, () => {});
    assert.equal(spanNamed(tracing, "after").parentId, 0);
  });
});
