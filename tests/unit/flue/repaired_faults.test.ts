// What the original adapters get wrong, each by itself; elsewhere the spans here are equal to theirs.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createOpenTelemetryObserver, type OtelLogRecord } from "isotel/flue";
import { FlueObserver, type FlueSemconv } from "../../../bindings/flue/flue_observer.ts";
import { spanIn } from "../../../bindings/flue/sinks/otel_types.ts";
import { type EventContext, readEvents, readReferenceGenAi } from "../../flue/recordings.ts";
import { KeepingTracer, newHost, noContext } from "../support/flue.ts";
import { RecordingSink } from "../support/recording_sink.ts";

const both = ["flue", "gen_ai"] as const;

function replay(events: readonly object[], semconv: FlueSemconv, options: object = {}) {
  const sink = new RecordingSink();
  const observer = new FlueObserver(newHost(), sink, { semconv, ...options });
  for (const event of events) observer.observe(event as EventContext["event"], noContext);
  return { spans: sink.spans, ended: sink.ended, counts: observer.diagnostics() };
}

function eventsOf(scenario: string): EventContext["event"][] {
  return readEvents("v2.1.0", scenario).map(({ event }) => event);
}

/** A prompt that delegates to a prompt with a turn that asks for a tool, none of which ends but the first. */
const delegation: readonly object[] = [
  { type: "operation_start", operationId: "op_1", operationKind: "prompt" },
  { type: "task_start", operationId: "op_1", taskId: "task_1", agent: "helper" },
  { type: "operation_start", operationId: "op_2", operationKind: "prompt", taskId: "task_1" },
  { type: "tool_start", operationId: "op_2", taskId: "task_1", toolCallId: "c", toolName: "look" },
  { type: "turn_request", operationId: "op_2", taskId: "task_1", turnId: "t", purpose: "agent" },
  { type: "operation", operationId: "op_1", operationKind: "prompt", isError: false },
].map((event) => ({ v: 3, timestamp: "2026-11-20T09:00:00.000Z", ...event }));

describe("repaired", () => {
  test("a log is a record as well, for backends that keep no events of spans", () => {
    const tracer = new KeepingTracer();
    const records: OtelLogRecord[] = [];
    const logger = { emit: (record: OtelLogRecord) => void records.push(record) };
    const observe = createOpenTelemetryObserver({
      tracer,
      logger,
      semconv: "gen_ai",
      exportContent: (event) => event,
    });
    for (const { event, ctx } of readEvents("v2.1.0", "tool-task")) observe(event, ctx);
    const agent = tracer.ended.find(({ name }) => name === "invoke_agent Reporter");
    assert.deepEqual(
      records.map(({ context, timestamp, attributes, ...rest }) => ({
        ...rest,
        at: timestamp,
        level: attributes["flue.log.level"],
        span: (context && spanIn(context))?.spanContext().spanId,
      })),
      agent?.events.map(({ time, attributes }) => ({
        eventName: "flue.log",
        severityNumber: 9,
        severityText: "INFO",
        body: attributes["flue.log.message"],
        at: time,
        level: "info",
        span: agent.spanId,
      })),
    );
    assert.equal(records.length, 2);
    assert.equal(records[0]?.attributes["flue.log.message"], undefined);
    // A level of one's own has no number, and a logger that throws costs its record.
    const turn = { v: 3, operationId: "op_1", operationKind: "prompt" };
    observe({ ...turn, type: "operation_start" } as never, {});
    observe({ ...turn, type: "log", level: "constructor" } as never, {});
    assert.equal(records[2]?.severityNumber, undefined);
    logger.emit = () => {
      throw new Error("no");
    };
    observe({ ...turn, type: "log", level: "warn" } as never, {});
    observe({ ...turn, type: "operation" } as never, {});
    assert.equal(tracer.ended.at(-1)?.events.length, 2);
    assert.equal(observe.diagnostics()["swallowed_errors"], 1);
  });

  for (const semconv of both) {
    test(`${semconv}: what a delegated child leaves open ends with the operation that delegated, without a run`, () => {
      const { spans, ended, counts } = replay(delegation, semconv);
      assert.equal(spans.length, semconv === "flue" ? 5 : 4);
      assert.equal(ended.length, spans.length);
      assert.equal(counts["open_spans"], 0);
      const outer = spans[0];
      assert.equal(outer?.end?.failure, undefined);
      for (const { end } of spans.slice(1)) {
        const isGenAi = semconv === "gen_ai";
        assert.equal(
          end?.failure,
          isGenAi ? "" : "Operation ended before this span received its terminal event.",
        );
        assert.equal(end?.attributes["error.type"], isGenAi ? "interrupted" : undefined);
      }
    });

    test(`${semconv}: an operation whose end is lost ends with its submission`, () => {
      const events = eventsOf("tool-task");
      const cut = events.filter(({ type }) => type !== "operation" && type !== "task");
      const { spans, ended, counts } = replay(cut, semconv);
      assert.ok(spans.length > 4);
      assert.equal(ended.length, spans.length);
      assert.equal(counts["open_spans"], 0);
    });

    test(`${semconv}: a turn of today's events has the name of its model and its usage`, () => {
      const { spans } = replay(eventsOf("tool-task"), semconv);
      const turns = spans.filter(({ start }) => start.isClient);
      assert.deepEqual(
        turns.map(({ start }) => start.name),
        ["chat parent", "chat child", "chat parent"],
      );
      for (const { end } of turns) {
        assert.ok(Number(end?.attributes["gen_ai.usage.input_tokens"]) > 0);
        assert.ok(Number(end?.attributes["gen_ai.usage.output_tokens"]) > 0);
      }
      // Where the event does not say, the name says nothing either.
      const nameless = { v: 3, type: "turn_request", turnId: "t", request: {} };
      assert.equal(replay([nameless], semconv).spans[0]?.start.name, "chat");
    });

    test(`${semconv}: a log is an event of the span it belongs to`, () => {
      const options = { exportContent: (event: object) => event };
      const { spans } = replay(eventsOf("tool-task"), semconv, options);
      const logs = spans.flatMap(({ start, events }) =>
        events.map(({ name, attributes }) => [start.name, name, attributes["flue.log.message"]]),
      );
      const agent = semconv === "flue" ? "flue.operation prompt" : "invoke_agent Reporter";
      assert.deepEqual(
        logs.map(([span, name]) => [span, name]),
        [
          [agent, "flue.log"],
          [agent, "flue.log"],
        ],
      );
      assert.ok(logs.every(([, , message]) => typeof message === "string"));
      const original = readReferenceGenAi("tool-task", "content");
      assert.deepEqual(
        original.flatMap(({ events }) => events),
        [],
      );
    });
  }
});
