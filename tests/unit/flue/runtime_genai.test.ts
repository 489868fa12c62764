import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { context as globalContext } from "@opentelemetry/api";
import { createOpenTelemetryInstrumentation } from "isotel/flue";
import {
  Compactor,
  instrument,
  Reporter,
  type Scenario,
  scenarios,
  setInsideTool,
  start,
} from "../../flue/agents_node.ts";
import { normalized } from "../../flue/normalized.ts";
import { flueInstrumentation } from "../../flue/peer.ts";
import type { ReferenceSpan } from "../../flue/recordings.ts";
import { KeepingTracer } from "../support/flue.ts";
import { AsyncContexts, makeSpan } from "../support/flue_contexts.ts";
import { PeerTracer } from "../support/peer_tracer.ts";

/** The original drops logs, and its clock is another where no event tells the time. */
function comparable(spans: readonly ReferenceSpan[]): unknown[] {
  return normalized(
    spans.map((span) => {
      const isTimedByEvents = span.name !== "flue.coordinator";
      const events = span.events.filter(({ name }) => name !== "flue.log");
      return { ...span, events, ...(!isTimedByEvents && { start: [0, 0], end: [0, 0] }) };
    }),
  );
}

describe("Flue itself, instrumented here and by its own adapter at once", () => {
  // Each makes its spans active in a manager of its own: neither sees the other's.
  const own = new AsyncContexts();
  const peers = Object.assign(new AsyncContexts(), {
    bind: <T>(_context: unknown, target: T) => target,
    enable: () => peers,
    disable: () => peers,
  });
  let flue: Awaited<ReturnType<typeof start>>;
  before(async () => {
    globalContext.setGlobalContextManager(peers as never);
    flue = await start({ agents: [Reporter, Compactor] });
  });
  after(async () => {
    await flue.stop();
    globalContext.disable();
  });

  for (const scenario of Object.keys(scenarios) as Scenario[]) {
    for (const content of [false, true]) {
      test(`${scenario}, ${content ? "content" : "metadata"}: the same spans, those of a tool's own included`, async () => {
        const tracer = new KeepingTracer();
        const peer = new PeerTracer();
        setInsideTool(() => {
          makeSpan(tracer, own, "inside");
          makeSpan(peer.keeping, peers, "inside");
        });
        const installed = [
          instrument(
            createOpenTelemetryInstrumentation({
              tracer,
              context: own,
              semconv: "gen_ai",
              exportContent: content ? (event) => event : undefined,
            }),
          ),
          instrument(flueInstrumentation(peer, content)),
        ];
        try {
          await scenarios[scenario]();
        } finally {
          setInsideTool(undefined);
          for (const dispose of installed) await dispose();
        }
        const names = tracer.ended.map(({ name }) => name);
        assert.ok(names.includes("invoke_agent Reporter") || scenario === "compaction");
        assert.equal(names.includes("inside"), scenario === "toolAndTask");
        assert.deepEqual(comparable(tracer.ended), comparable(peer.keeping.ended));
      });
    }
  }
});
