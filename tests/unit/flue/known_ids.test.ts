import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FlueAbi, flueEvents } from "../../../bindings/flue/abi.gen.ts";
import { FlueCore } from "../../../bindings/flue/core/flue_core.ts";
import { KnownIds } from "../../../bindings/flue/core/known_ids.ts";
import { flagsOf, readIds } from "../../../bindings/flue/events/event_ids.ts";
import { FlueObserver } from "../../../bindings/flue/flue_observer.ts";
import {
  type EventContext,
  readEvents,
  scenariosGenAi,
  scenariosV1,
} from "../../flue/recordings.ts";
import { flueModule, newHost } from "../support/flue.ts";
import { RecordingSink } from "../support/recording_sink.ts";

const buffer = new Uint8Array(400_000);
const decoder = new TextDecoder();

function told(known: KnownIds, event: object): { bits: number; text: string } {
  const bits = known.newBits(readIds(event, 0xff));
  return { bits, text: decoder.decode(buffer.subarray(0, known.length)) };
}

const has = (...places: number[]) => places.reduce((bits, place) => bits | (1 << place), 0);
const isNew = (...places: number[]) => has(...places) << FlueAbi.ids;

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

const recorded = [
  ...scenariosV1.flatMap((name) => readEvents("v1beta1", name)),
  ...scenariosGenAi.flatMap((name) => readEvents("v2.1.0", name)),
]
  .map(({ event }) => event)
  .concat(
    { type: "task_start", v: 3, taskId: "delegated", operationId: "o" },
    { type: "log", v: 3, taskId: "delegated", operationId: "p" },
    { type: "compaction_start", v: 3, runId: "q", session: "s" },
    { type: "compaction", v: 3, runId: "q", session: "s" },
  );

/** All of them without some of their identifiers: a bit of `missing` for each of these. */
function without(missing: number): EventContext["event"][] {
  const names = ["runId", "operationId", "taskId", "turnId", "submissionId"];
  const gone = names.filter((_, i) => (missing & (1 << i)) !== 0);
  const none = Object.fromEntries(gone.map((name) => [name, undefined]));
  return recorded.map((event) => ({ ...event, ...none }));
}

/** All of them in an order of no sense. */
function shuffled(seed: number): EventContext["event"][] {
  let state = seed;
  const drawn = recorded.map((event) => {
    state = (state * 48_271) % 0x7fffffff;
    return { event, at: state };
  });
  return drawn.sort((a, b) => a.at - b.at).map(({ event }) => event);
}

/** What the same events do when the module is told every identifier, and when it is told those that play a part. */
function compare(events: readonly EventContext["event"][], isGenAi: boolean): number {
  const ofAll = new FlueCore(flueModule);
  const ofSome = new FlueCore(flueModule);
  let numbers = 0;
  for (const event of events) {
    const type = flueEvents.findIndex((row) => row.type === event.type);
    const row = flueEvents[type];
    if (row === undefined) continue;
    const flags = flagsOf(event, isGenAi);
    const all = ofAll.take(type, readIds(event, 0xff), flags, 0);
    assert.deepEqual(ofSome.take(type, readIds(event, row.ids), flags, 0), all);
    numbers += all.length;
  }
  assert.deepEqual(ofSome.counters(), ofAll.counters());
  return numbers / FlueAbi.opSize;
}

for (const name of ["flue", "gen_ai"]) {
  test(`what plays no part for an event changes nothing of its spans as ${name}`, () => {
    let actions = 0;
    for (let i = 0; i < 32; i += 1) {
      actions += compare(without(i), name === "gen_ai");
      actions += compare(shuffled(i + 1), name === "gen_ai");
    }
    assert.ok(actions > 2_000, `${actions} actions`);
  });
}
