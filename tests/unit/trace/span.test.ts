import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TracerSpan } from "../../../bindings/trace/span.ts";
import { oddValues, revoked, untouchable } from "../support/hostile.ts";
import { attributesOf, recording, spanNamed } from "../support/tracing.ts";

const open = (tracing: ReturnType<typeof recording>): TracerSpan =>
  tracing.tracer.openSpan("work", {}, (span) => span);

describe("openSpan", () => {
  test("the span stays open after its callback, with it as parent only inside", () => {
    const { runtime, tracer } = recording();
    const span = tracer.openSpan("work", { "app.start": 1 }, (opened) => {
      tracer.withSpan("inside", {}, () => {});
      return opened;
    });
    tracer.withSpan("outside", {}, () => {});
    const [work, inside, outside] = runtime.spans;
    assert.deepEqual([inside?.parentId, outside?.parentId], [work?.id, 0]);
    assert.equal(work?.ended, false);
    assert.equal(span.isTraced, true);
    span.finish({ "app.end": 2 });
    assert.deepEqual(attributesOf(work), { "app.start": 1, "app.end": 2 });
    assert.equal(work?.ended, true);
    assert.equal(span.isTraced, false);
  });

  test("a promise its callback returns does not end it", async () => {
    const tracing = recording();
    const span = await tracing.tracer.openSpan("work", {}, async (opened) => opened);
    assert.equal(spanNamed(tracing, "work").ended, false);
    span.finish();
  });

  test("a callback that throws fails it", () => {
    const tracing = recording();
    const cause = new TypeError("secret");
    assert.throws(
      () =>
        tracing.tracer.openSpan("work", {}, () => {
          throw cause;
        }),
      (thrown) => thrown === cause,
    );
    assert.deepEqual(attributesOf(spanNamed(tracing, "work")), { "error.type": "TypeError" });
  });

  test("past 10,000 open spans the oldest is given up, and its end harms no other", () => {
    const { runtime, tracer, count } = recording();
    const spans = Array.from({ length: 10_000 }, () => tracer.openSpan("s", {}, (span) => span));
    assert.ok(spans.every((span) => span.isTraced));
    const newest = tracer.openSpan("newest", {}, (span) => span);
    assert.equal(newest.isTraced, true);
    assert.equal(count("spans_evicted"), 1);
    assert.equal(count("spans_refused"), 0);
    spans[0]?.finish({ late: true });
    assert.deepEqual(
      [runtime.spans[0]?.ended, runtime.spans[0]?.attributes.size],
      [true, 1],
      "the runtime's span is still there to be ended",
    );
    newest.finish({ kept: true });
    assert.equal(runtime.spans.at(-1)?.attributes.get("kept"), true);
  });

  test("a second end is a counted no-op, whichever it is", () => {
    const ends: ((span: TracerSpan) => void)[] = [
      (span) => span.finish(),
      (span) => span.finish({ "app.late": 1 }),
      (span) => span.fail(new Error()),
    ];
    for (const first of ends) {
      for (const second of ends) {
        const tracing = recording();
        const span = open(tracing);
        first(span);
        const before = attributesOf(spanNamed(tracing, "work"));
        second(span);
        assert.deepEqual(attributesOf(spanNamed(tracing, "work")), before);
        assert.equal(tracing.count("double_ends"), 1);
        assert.equal(tracing.count("spans_ended"), 1);
      }
    }
  });

  test("attributes and status after the end change nothing and are counted", () => {
    const tracing = recording();
    const span = open(tracing);
    span.finish();
    span.setAttribute("app.late", 1);
    span.setAttributes({ "app.late": 2 });
    span.setStatus("error");
    const recorded = spanNamed(tracing, "work");
    assert.deepEqual([attributesOf(recorded), recorded.status], [{}, "unset"]);
    assert.equal(tracing.count("late_writes"), 3);
    assert.equal(recorded.lateWrites, 0, "the runtime was written to after the end");
  });

  test("a span that has ended leaves the one that took its place alone", () => {
    const { runtime, tracer } = recording();
    const first = tracer.openSpan("first", {}, (span) => span);
    first.finish();
    const second = tracer.openSpan("second", {}, (span) => span);
    first.setAttribute("app.first", 1);
    first.setStatus("error");
    first.fail(new Error());
    assert.equal(second.isTraced, true);
    second.finish();
    assert.deepEqual(
      runtime.spans.map((span) => [span.name, span.status, span.attributes.size]),
      [
        ["first", "unset", 0],
        ["second", "unset", 0],
      ],
    );
  });

  test("the identity of a span is told before and after its end", () => {
    const tracing = recording();
    const span = open(tracing);
    const context = span.spanContext();
    assert.match(context?.traceId ?? "", /^[0-9a-f]{32}$/);
    assert.match(context?.spanId ?? "", /^[0-9a-f]{16}$/);
    span.finish();
    assert.deepEqual(span.spanContext(), context);
  });
});

