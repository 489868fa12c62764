import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { context as globalContext } from "@opentelemetry/api";
import {
  createOpenTelemetryInstrumentation,
  createOpenTelemetryObserver,
  type FlueInstrumentation,
} from "isotel/flue";
import { emptyContext, type OtelContext } from "../../../bindings/flue/otel_types.ts";
import { type Occurrence, type ReferenceSpan, readEvents } from "../../flue/recordings.ts";
import { KeepingTracer, remoteParent } from "../support/flue.ts";
import { AsyncContexts, makeSpan } from "../support/flue_contexts.ts";

const events = readEvents("v2.1.0", "tool-task");
const aborted = readEvents("v2.1.0", "aborted");
const traceId = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
const tick = () => new Promise((resolve) => setImmediate(resolve));

type Semconv = "flue" | "gen_ai";

function instrumented(semconv: Semconv = "gen_ai", contexts = new AsyncContexts()) {
  const tracer = new KeepingTracer();
  const instrumentation = createOpenTelemetryInstrumentation({
    tracer,
    semconv,
    context: contexts,
  });
  return { tracer, contexts, ...instrumentation };
}

function observeAll({ observe }: FlueInstrumentation, occurrences: readonly Occurrence[]): void {
  for (const { event, ctx } of occurrences) observe(event, ctx);
}

/** The name of the parent of each span that `spans` has under one of these names. */
function parentsOf(spans: readonly ReferenceSpan[], prefix: string): (string | undefined)[] {
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  return spans
    .filter(({ name }) => name.startsWith(prefix))
    .map(({ parentSpanId }) => (parentSpanId ? names.get(parentSpanId) : undefined));
}

/** What Flue intercepts of an event that starts something, as recorded of 2.1.0. */
function operationOf(event: Occurrence["event"]) {
  const { turnId, toolCallId, toolName, taskId, operationId } = event as Record<string, string>;
  switch (event.type) {
    case "operation_start":
      return { type: "agent", operationId, operationKind: "prompt" };
    case "turn_request":
      return { type: "model", turnId };
    case "tool_start":
      return { type: "tool", toolCallId, toolName };
    case "task_start":
      return { type: "task", taskId };
    default:
      return undefined;
  }
}

function contextOf(event: Occurrence["event"]) {
  const { instanceId, harness, conversationId, session, operationId, turnId, taskId } =
    event as unknown as Record<string, string>;
  return { instanceId, harness, conversationId, session, operationId, turnId, taskId };
}

describe("what Flue runs, runs in its span", () => {
  const expected = {
    gen_ai: [
      "invoke_agent Reporter",
      "chat parent",
      "execute_tool lookup",
      undefined, // the framework's own tool: the task it starts has a span
      "invoke_agent summarizer",
      "invoke_agent summarizer",
      "chat child",
      "chat parent",
    ],
    flue: [
      "flue.operation prompt",
      "chat parent",
      "flue.tool lookup",
      "flue.tool task",
      "flue.task summarizer",
      "flue.operation prompt",
      "chat child",
      "chat parent",
    ],
  };

  for (const semconv of ["gen_ai", "flue"] as const) {
    test(`${semconv}: agents, turns, tools and tasks, before and after they wait`, async () => {
      const { tracer, contexts, observe, interceptor, diagnostics } = instrumented(semconv);
      let count = 0;
      for (const { event, ctx } of events) {
        observe(event, ctx);
        const operation = operationOf(event);
        if (operation === undefined) continue;
        await interceptor(operation, contextOf(event), async () => {
          makeSpan(tracer, contexts, `user ${count}`);
          await tick();
          makeSpan(tracer, contexts, `user ${count}`);
        });
        assert.equal(contexts.spanId, undefined);
        count += 1;
      }
      assert.equal(count, expected[semconv].length);
      const parents = expected[semconv].map((_, i) => parentsOf(tracer.ended, `user ${i}`));
      assert.deepEqual(
        parents,
        expected[semconv].map((name) => [name, name]),
      );
      assert.equal(diagnostics()["swallowed_errors"], 0);
    });
  }

  test("tools that run at once keep their own, and a stream's pulls enter the turn again", async () => {
    const { tracer, contexts, observe, interceptor } = instrumented();
    const tools: Promise<unknown>[] = [];
    for (const { event, ctx } of readEvents("v2.1.0", "failing-tool")) {
      observe(event, ctx);
      const operation = operationOf(event);
      if (event.type === "tool_start" && operation !== undefined) {
        const name = `in ${event["toolName"]}`;
        const work = async () => {
          await tick();
          makeSpan(tracer, contexts, name);
        };
        tools.push(interceptor(operation, contextOf(event), work));
        if (tools.length === 2) await Promise.all(tools);
      }
      if (event.type === "turn_request" && operation !== undefined) {
        for (let pull = 0; pull < 3; pull += 1) {
          await interceptor(operation, contextOf(event), async () => {
            makeSpan(tracer, contexts, "pull");
          });
        }
      }
    }
    assert.deepEqual(parentsOf(tracer.ended, "in boom"), ["execute_tool boom"]);
    assert.deepEqual(parentsOf(tracer.ended, "in lookup"), ["execute_tool lookup"]);
    assert.deepEqual(parentsOf(tracer.ended, "pull"), Array(6).fill("chat parent"));
  });

  test("an agent that a tool runs stands under the tool", async () => {
    const flue = instrumented();
    const { observe, interceptor, tracer } = flue;
    const ids = { v: 3, operationId: "op_1", turnId: "turn_1", toolCallId: "call_1" };
    observe({ ...ids, type: "tool_start", toolName: "delegate" } as never, {});
    await interceptor({ type: "tool", toolCallId: "call_1" }, ids, async () => {
      await tick();
      observeAll(flue, aborted);
    });
    observe({ ...ids, type: "tool" } as never, {});
    assert.deepEqual(parentsOf(tracer.ended, "invoke_agent"), ["execute_tool delegate"]);
  });
});

