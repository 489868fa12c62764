import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createOpenTelemetryInstrumentation } from "isotel/flue";
import { readEvents } from "../../flue/recordings.ts";
import { makeSpan } from "../support/flue_contexts.ts";
import { instrumented, observeAll, parentsOf, tick } from "../support/flue_instrumented.ts";

const aborted = readEvents("v2.1.0", "aborted");

describe("the framework's own work around agents", () => {
  const operation = { type: "coordinator", phase: "reconcile" };
  const ctx = { instanceId: "inst-1", agentName: "Reporter" };

  test("is a span that lasts as long as it does, with what runs in it below", async () => {
    const { tracer, contexts, interceptor } = instrumented();
    const promise = Promise.resolve(7);
    assert.equal(
      interceptor(operation, ctx, () => {
        makeSpan(tracer, contexts, "storage");
        return promise;
      }),
      promise,
    );
    assert.deepEqual(
      tracer.ended.map(({ name }) => name),
      ["storage"],
    );
    await tick();
    const span = tracer.ended.at(-1);
    assert.equal(span?.name, "flue.coordinator");
    assert.equal(span?.kind, 0);
    assert.deepEqual(span?.status, { code: 0 });
    assert.deepEqual(span?.attributes, {
      "flue.coordinator.phase": "reconcile",
      "flue.instance.id": "inst-1",
      "flue.agent.name": "Reporter",
    });
    assert.deepEqual(parentsOf(tracer.ended, "storage"), ["flue.coordinator"]);
  });

  test("fails with it, and hands on the rejection and the throw", async () => {
    const { tracer, interceptor } = instrumented();
    const failure = new Error("no");
    await assert.rejects(
      interceptor(operation, ctx, () => Promise.reject(failure)),
      failure,
    );
    const thrower = () => {
      throw failure;
    };
    assert.throws(() => interceptor(operation, ctx, thrower), failure);
    assert.deepEqual(
      tracer.ended.map(({ status, events: told }) => ({ status, told })),
      Array(2).fill({ status: { code: 2 }, told: [] }),
    );
  });

  test("dispose ends it and everything else that is open, once, and nothing opens after it", async () => {
    const flue = instrumented();
    const { tracer, interceptor, dispose } = flue;
    observeAll(flue, aborted.slice(0, 7));
    let finish: (value: number) => void = () => {};
    const running = interceptor(operation, ctx, () => new Promise<number>((r) => (finish = r)));
    dispose();
    const interrupted = { status: { code: 2 }, type: "interrupted" };
    const endings = tracer.ended.map(({ name, status, attributes }) => [
      name,
      { status, type: attributes["error.type"] },
    ]);
    assert.deepEqual(endings, [
      ["chat parent", interrupted],
      ["invoke_agent Reporter", interrupted],
      ["flue.coordinator", interrupted],
    ]);
    finish(7);
    assert.equal(await running, 7);
    dispose();
    observeAll(flue, aborted);
    await interceptor(operation, ctx, async () => 7);
    assert.equal(tracer.ended.length, 3);
    assert.equal(flue.diagnostics()["open_spans"], 0);
  });

  test("runs without a span where a tracer fails", async () => {
    const tracer = {
      startSpan: () => {
        throw new Error("no");
      },
    };
    const flue = createOpenTelemetryInstrumentation({ tracer });
    assert.equal(await flue.interceptor(operation, ctx, async () => 7), 7);
    assert.equal(flue.diagnostics()["swallowed_errors"], 1);
  });
});
