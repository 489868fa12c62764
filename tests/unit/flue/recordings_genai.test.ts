import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FlueEvent } from "../../../bindings/flue/events/event.ts";
import { type FlueCallbacks, FlueObserver } from "../../../bindings/flue/flue_observer.ts";
import { emptyContext, type OtelContext } from "../../../bindings/flue/sinks/otel_types.ts";
import { TracerSink } from "../../../bindings/flue/sinks/tracer_sink.ts";
import { normalized } from "../../flue/normalized.ts";
import {
  type EventContext,
  type Mode,
  type ReferenceSpan,
  readEvents,
  readReferenceGenAi,
  scenariosGenAi,
} from "../../flue/recordings.ts";
import { KeepingTracer, newHost, remoteParent } from "../support/flue.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

const callbacks: Record<Mode, FlueCallbacks<OtelContext>> = {
  metadata: {},
  content: { exportContent: (event: FlueEvent) => event },
  rooted: { resolveRootContext: () => remoteParent(emptyContext, traceparent) },
};

function replay(
  events: readonly EventContext[],
  options: FlueCallbacks<OtelContext> = {},
): ReferenceSpan[] {
  const tracer = new KeepingTracer();
  const sink = new TracerSink(() => tracer);
  const observer = new FlueObserver(newHost(), sink, { semconv: "gen_ai", ...options });
  for (const { event, ctx } of events) observer.observe(event, ctx);
  const { open_spans, swallowed_errors, traps } = observer.diagnostics();
  assert.deepEqual(
    { open_spans, swallowed_errors, traps },
    { open_spans: 0, swallowed_errors: 0, traps: 0 },
  );
  return tracer.ended;
}

/** The original drops every log: here each is an event of its span, and that is the only difference. */
function withoutLogs(spans: readonly ReferenceSpan[]): ReferenceSpan[] {
  return spans.map((span) => ({
    ...span,
    events: span.events.filter(({ name }) => name !== "flue.log"),
  }));
}

describe("events of version 3 become the spans of @flue/opentelemetry 2.1.0", () => {
  for (const scenario of scenariosGenAi) {
    for (const mode of ["metadata", "content", "rooted"] as const) {
      test(`${scenario}, ${mode}`, () => {
        const spans = replay(readEvents("v2.1.0", scenario), callbacks[mode]);
        const reference = readReferenceGenAi(scenario, mode);
        assert.ok(reference.length > 1);
        assert.deepEqual(normalized(withoutLogs(spans)), normalized(reference));
      });
    }
  }
});
