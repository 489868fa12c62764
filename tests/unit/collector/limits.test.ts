import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CollectedSpan } from "../../../bindings/collector/spans/collected_span.ts";
import { idleTimeoutMs, limits } from "../../../bindings/collector/spans/counts.ts";
import {
  assertAccounted,
  collectingTo,
  handedOn,
  MadeInvocation,
  play,
} from "../support/collecting.ts";

describe("what a collector holds is bounded", () => {
  test("invocations that are too many are refused, with all their spans counted", () => {
    const to = collectingTo(undefined);
    for (let i = 0; i < limits.openInvocations; i += 1) {
      play(to.collecting, new MadeInvocation().events);
    }
    play(to.collecting, new MadeInvocation().span("one").span("two").outcome().events);
    assert.equal(to.collecting.openInvocations, limits.openInvocations);
    assert.equal(to.counts.invocations_refused, 1);
    assert.equal(to.counts.spans_dropped_limit, 3);
    assertAccounted(to);
  });

  test("invocations that never end are given up by their age, marked and counted", () => {
    const to = collectingTo(undefined);
    const spans = handedOn(to);
    const silent = new MadeInvocation();
    silent.open("never closed");
    play(to.collecting, silent.events);
    const busy = new MadeInvocation();
    const take = to.collecting.begin(busy.onset);
    for (let waited = 0; waited <= idleTimeoutMs + 120_000; waited += 60_000) {
      to.clock.now += 60_000;
      take?.(busy.span("tick").events.at(-3) as never);
      for (const event of busy.events.slice(-2)) take?.(event);
      // The next onset of anybody looks.
      play(to.collecting, new MadeInvocation().outcome().events);
    }
    assert.equal(to.counts.invocations_swept, 1);
    assert.equal(to.collecting.openInvocations, 1);
    const swept = spans.filter(({ attributes }) =>
      attributes.keys.includes("isotel.span.truncated"),
    );
    assert.deepEqual(
      swept.map(({ name }) => name),
      ["never closed", "custom"],
    );
    assert.equal(to.counts.spans_truncated, 2);
    assertAccounted(to);
  });

  test("spans of an invocation that was given up are counted as late", () => {
    const to = collectingTo(undefined);
    const made = new MadeInvocation();
    const take = to.collecting.begin(made.onset);
    for (let i = 0; i < 20; i += 1) {
      to.clock.now += 60_000;
      to.collecting.sweep();
    }
    for (const event of made.span("late").outcome().events.slice(1)) take?.(event);
    assert.equal(to.counts.spans_dropped_late, 1);
    assert.equal(to.counts.events_unmatched, 2);
    assert.equal(to.counts.spans_exported, 1);
    assertAccounted(to);
  });

  test("spans open at once in an invocation", () => {
    const to = collectingTo(undefined);
    const made = new MadeInvocation();
    const ids = Array.from({ length: limits.openSpans + 5 }, () => made.open("deep"));
    for (const id of ids.reverse()) made.event({ type: "spanClose", outcome: "ok" }, id);
    play(to.collecting, made.outcome().events);
    // The invocation's own is one of them.
    assert.equal(to.counts.spans_dropped_limit, 6);
    assert.equal(to.counts.spans_exported, limits.openSpans);
    assert.equal(to.counts.spans_dropped_unopened, 0);
    assertAccounted(to);
  });

  test("attributes of a span, by number and by size", () => {
    const to = collectingTo(undefined);
    const spans = handedOn(to);
    const many = Object.fromEntries(
      Array.from({ length: limits.attributesPerSpan + 7 }, (_, i) => [`key ${i}`, i]),
    );
    const half = "x".repeat(limits.attributeUnitsPerSpan / 2);
    const made = new MadeInvocation()
      .span("many", many)
      .span("large", { a: half, b: half, c: "fits" });
    play(to.collecting, made.outcome().events);
    const [first, second] = spans as [CollectedSpan, CollectedSpan];
    assert.equal(first.attributes.keys.length, limits.attributesPerSpan);
    assert.equal(first.droppedAttributesCount, 7);
    assert.deepEqual(second.attributes.keys, ["a", "c"]);
    assert.equal(second.droppedAttributesCount, 1);
    assert.equal(to.counts.attributes_dropped, 8);
    assert.equal(to.collecting.reader.held.units, 0);
  });

  test("attributes of all open spans together", () => {
    const to = collectingTo(undefined);
    const text = "x".repeat(100_000);
    const made = Array.from({ length: 400 }, () => new MadeInvocation().attributes({ text }));
    for (const { events } of made) play(to.collecting, events);
    assert.ok(to.collecting.reader.held.units <= limits.heldUnits);
    assert.ok(to.counts.attributes_dropped >= 80, String(to.counts.attributes_dropped));
    assertAccounted(to);
  });

  test("exceptions of a span, and the length of texts", () => {
    const to = collectingTo(undefined);
    const spans = handedOn(to);
    const made = new MadeInvocation();
    const message = "x".repeat(limits.textUnits + 1);
    for (let i = 0; i < limits.eventsPerSpan + 3; i += 1) {
      made.event({ type: "exception", name: "TypeError", message });
    }
    play(to.collecting, made.outcome().events);
    const [root] = spans as [CollectedSpan];
    assert.equal(root.events.length, limits.eventsPerSpan);
    assert.equal(root.droppedEventsCount, 3);
    assert.equal(to.counts.span_events_dropped, 3);
    assert.equal(String(root.events[0]?.attributes.values[1]).length, limits.textUnits);
  });

  test("events that wait for one that never comes", () => {
    const to = collectingTo(undefined);
    const spans = handedOn(to);
    const made = new MadeInvocation().span("lost").span("kept");
    while (made.events.length < limits.earlyEvents + 10) made.span("after");
    const [onset, , ...rest] = made.events;
    play(to.collecting, [onset as never, ...rest]);
    assert.equal(to.counts.events_missing, 1);
    assert.equal(to.counts.spans_dropped_unopened, 1);
    assert.equal(spans[0]?.name, "kept");
    assertAccounted(to);
  });

  test("100,000 spans leave nothing behind", () => {
    const to = collectingTo(undefined);
    for (let i = 0; i < 5_000; i += 1) {
      const made = new MadeInvocation();
      for (let j = 0; j < 19; j += 1) made.span("work", { "app.text": "some text" });
      play(to.collecting, made.outcome().events);
    }
    assert.equal(to.counts.spans_exported, 100_000);
    assert.equal(to.collecting.openInvocations, 0);
    assert.equal(to.collecting.waitingSpans, 0);
    assert.equal(to.collecting.reader.held.units, 0);
    const [counts] = to.pipeline.counts();
    assert.equal((counts?.queued ?? 0) + (counts?.dropped.queue_full ?? 0), 100_000);
  });
});
