import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { limits } from "../../../bindings/collector/spans/counts.ts";
import {
  assertAccounted,
  collectingTo,
  handedOn,
  MadeInvocation,
  play,
  type TailEvent,
} from "../support/collecting.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";

/** A caller and who it calls in the same trace, as their events come. */
function called(outcome: TailStream.EventOutcome = "ok"): TailEvent[] {
  const caller = new MadeInvocation({ scriptName: "caller" }, { traceId });
  const spanId = caller.open("fetch");
  const callee = new MadeInvocation({ scriptName: "callee" }, { traceId, spanId });
  callee.span("work").outcome(outcome);
  caller.event({ type: "spanClose", outcome: "ok" }, spanId).outcome();
  const [onset, open, ...rest] = caller.events as [TailEvent, TailEvent, ...TailEvent[]];
  return [onset, open, ...callee.events, ...rest];
}

describe("sampleRatio", () => {
  test("keeps or leaves out whole traces, and counts them", () => {
    const to = collectingTo(undefined, { otlp: { sampleRatio: 0.3 } });
    const spans = handedOn(to);
    for (let i = 0; i < 400; i += 1) {
      // Its right half has to be random.
      const id = (BigInt(i) * 0x9e3779b97f4a7c15n + 1n) & ((1n << 64n) - 1n);
      const random = `7${id.toString(16).padStart(31, "0")}`;
      play(
        to.collecting,
        new MadeInvocation({}, { traceId: random }).span("work").outcome().events,
      );
    }
    assertAccounted(to);
    const { spans_exported, spans_sampled_out } = to.counts;
    assert.equal(spans_exported + spans_sampled_out, 800);
    assert.ok(spans_exported > 120 && spans_exported < 360, String(spans_exported));
    for (const { traceId: kept } of spans) {
      assert.equal(spans.filter((span) => span.traceId === kept).length, 2);
    }
  });

  test("does not undo what another process has decided", () => {
    const to = collectingTo(undefined, { otlp: { sampleRatio: 0 } });
    const spans = handedOn(to);
    play(to.collecting, new MadeInvocation({}, { traceFlags: 1 }).span("kept").outcome().events);
    play(to.collecting, new MadeInvocation({}, {}).span("lost").outcome().events);
    assert.deepEqual(spans.map(({ name, flags }) => [name, flags])[0], ["kept", 1]);
    assert.deepEqual([to.counts.spans_exported, to.counts.spans_sampled_out], [2, 2]);
    const never = collectingTo(undefined);
    play(never.collecting, new MadeInvocation({}, { traceFlags: 0 }).span("x").outcome().events);
    assert.equal(never.counts.spans_sampled_out, 2);
    assertAccounted(never);
  });
});

describe("tail", () => {
  test("waits for all invocations of a trace before it decides", () => {
    const to = collectingTo(undefined, { otlp: { tail: { errors: true } } });
    const spans = handedOn(to);
    const events = called("exception");
    play(to.collecting, events.slice(0, -1));
    assert.equal(spans.length, 0);
    assertAccounted(to);
    const whole = collectingTo(undefined, { otlp: { tail: { errors: true } } });
    const kept = handedOn(whole);
    play(whole.collecting, events);
    assert.equal(kept.length, 4);
    assertAccounted(whole);
  });

  test("leaves out traces that neither failed nor were slow", () => {
    const to = collectingTo(undefined, { otlp: { tail: { errors: true, slowMs: 1_000 } } });
    play(to.collecting, called());
    assert.deepEqual([to.counts.spans_exported, to.counts.spans_sampled_out], [0, 4]);
    assertAccounted(to);
    const slow = collectingTo(undefined, { otlp: { tail: { slowMs: 3 } } });
    play(slow.collecting, called());
    assert.equal(slow.counts.spans_exported, 4);
  });

  test("keeps a share by trace id", () => {
    const to = collectingTo(undefined, { otlp: { tail: { ratio: 1 } } });
    play(to.collecting, called());
    assert.equal(to.counts.spans_exported, 4);
    const none = collectingTo(undefined, { otlp: { tail: { ratio: 0 } } });
    play(none.collecting, called());
    assert.equal(none.counts.spans_exported, 0);
  });

  test("what comes after the decision follows it", () => {
    const to = collectingTo(undefined, { otlp: { tail: { errors: true } } });
    play(to.collecting, called("exception"));
    play(to.collecting, new MadeInvocation({}, { traceId }).span("later").outcome().events);
    assert.equal(to.counts.spans_exported, 6);
    const out = collectingTo(undefined, { otlp: { tail: { errors: true } } });
    play(out.collecting, called());
    play(out.collecting, new MadeInvocation({}, { traceId }).outcome("exception").events);
    assert.deepEqual([out.counts.spans_exported, out.counts.spans_sampled_out], [1, 4]);
    assertAccounted(out);
  });

  test("does not wait for ever, and holds no more than its limit", () => {
    const to = collectingTo(undefined, { otlp: { tail: { ratio: 1 } } });
    const made = new MadeInvocation();
    for (let i = 0; i < limits.undecidedSpans + 10; i += 1) made.span("work");
    play(to.collecting, made.events);
    assert.ok(to.collecting.waitingSpans <= limits.undecidedSpans + 1);
    assert.ok(to.counts.spans_exported > 0);
    assertAccounted(to);
    const silent = collectingTo(undefined, { otlp: { tail: { ratio: 1 } } });
    // The oldest trace has no span that could be decided about.
    play(silent.collecting, new MadeInvocation().events);
    play(silent.collecting, made.events);
    assert.ok(silent.collecting.waitingSpans <= limits.undecidedSpans + 2);
    assert.ok(silent.counts.spans_exported > 0);
    assertAccounted(silent);
    const old = collectingTo(undefined, { otlp: { tail: { ratio: 1 } } });
    play(old.collecting, new MadeInvocation().span("work").events);
    old.clock.now += 61_000;
    old.collecting.completeAll();
    assert.equal(old.counts.spans_exported, 1);
    assertAccounted(old);
  });

  test("forgets traces that are long over", () => {
    const to = collectingTo(undefined, { otlp: { tail: { errors: true } } });
    play(to.collecting, new MadeInvocation({}, { traceId }).outcome("exception").events);
    play(to.collecting, new MadeInvocation({}, { traceId }).outcome().events);
    assert.equal(to.counts.spans_exported, 2);
    for (let i = 0; i < limits.traces; i += 1) {
      play(to.collecting, new MadeInvocation().outcome().events);
    }
    play(to.collecting, new MadeInvocation({}, { traceId }).outcome().events);
    assert.equal(to.counts.spans_exported, 2);
    assertAccounted(to);
  });
});
