import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createOpenTelemetryObserver, type OtelLogRecord } from "isotel/flue";
import { spanIn } from "../../../bindings/flue/sinks/otel_types.ts";
import { noopRuntime } from "../../../bindings/trace/span_runtime.ts";
import { flueObserver } from "../../flue/peer.ts";
import { type EventContext, readEvents, scenariosGenAi } from "../../flue/recordings.ts";
import { KeepingTracer } from "../support/flue.ts";
import { flueExport } from "../support/flue_export.ts";

/** The part of a record that @flue/opentelemetry writes too. */
function comparable(record: Partial<OtelLogRecord>): object {
  const { eventName, severityNumber, severityText, attributes } = record;
  // A value that is undefined is none.
  return JSON.parse(JSON.stringify({ eventName, severityNumber, severityText, attributes }));
}

/** The records of isotel and those of @flue/opentelemetry. Logs of the application are not among the latter. */
function both(events: readonly EventContext[], content: boolean) {
  const ours: OtelLogRecord[] = [];
  const tracer = new KeepingTracer();
  const observe = createOpenTelemetryObserver({
    tracer,
    semconv: "gen_ai",
    logger: { emit: (record) => void ours.push(record) },
    ...(content && { exportContent: (event) => event }),
  });
  const theirs: Partial<OtelLogRecord>[] = [];
  const original = flueObserver(undefined, content, {
    emit: (record) => void theirs.push(record as Partial<OtelLogRecord>),
  });
  for (const event of events) {
    observe(event.event, event.ctx);
    original(event);
  }
  assert.equal(observe.diagnostics()["swallowed_errors"], 0);
  const records = ours.filter(({ eventName }) => eventName !== "flue.log");
  return { records, ended: tracer.ended, theirs: theirs.map(comparable) };
}

const timestamp = "2026-11-20T09:00:00.250Z";
const envelope = { v: 3, timestamp, instanceId: "i", conversationId: "c", operationId: "op_1" };
const given = (event: object): EventContext =>
  ({ event: { ...envelope, ...event }, ctx: { id: "i" } }) as never;

/** Every combination of one value of each list. */
function combinations(lists: Readonly<Record<string, readonly unknown[]>>): object[] {
  return Object.entries(lists).reduce<object[]>(
    (found, [key, values]) =>
      found.flatMap((one) =>
        values.map((value) => ({ ...one, ...(value !== undefined && { [key]: value }) })),
      ),
    [{}],
  );
}

const errorTypes = [
  "rate_limit",
  "Error",
  "a.b-c_1",
  "with space",
  "1st",
  "",
  "x".repeat(64),
  "x".repeat(65),
  undefined,
];

describe("log records of Flue, beside those of @flue/opentelemetry 2.1.0", () => {
  for (const content of [false, true]) {
    const mode = content ? "with content" : "without content";
    for (const scenario of scenariosGenAi) {
      test(`recording ${scenario}, ${mode}`, () => {
        const { records, theirs } = both(readEvents("v2.1.0", scenario), content);
        assert.deepEqual(records.map(comparable), theirs);
      });
    }

    test(`failed requests with every kind of error, ${mode}`, () => {
      const errors = [
        undefined,
        "only a text",
        ...combinations({
          type: errorTypes,
          name: ["ProviderError", "", undefined],
          message: ["slow down", "", undefined],
          stack: ["Error: slow down\n    at model", undefined],
        }),
      ];
      const requests = combinations({
        providerName: ["openai"],
        requestedModel: ["gpt-5"],
        serverAddress: ["api.openai.com", undefined],
        serverPort: [443, undefined],
      });
      const responseModels = ["gpt-5-mini", undefined];
      let turns = 0;
      const events = errors.flatMap((error) =>
        requests.flatMap((request) =>
          responseModels.flatMap((responseModel) => {
            const turn = { turnId: `turn_${turns++}`, purpose: "agent" };
            const response = {
              finishReason: "error",
              ...(responseModel !== undefined && { responseModel }),
              ...(error !== undefined && { error }),
            };
            return [
              given({
                ...turn,
                type: "turn_request",
                request: { ...request, input: { messages: [] } },
              }),
              given({ ...turn, type: "turn", durationMs: 5, isError: true, request, response }),
            ];
          }),
        ),
      );
      const { records, ended, theirs } = both(events, content);
      assert.ok(theirs.length > 100);
      assert.deepEqual(records.map(comparable), theirs);
      // Each belongs to its span, at the time of its event.
      const spans = new Set(ended.map(({ spanId }) => spanId));
      for (const { context, timestamp: time } of records) {
        assert.ok(spans.delete((context && spanIn(context)?.spanContext().spanId) ?? ""));
        assert.deepEqual(time, [Date.parse(timestamp) / 1000 - 0.25, 250e6]);
      }
    });
  }

  test("recoveries of every kind", () => {
    const events = combinations({
      submissionId: ["sub_1", "", undefined],
      operation: ["materialize_submission", "start_submission"],
      outcome: ["deferred", "terminated"],
      errorInfo: [
        ...errorTypes.map((type) => ({ type, name: "E", message: "secret" })),
        null,
        undefined,
      ],
    }).map((event) =>
      given({ type: "submission_recovery", error: { message: "secret" }, ...event }),
    );
    const { records, theirs, ended } = both(events, true);
    assert.equal(theirs.length, events.length);
    assert.deepEqual(records.map(comparable), theirs);
    // They belong to whatever is active.
    for (const record of records) assert.equal("context" in record, false);
    assert.equal(ended.length, 0);
  });

  test("a logger that throws costs its record, and no span", () => {
    const tracer = new KeepingTracer();
    const observe = createOpenTelemetryObserver({
      tracer,
      semconv: "gen_ai",
      logger: {
        emit() {
          throw new Error("no");
        },
      },
    });
    const turn = { turnId: "turn_1", purpose: "agent" };
    const error = { type: "rate_limit", name: "ProviderError" };
    for (const { event, ctx } of [
      given({ type: "submission_recovery", operation: "reconcile_pass", outcome: "deferred" }),
      given({ ...turn, type: "turn_request", request: { requestedModel: "m" } }),
      given({ ...turn, type: "turn", isError: true, response: { error } }),
    ]) {
      observe(event, ctx);
    }
    assert.deepEqual(
      tracer.ended.map(({ name }) => name),
      ["chat m"],
    );
    assert.equal(observe.diagnostics()["swallowed_errors"], 2);
  });
});

describe("log records of Flue that are exported over OTLP", () => {
  const recovery = given({
    type: "submission_recovery",
    submissionId: "sub_1",
    operation: "reconcile_pass",
    outcome: "deferred",
  });

  test("a recovery is a record of the active span", async () => {
    const exported = flueExport(noopRuntime, { semconv: "gen_ai" });
    exported.tracer.withSpan("coordinator", {}, () => exported.replay([recovery]));
    exported.replay([recovery]);
    const { spans, logs } = await exported.sent();
    assert.equal(logs.length, 2);
    const ids = logs.map(({ spanId, ...log }) => {
      assert.deepEqual(log, {
        eventName: "flue.submission_recovery",
        severity: "WARN",
        body: undefined,
        unixMs: Date.parse(timestamp),
        attributes: {
          "flue.submission.id": "sub_1",
          "flue.recovery.operation": "reconcile_pass",
          "flue.recovery.outcome": "deferred",
        },
      });
      return spanId || undefined;
    });
    assert.deepEqual(ids, [spans[0]?.spanId, undefined]);
  });
});
