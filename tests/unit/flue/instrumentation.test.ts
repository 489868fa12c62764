import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { context as globalContext } from "@opentelemetry/api";
import { createOpenTelemetryInstrumentation } from "isotel/flue";
import { emptyContext, type OtelContext } from "../../../bindings/flue/sinks/otel_types.ts";
import { readEvents } from "../../flue/recordings.ts";
import { KeepingTracer } from "../support/flue.ts";
import { AsyncContexts, makeSpan } from "../support/flue_contexts.ts";
import {
  contextOf,
  instrumented,
  observeAll,
  operationOf,
  parentsOf,
  tick,
} from "../support/flue_instrumented.ts";

const events = readEvents("v2.1.0", "tool-task");
const aborted = readEvents("v2.1.0", "aborted");

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
