import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FlueAbi } from "../../../bindings/flue/abi.gen.ts";
import { type EventIds, readIds } from "../../../bindings/flue/event_ids.ts";
import { FlueObserver } from "../../../bindings/flue/flue_observer.ts";
import { KnownIds } from "../../../bindings/flue/known_ids.ts";
import { RecordingSink } from "../../../bindings/flue/recording_sink.ts";
import { newHost } from "../support/flue.ts";

const buffer = new Uint8Array(400_000);
const decoder = new TextDecoder();

function told(known: KnownIds, event: object): { bits: number; text: string } {
  const bits = known.tell(readIds(event) satisfies EventIds);
  return { bits, text: decoder.decode(buffer.subarray(0, known.length)) };
}

const has = (...places: number[]) => places.reduce((bits, place) => bits | (1 << place), 0);
const isNew = (...places: number[]) => has(...places) << FlueAbi.flueIds;

describe("the identifiers a core is told", () => {
  test("are those it does not know, each with a zero byte after it", () => {
    const known = new KnownIds(() => buffer);
    const event = { runId: "r", operationId: "o", turnId: "t" };
    assert.deepEqual(told(known, event), {
      bits: has(0, 3, 5) | isNew(0, 3, 5),
      text: "r\0o\0t\0",
    });
    assert.deepEqual(told(known, { ...event }), { bits: has(0, 3, 5), text: "" });
    const next = { runId: "r", operationId: "o", turnId: "ü€😀", submissionId: "s" };
    assert.deepEqual(told(known, next), {
      bits: has(0, 3, 5, 7) | isNew(5, 7),
      text: "ü€😀\0s\0",
    });
  });

  test("stay known while an event has none in their place", () => {
    const known = new KnownIds(() => buffer);
    told(known, { runId: "r", turnId: "t" });
    assert.deepEqual(told(known, { runId: "r", turnId: 5 }), { bits: has(0), text: "" });
    assert.deepEqual(told(known, { turnId: "t" }), { bits: has(5), text: "" });
  });

  test("are told anew after they were forgotten", () => {
    const known = new KnownIds(() => buffer);
    told(known, { runId: "r" });
    known.forget();
    assert.deepEqual(told(known, { runId: "r" }), { bits: has(0) | isNew(0), text: "r\0" });
  });

  test("that are refused leave the next event as it is", () => {
    const observer = new FlueObserver(newHost(), new RecordingSink(), {});
    const observe = (type: string, ids: object) => observer.observe({ type, v: 3, ...ids }, {});
    observe("operation_start", { operationId: "o", submissionId: "s" });
    observe("turn_request", { operationId: "p\0", turnId: "t", submissionId: "u" });
    observe("turn_request", { operationId: "p".repeat(100_001), turnId: "t" });
    assert.equal(observer.diagnostics()["unkeyed_events"], 2);
    observe("operation_start", { operationId: "p", submissionId: "u" });
    observe("operation", { operationId: "o", submissionId: "s" });
    observe("submission_settled", { submissionId: "u" });
    const { open_spans, unmatched_ends, terminated_spans } = observer.diagnostics();
    assert.deepEqual([open_spans, unmatched_ends, terminated_spans], [0, 0, 1]);
  });
});
