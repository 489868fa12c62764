import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { readEvents, readReferenceGenAi } from "../flue/recordings.ts";
import type { LocalWorker } from "../harness/start.ts";
import { startApp } from "./harness/app.ts";
import {
  assertAllClosed,
  assertAttributes,
  describeSpans,
  spanNamed,
} from "./harness/assertions.ts";

describe("Flue instrumented in a Worker", () => {
  let app: LocalWorker;
  before(async () => {
    app = await startApp("flue_instrumented");
  });
  after(() => app.close());

  test("what it runs has its native spans below that of the agent, turn, tool or task", async () => {
    const events = readEvents("v2.1.0", "tool-task");
    const response = await app.fetch("/replay", { method: "POST", body: JSON.stringify(events) });
    const { done, counts } = (await response.json()) as {
      done: string[];
      counts: Record<string, number>;
    };
    const { open_spans, swallowed_errors, traps } = counts;
    assert.deepEqual(
      { open_spans, swallowed_errors, traps },
      { open_spans: 0, swallowed_errors: 0, traps: 0 },
    );
    const spans = await app.takeSpans();
    assertAllClosed(spans);
    const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
    const parents = done.map((name) => {
      const { parentSpanId = "" } = spanNamed(spans, name);
      return [name.replace(/ \d+$/, ""), names.get(parentSpanId)];
    });
    const request = spans.find(({ isInvocation }) => isInvocation)?.name;
    assert.deepEqual(
      parents,
      [
        ["in coordinator", "flue.coordinator"],
        ["in agent", "invoke_agent Reporter"],
        ["in model", "chat parent"],
        ["in tool", "execute_tool lookup"],
        // The framework's own tool has no span: the task it starts has one.
        ["in tool", request],
        ["in task", "invoke_agent summarizer"],
        ["in agent", "invoke_agent summarizer"],
        ["in model", "chat child"],
        ["in model", "chat parent"],
      ],
      describeSpans(spans),
    );
    assertAttributes(spanNamed(spans, "flue.coordinator"), {
      "flue.coordinator.phase": "reconcile",
      "flue.instance.id": "inst-1",
      "flue.agent.name": "Reporter",
    });
    const own = spans.filter(({ name }) => /^(chat|execute_tool|invoke_agent) /.test(name));
    const reference = readReferenceGenAi("tool-task", "metadata");
    const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
    assert.deepEqual(
      own.map(({ name }) => ({ name })).sort(byName),
      reference.map(({ name }) => ({ name })).sort(byName),
    );
  });
});