describe("fail", () => {
  const typeOf = (cause: unknown) => {
    const tracing = recording();
    open(tracing).fail(cause);
    const span = spanNamed(tracing, "work");
    assert.equal(span.ended, true);
    return [span.status, attributesOf(span)];
  };
  const named = (name: unknown) => Object.assign(new Error("secret"), { name });

  const types: readonly (readonly [string, unknown, string])[] = [
    ["an Error", new Error("secret"), "Error"],
    ["a subclass", new RangeError("secret"), "RangeError"],
    ["an Error of a name of its own", named("AI_APICallError"), "AI_APICallError"],
    ["an Error without a name", named(""), "Error"],
    ["an Error whose name is no text", named(42), "Error"],
    ["a text", "secret", "string"],
    ["a number", 42, "number"],
    ["undefined", undefined, "undefined"],
    ["null", null, "object"],
    ["a symbol", Symbol("secret"), "symbol"],
    ["an object", { name: "NotAnError", message: "secret" }, "object"],
    ["a time-out", new DOMException("secret", "TimeoutError"), "TimeoutError"],
  ];
  for (const [what, cause, type] of types) {
    test(`of ${what} is error.type "${type}"`, () => {
      assert.deepEqual(typeOf(cause), ["error", { "error.type": type }]);
    });
  }

  for (const [what, cause] of [
    ["an aborted signal's reason", AbortSignal.abort().reason],
    ["an Error named AbortError", named("AbortError")],
    ["an object named AbortError", { name: "AbortError" }],
  ] as const) {
    test(`of ${what} is a cancellation, not an error`, () => {
      assert.deepEqual(typeOf(cause), ["unset", { "cloudflare.agents.canceled": true }]);
    });
  }

  for (const [what, make] of oddValues) {
    test(`of ${what} ends the span and throws nothing`, () => {
      const [, attributes] = typeOf(make()) as [string, Record<string, unknown>];
      assert.equal(typeof attributes["error.type"], "string");
    });
  }

  test("the type of an error is cut like any text", () => {
    const tracing = recording({ byteBudget: true });
    open(tracing).fail(named("E".repeat(1 << 20)));
    const { "error.type": type } = attributesOf(spanNamed(tracing, "work"));
    assert.ok(String(type).length <= 28_672, `${String(type).length}`);
  });
});

describe("setStatus", () => {
  const after = (use: (span: TracerSpan) => void) => {
    const tracing = recording();
    use(open(tracing));
    return spanNamed(tracing, "work").status;
  };

  test("ok is final, error overrides unset", () => {
    assert.equal(
      after((span) => {
        span.setStatus("ok");
        span.setStatus("error");
        span.finish();
      }),
      "ok",
    );
    assert.equal(
      after((span) => {
        span.setStatus("error");
        span.finish();
      }),
      "error",
    );
    assert.equal(
      after((span) => {
        span.setStatus("error");
        span.setStatus("ok");
        span.finish();
      }),
      "ok",
    );
    assert.equal(
      after((span) => {
        span.setStatus("ok");
        span.fail(new Error());
      }),
      "ok",
    );
  });

  test("where spans have no status it is an attribute", () => {
    const tracing = recording({ status: false });
    const span = open(tracing);
    span.setStatus("ok");
    span.fail(new Error());
    assert.deepEqual(attributesOf(spanNamed(tracing, "work")), {
      "error.type": "Error",
      "otel.status_code": "OK",
    });
    assert.equal(spanNamed(tracing, "work").status, "unset");
  });
});

describe("names", () => {
  const nameOf = (name: unknown) => {
    const { runtime, tracer } = recording();
    tracer.withSpan(name as string, {}, () => {});
    return runtime.spans[0]?.name;
  };

  test("a name is cut to 64 bytes of UTF-8 at a character", () => {
    assert.equal(nameOf("work"), "work");
    assert.equal(nameOf("é".repeat(32)), "é".repeat(32));
    assert.equal(nameOf("é".repeat(33)), "é".repeat(32));
    assert.equal(nameOf(`a${"é".repeat(32)}`), `a${"é".repeat(31)}`);
    assert.equal(nameOf("n".repeat(1 << 20)), "n".repeat(64));
    assert.equal(nameOf("\ud83c".repeat(40)), "\ud83c".repeat(21));
  });

  test("what is no text is named so", () => {
    for (const name of [undefined, null, 1, Symbol("s"), {}, revoked(), untouchable()]) {
      assert.equal(nameOf(name), "unnamed");
    }
  });
});
