import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Collecting } from "../../../bindings/collector/collecting.ts";
import type { CollectedSpan } from "../../../bindings/collector/spans/collected_span.ts";
import {
  assertAccounted,
  type CollectingTo,
  collectingTo,
  handedOn,
  play,
  recordedStream,
  streamNames,
  type TailEvent,
} from "../support/collecting.ts";

interface Played extends CollectingTo {
  readonly handed: readonly CollectedSpan[];
}

/** What becomes of events once everything that would be waited for has been given up. */
function played(events: readonly TailEvent[]): Played {
  const to = collectingTo(undefined);
  const handed = handedOn(to);
  play(to.collecting, events);
  assertAccounted(to);
  to.collecting.completeAll();
  for (let i = 0; i < 20; i += 1) {
    to.clock.now += 60_000;
    to.collecting.sweep();
  }
  assertAccounted(to);
  assert.equal(to.collecting.openInvocations, 0);
  assert.equal(to.collecting.waitingSpans, 0);
  assert.equal(to.collecting.reader.held.units, 0);
  return { ...to, handed };
}

/** Spans without the order in which they were handed on. */
function asTexts(spans: readonly CollectedSpan[]): string[] {
  return spans
    .map(({ name, spanId, parentSpanId, kind, status, attributes, events, endUnixMs }) =>
      JSON.stringify([spanId, name, parentSpanId, kind, status, attributes, events, endUnixMs]),
    )
    .sort();
}

for (const name of streamNames) {
  describe(`the stream "${name}"`, () => {
    const events = recordedStream(name);
    const opened = events.filter(({ event }) => /^(onset|spanOpen)$/.test(event.type)).length;

    test("as it came, every span is exported", () => {
      const { counts, handed } = played(events);
      assert.equal(handed.length, opened);
      assert.deepEqual([counts.spans_opened, counts.spans_truncated], [opened, 0]);
      assert.deepEqual([counts.events_missing, counts.events_repeated], [0, 0]);
    });

    test("with any event missing, every span is exported or counted", () => {
      for (const [at, missing] of events.entries()) {
        const { type } = missing.event;
        const { counts, handed } = played(events.toSpliced(at, 1));
        if (type === "onset") {
          // Its other events reach nobody.
          assert.ok(handed.length < opened);
          continue;
        }
        assert.equal(counts.spans_opened, opened, type);
        const isLast = type === "outcome";
        assert.equal(counts.events_missing, isLast ? 0 : 1, type);
        assert.equal(counts.spans_dropped_unopened, type === "spanOpen" ? 1 : 0);
        assert.equal(counts.invocations_swept, isLast ? 1 : 0);
        assert.equal(counts.spans_truncated, type === "spanClose" || isLast ? 1 : 0);
        assert.equal(handed.length, type === "spanOpen" ? opened - 1 : opened);
      }
    });

    test("with any event twice, nothing is different", () => {
      const expected = asTexts(played(events).handed);
      for (const [at, event] of events.entries()) {
        const { counts, handed } = played(events.toSpliced(at, 0, event));
        assert.deepEqual(asTexts(handed), expected);
        assert.equal(counts.events_repeated, 1, event.event.type);
      }
    });

    test("with any event late by some, nothing is different", () => {
      const expected = asTexts(played(events).handed);
      for (const [at, event] of events.entries()) {
        if (event.event.type === "onset") continue;
        for (const by of [1, 2, 7]) {
          const late = events.toSpliced(at, 1).toSpliced(at + by, 0, event);
          const { counts, handed } = played(late);
          assert.deepEqual(asTexts(handed), expected, `${event.event.type} ${at} by ${by}`);
          assert.equal(counts.events_missing, 0);
        }
      }
    });

    test("with any stretch of them backwards, nothing is different", () => {
      const expected = asTexts(played(events).handed);
      for (let at = 0; at < events.length; at += 1) {
        const ofOne = events.filter(
          ({ invocationId }) => invocationId === events[at]?.invocationId,
        );
        const others = events.filter((event) => !ofOne.includes(event));
        const [onset, ...rest] = ofOne as [TailEvent, ...TailEvent[]];
        const from = at % Math.max(rest.length, 1);
        const stretch = rest.slice(from, from + 20).reverse();
        // Each a second time, while it waits or when it is done.
        const twice = stretch.flatMap((event) => [event, event]);
        const { counts, handed } = played([
          ...others,
          onset,
          ...rest.toSpliced(from, stretch.length, ...twice),
        ]);
        assert.deepEqual(asTexts(handed), expected);
        assert.equal(counts.events_missing, 0);
        assert.equal(counts.events_repeated, stretch.length);
      }
    });

    test("cut off anywhere, what was open is exported as truncated", () => {
      for (let length = 1; length < events.length; length += 1) {
        const head = events.slice(0, length);
        const begun = head.filter(({ event }) => /^(onset|spanOpen)$/.test(event.type)).length;
        const ended = head.filter(({ event }) => /^(outcome|spanClose)$/.test(event.type)).length;
        const { counts, handed } = played(head);
        assert.equal(handed.length, begun);
        assert.equal(counts.spans_truncated, begun - ended);
        const marked = handed.filter(({ attributes }) =>
          attributes.keys.includes("isotel.span.truncated"),
        );
        assert.equal(marked.length, begun - ended);
      }
    });
  });
}

test("without an export nobody waits for what is missing, and every span is counted", () => {
  const clock = () => 1_700_000_000_000;
  const resource = { "service.name": "local" };
  const unconfigured = { clock, resource, pipeline: undefined, metrics: undefined };
  const collecting = new Collecting({ ...unconfigured, ignores: () => false, flushDelayMs: 0 });
  play(collecting, recordedStream("spans").toSpliced(3, 1));
  const { counts } = collecting;
  assert.equal(collecting.openInvocations, 0);
  assert.deepEqual([counts.events_missing, counts.spans_opened], [1, 3]);
  assert.deepEqual([counts.spans_dropped_unopened, counts.spans_dropped_no_export], [1, 2]);
  assert.deepEqual([counts.logs, counts.logs_dropped], [2, 2]);
  assert.equal(collecting.reader.held.units, 0);
});
