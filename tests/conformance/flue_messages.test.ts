import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createOpenTelemetryObserver } from "isotel/flue";
import { readEvents, scenariosGenAi } from "../flue/recordings.ts";
import { KeepingTracer } from "../unit/support/flue.ts";
import { messageViolations, schemas } from "./support/latest.ts";

describe("content of Flue's spans under the names for generative AI", () => {
  for (const scenario of scenariosGenAi) {
    test(`${scenario}: messages, instructions and tools are as the conventions have them`, () => {
      const tracer = new KeepingTracer();
      const observe = createOpenTelemetryObserver({
        tracer,
        semconv: "gen_ai",
        exportContent: (event) => event,
      });
      for (const { event, ctx } of readEvents("v2.1.0", scenario)) observe(event, ctx);
      const found = new Set<string>();
      for (const { name, attributes } of tracer.ended) {
        for (const [key, schema] of Object.entries(schemas)) {
          const json = attributes[key];
          if (json === undefined) continue;
          found.add(key);
          assert.deepEqual(messageViolations(key, schema, String(json)), [], name);
        }
      }
      assert.ok(found.has("gen_ai.input.messages") && found.has("gen_ai.output.messages"));
    });
  }
});
