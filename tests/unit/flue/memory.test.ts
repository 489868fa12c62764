import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FlueObserver } from "../../../bindings/flue/flue_observer.ts";
import type { SpanSink } from "../../../bindings/flue/sinks/span_sink.ts";
import { newHost, noContext } from "../support/flue.ts";

/** Counts, and keeps nothing. */
class CountingSink implements SpanSink<number, unknown> {
  opened = 0;
  ended = 0;
  failed = 0;

  open(): number {
    this.opened += 1;
    return this.opened;
  }

  addEvent(): void {}

  emitLog(): void {}

  end(_span: number, { failure }: { readonly failure: string | undefined }): void {
    this.ended += 1;
    if (failure !== undefined) this.failed += 1;
  }
}

const timestamp = "2026-11-20T08:19:32.814Z";

/** The event of run `run` at `step` of `steps`: a workflow with one operation and turns of the model with a tool. */
function eventOf(run: number, step: number, steps: number) {
  const common = { v: 1, timestamp, eventIndex: step, runId: `run_${run}` };
  if (step === 0) return { ...common, type: "run_start", workflowName: "report" };
  if (step === steps - 1) return { ...common, type: "run_end", isError: false };
  const inOperation = { ...common, operationId: `op_${run}`, session: "default" };
  if (step === 1) return { ...inOperation, type: "operation_start", operationKind: "prompt" };
  if (step === steps - 2) return { ...inOperation, type: "operation", isError: false };
  const turnId = `turn_${run}_${Math.floor((step - 2) / 4)}`;
  const inTurn = { ...inOperation, turnId, toolCallId: `call_${run}_${step >> 1}`, toolName: "a" };
  const types = ["turn_request", "tool_start", "tool", "turn"] as const;
  const type = types[(step - 2) % 4];
  return { ...inTurn, toolCallId: `call_${turnId}`, type: type ?? "log", model: "m" };
}

/** Runs `runs` workflows of `steps` events, `atOnce` of them interleaved event by event. */
function run(
  runs: number,
  steps: number,
  atOnce: number,
  afterEach: (done: number) => void,
  observer: FlueObserver<number, unknown>,
): void {
  for (let first = 0; first < runs; first += atOnce) {
    for (let step = 0; step < steps; step += 1) {
      for (let i = first; i < first + atOnce; i += 1)
        observer.observe(eventOf(i, step, steps), noContext);
    }
    afterEach(first + atOnce);
  }
}

/** The events of submission `i`: a prompt that delegates to another with a turn, some of whose ends are lost. */
function submissionOf(i: number): Readonly<Record<string, unknown>>[] {
  const common = { v: 3, timestamp, submissionId: `sub_${i}`, operationId: `op_${i}` };
  const inner = { ...common, operationId: `inner_${i}`, taskId: `task_${i}`, turnId: `turn_${i}` };
  const kind = { operationKind: "prompt" };
  const events = [
    { ...common, type: "operation_start", ...kind },
    { ...common, type: "task_start", taskId: `task_${i}`, agent: "helper" },
    { ...inner, type: "operation_start", ...kind },
    { ...inner, type: "turn_request", request: { requestedModel: "m" } },
    { ...inner, type: "turn", response: {} },
    { ...inner, type: "operation", ...kind },
    { ...common, type: "task", taskId: `task_${i}` },
    { ...common, type: "operation", ...kind },
  ];
  // One of them is missing, mostly.
  events.splice(i % 9, 1);
  return [...events, { v: 3, timestamp, type: "submission_settled", submissionId: `sub_${i}` }];
}

describe("memory", () => {
  test("1,000,000 events of 10,000 interleaved runs leave it as it was after 300,000", () => {
    const sink = new CountingSink();
    const observer = new FlueObserver(newHost(), sink, {});
    const memory: number[] = [];
    run(
      10_000,
      100,
      1_000,
      () => memory.push(observer.diagnostics()["memory_bytes"] ?? 0),
      observer,
    );
    // 24 turns of 4 events in each run, and a workflow and an operation around them.
    assert.equal(sink.opened, 10_000 * (2 + 24 * 2));
    assert.equal(sink.ended, sink.opened);
    assert.equal(sink.failed, 0);
    // By then as many ends are remembered as ever will be.
    assert.equal(memory.at(-1), memory[2]);
    assert.ok((memory[2] ?? 0) < 4 * 1024 * 1024, `${memory[2]} bytes`);
    assert.equal(observer.diagnostics()["evicted_spans"], 0);
  });

  test("more runs at once than spans may be open give up the oldest, which is counted", () => {
    const sink = new CountingSink();
    const observer = new FlueObserver(newHost({ openSpans: 1_000 }), sink, {});
    let mostOpen = 0;
    const note = () => {
      mostOpen = Math.max(mostOpen, sink.opened - sink.ended);
    };
    const memory: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      run(2_000, 12, 2_000, note, observer);
      memory.push(observer.diagnostics()["memory_bytes"] ?? 0);
    }
    const counts = observer.diagnostics();
    assert.ok(mostOpen <= 1_000);
    assert.ok((counts["evicted_spans"] ?? 0) > 1_000);
    assert.equal(sink.opened - sink.ended, counts["open_spans"]);
    assert.equal(memory.at(-1), memory[0]);
  });

  test("tasks that stand for prompts, with events lost, leave it as it was after a tenth of them", () => {
    const sink = new CountingSink();
    const observer = new FlueObserver(newHost(), sink, { semconv: "gen_ai" });
    const memory: number[] = [];
    for (let i = 0; i < 40_000; i += 1) {
      // Identifiers of the same length.
      for (const event of submissionOf(100_000 + i)) observer.observe(event as never, noContext);
      if (i % 4_000 === 0) memory.push(observer.diagnostics()["memory_bytes"] ?? 0);
    }
    const counts = observer.diagnostics();
    assert.ok(sink.opened > 100_000);
    assert.equal(sink.ended, sink.opened);
    assert.equal(counts["open_spans"], 0);
    assert.equal(counts["swallowed_errors"], 0);
    assert.ok((counts["terminated_spans"] ?? 0) > 10_000);
    assert.equal(memory.at(-1), memory[2]);
  });
});
