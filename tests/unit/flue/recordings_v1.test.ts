import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FlueContext, FlueEvent } from "../../../bindings/flue/events/event.ts";
import { FlueObserver } from "../../../bindings/flue/flue_observer.ts";
import { emptyContext, type OtelContext } from "../../../bindings/flue/sinks/otel_types.ts";
import { TracerSink } from "../../../bindings/flue/sinks/tracer_sink.ts";
import { normalized } from "../../flue/normalized.ts";
import {
  type Mode,
  type ReferenceSpan,
  readEvents,
  readReference,
  scenariosV1,
} from "../../flue/recordings.ts";
import { KeepingTracer, newHost, remoteParent } from "../support/flue.ts";

const callbacks = {
  metadata: {},
  content: { exportContent: (event: FlueEvent) => event },
  rooted: {
    resolveRootContext: (_event: FlueEvent, ctx: FlueContext): OtelContext | undefined => {
      const { traceparent } = ctx as { traceparent?: string };
      return traceparent === undefined ? undefined : remoteParent(emptyContext, traceparent);
    },
  },
};

function replay(scenario: string, mode: Mode): ReferenceSpan[] {
  const tracer = new KeepingTracer();
  const observer = new FlueObserver(newHost(), new TracerSink(() => tracer), callbacks[mode]);
  for (const { event, ctx } of readEvents("v1beta1", scenario)) observer.observe(event, ctx);
  const { open_spans, swallowed_errors, traps } = observer.diagnostics();
  assert.deepEqual(
    { open_spans, swallowed_errors, traps },
    { open_spans: 0, swallowed_errors: 0, traps: 0 },
  );
  return tracer.ended;
}

describe("events of version 1 become the spans of the original adapter", () => {
  for (const scenario of scenariosV1) {
    for (const mode of ["metadata", "content", "rooted"] as const) {
      test(`${scenario}, ${mode}`, () => {
        const spans = replay(scenario, mode);
        const reference = readReference(scenario, mode);
        assert.ok(reference.length > 0);
        assert.deepEqual(normalized(spans), normalized(reference));
        // Exceptions are in the time of their span.
        for (const { end, events } of spans) {
          for (const { name, time } of events)
            if (name === "exception") assert.deepEqual(time, end);
        }
      });
    }
  }
});
