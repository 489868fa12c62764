import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FlueEvent } from "../../../bindings/flue/events/event.ts";
import { noopRuntime } from "../../../bindings/trace/span_runtime.ts";
import { normalized } from "../../flue/normalized.ts";
import { readEvents, readReferenceGenAi, scenariosGenAi } from "../../flue/recordings.ts";
import { flueExport } from "../support/flue_export.ts";

const callbacks = {
  metadata: { semconv: "gen_ai" },
  content: { semconv: "gen_ai", exportContent: (event: FlueEvent) => event },
} as const;

describe("spans under the names for generative AI that are exported over OTLP", () => {
  for (const scenario of scenariosGenAi) {
    for (const mode of ["metadata", "content"] as const) {
      test(`${scenario}, ${mode}: are those of @flue/opentelemetry 2.1.0, and its logs are records`, async () => {
        const exported = flueExport(noopRuntime, callbacks[mode]);
        const events = readEvents("v2.1.0", scenario);
        exported.replay(events);
        const { spans, logs } = await exported.sent();
        const withoutLogs = spans.map((span) => ({
          ...span,
          events: span.events.filter(({ name }) => name !== "flue.log"),
        }));
        const reference = readReferenceGenAi(scenario, mode);
        assert.deepEqual(normalized(withoutLogs), normalized(reference));
        const told = events.filter(({ event }) => event.type === "log").length;
        assert.equal(logs.filter(({ eventName }) => eventName === "flue.log").length, told);
        const failed = spans.filter(
          ({ name, events: own }) =>
            name.startsWith("chat ") && own.some((event) => event.name === "exception"),
        );
        assert.deepEqual(
          logs
            .filter(({ eventName }) => eventName !== "flue.log")
            .map(({ eventName, severity, spanId }) => ({ eventName, severity, spanId })),
          failed.map(({ spanId }) => ({
            eventName: "gen_ai.client.operation.exception",
            severity: "WARN",
            spanId,
          })),
        );
        assert.equal(exported.observer.diagnostics()["swallowed_errors"], 0);
      });
    }
  }
});