describe("the context manager", () => {
  afterEach(() => globalContext.disable());

  test("is the global one where none is given", async () => {
    const contexts = new AsyncContexts();
    const manager = Object.assign(contexts, {
      bind: <T>(_context: unknown, target: T) => target,
      enable: () => manager,
      disable: () => manager,
    });
    globalContext.setGlobalContextManager(manager as never);
    const tracer = new KeepingTracer();
    const flue = createOpenTelemetryInstrumentation({ tracer, semconv: "gen_ai" });
    const [start] = aborted.filter(({ event }) => event.type === "operation_start");
    assert.ok(start);
    flue.observe(start.event, start.ctx);
    const operation = { type: "agent", operationId: String(start.event["operationId"]) };
    await flue.interceptor(operation, {}, async () => {
      makeSpan(tracer, contexts, "user");
    });
    flue.dispose();
    assert.deepEqual(parentsOf(tracer.ended, "user"), ["invoke_agent Reporter"]);
  });

  test("may fail: the work runs once, without a span, and its outcome is its own", async () => {
    for (const broken of [
      { active: () => emptyContext, with: () => assert.fail("no") },
      {
        active: (): OtelContext => {
          throw new Error("no");
        },
        with: <T>(_: unknown, work: () => T) => work(),
      },
      // Runs the work and fails then.
      {
        active: () => emptyContext,
        with: <T>(_: unknown, work: () => T): T => {
          work();
          throw new Error("late");
        },
      },
    ]) {
      const flue = instrumented("gen_ai", broken as never);
      observeAll(flue, aborted.slice(0, 3));
      const operation = { type: "agent", operationId: "op_01M7W0Q1GGVVYC946NK9JZDMMN" };
      let runs = 0;
      const promise = Promise.resolve(7);
      const answer = flue.interceptor(operation, {}, () => {
        runs += 1;
        return promise;
      });
      assert.equal(answer, promise);
      const failure = new Error("the work's own");
      const thrower = () => {
        runs += 1;
        throw failure;
      };
      assert.throws(() => flue.interceptor(operation, {}, thrower), failure);
      assert.equal(runs, 2);
    }
  });
});

describe("work that was admitted in a trace", () => {
  const submission = "sub_01M7W0Q1GE50TAAWPCA6H9BS1E";
  const operation = { type: "agent", operationId: submission };
  const traceCarrier = { traceparent, tracestate: "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7" };
  const baggage = Symbol.for("OpenTelemetry Baggage Key");

  for (const semconv of ["gen_ai", "flue"] as const) {
    test(`${semconv}: goes on in it, with its state and what else was in the context`, async () => {
      const flue = instrumented(semconv);
      const { tracer, contexts, interceptor } = flue;
      const states: unknown[] = [];
      await contexts.with(emptyContext.setValue(baggage, "kept"), () =>
        interceptor(operation, { submissionId: submission, traceCarrier }, async () => {
          await tick();
          const span = makeSpan(tracer, contexts, "user");
          assert.equal(span.spanContext().traceId, traceId);
          assert.equal(contexts.active().getValue(baggage), "kept");
          const active = contexts.active().getValue(Symbol.for("OpenTelemetry Context Key SPAN"));
          const { traceState } = (active as ReturnType<typeof makeSpan>).spanContext();
          states.push((traceState as { serialize(): string }).serialize());
          observeAll(flue, aborted);
        }),
      );
      assert.deepEqual(states, [traceCarrier.tracestate]);
      assert.ok(tracer.ended.length > 2);
      assert.ok(tracer.ended.every((span) => span.traceId === traceId));
      assert.equal(tracer.ended.at(-1)?.parentSpanId, "b7ad6b7169203331");
    });
  }

  test("resolveRootContext comes first, what is active last", async () => {
    const other = "1".repeat(32);
    const tracer = new KeepingTracer();
    const contexts = new AsyncContexts();
    const flue = createOpenTelemetryInstrumentation({
      tracer,
      context: contexts,
      resolveRootContext: () => remoteParent(emptyContext, `00-${other}-${"2".repeat(16)}-01`),
    });
    await flue.interceptor(operation, { submissionId: submission, traceCarrier }, async () =>
      observeAll(flue, aborted),
    );
    assert.ok(tracer.ended.every((span) => span.traceId === other));
  });

  test("the active span is a root's parent for the instrumentation, and not for the observer", () => {
    const flue = instrumented();
    const { contexts, tracer } = flue;
    const outer = makeSpan(tracer, contexts, "outer");
    contexts.withSpan(outer, () => observeAll(flue, aborted));
    assert.deepEqual(parentsOf(tracer.ended, "invoke_agent"), ["outer"]);
    const observe = createOpenTelemetryObserver({ tracer, semconv: "gen_ai" });
    tracer.ended.length = 0;
    contexts.withSpan(outer, () => {
      for (const { event, ctx } of aborted) observe(event, ctx);
    });
    assert.deepEqual(parentsOf(tracer.ended, "invoke_agent"), [undefined]);
  });
});

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
