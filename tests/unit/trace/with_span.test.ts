import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { execPath } from "node:process";
import { describe, test } from "node:test";
import { noopRuntime } from "../../../bindings/trace/span_runtime.ts";
import { oddValues } from "../support/hostile.ts";
import { outcomeOf } from "../support/outcome.ts";
import {
  attributesOf,
  recording,
  recordingWithTrapIn,
  spanNamed,
  tracingOver,
} from "../support/tracing.ts";

const variants = {
  "a traced span": () => recording(),
  "an untraced span": () => recording({ traced: false }),
  "a runtime without tracing": () => tracingOver(noopRuntime),
  "a core that traps": () => recordingWithTrapIn("isotel_span_end"),
  "no core": () =>
    tracingOver(recording().runtime, () => {
      throw new Error("no module");
    }),
};

describe("withSpan", () => {
  test("a span with its attributes lasts until its body returns", () => {
    const tracing = recording();
    let open: boolean | undefined;
    const result = tracing.tracer.withSpan("work", { "app.key": 1 }, (span) => {
      open = span.isTraced;
      assert.equal(spanNamed(tracing, "work").ended, false);
      return "result";
    });
    assert.equal(result, "result");
    assert.equal(open, true);
    const span = spanNamed(tracing, "work");
    assert.deepEqual([span.ended, span.status, span.lateWrites], [true, "unset", 0]);
    assert.deepEqual(attributesOf(span), { "app.key": 1 });
  });

  test("a span lasts until the promise of its body settles", async () => {
    const tracing = recording();
    let resolve = (_value: string) => {};
    const result = tracing.tracer.withSpan(
      "work",
      {},
      () =>
        new Promise<string>((settle) => {
          resolve = settle;
        }),
    );
    assert.equal(spanNamed(tracing, "work").ended, false);
    resolve("later");
    assert.equal(await result, "later");
    assert.equal(spanNamed(tracing, "work").ended, true);
  });

  test("spans nest, also after an await and side by side", async () => {
    const { runtime, tracer } = recording();
    const child = (name: string) => tracer.withSpan(name, {}, async () => name);
    await tracer.withSpan("outer", {}, async () => {
      await child("first");
      await Promise.all([child("second"), tracer.withSpan("third", {}, () => child("fourth"))]);
    });
    const parents = runtime.spans.map((span) => [
      span.name,
      runtime.spans.find(({ id }) => id === span.parentId)?.name,
    ]);
    assert.deepEqual(parents, [
      ["outer", undefined],
      ["first", "outer"],
      ["second", "outer"],
      ["third", "outer"],
      ["fourth", "third"],
    ]);
  });

  test("a body that throws fails the span, by the cause's name and never its message", () => {
    const tracing = recording();
    const cause = new RangeError("secret");
    assert.throws(
      () =>
        tracing.tracer.withSpan("work", {}, () => {
          throw cause;
        }),
      (thrown) => thrown === cause,
    );
    const span = spanNamed(tracing, "work");
    assert.deepEqual([span.ended, span.status], [true, "error"]);
    assert.deepEqual(attributesOf(span), { "error.type": "RangeError" });
  });

  for (const [variant, make] of Object.entries(variants)) {
    for (const [what, value] of oddValues) {
      test(`over ${variant}, ${what} that is returned, thrown or settled with is the caller's own`, async () => {
        const { runtime, tracer } = make();
        const odd = value();
        const bodies: Record<string, () => unknown> = {
          returned: () => odd,
          threw: () => {
            throw odd;
          },
          fulfilled: () => Promise.resolve(isSafeToResolve(odd) ? odd : [odd]),
          rejected: () => Promise.reject(odd),
        };
        for (const [how, body] of Object.entries(bodies)) {
          const outcome = await outcomeOf(() => tracer.withSpan("work", {}, body));
          assert.equal(outcome.how, how);
          const actual =
            how === "fulfilled" && !isSafeToResolve(odd)
              ? (outcome.value as unknown[])[0]
              : outcome.value;
          assert.ok(Object.is(actual, odd), `${how}: another value`);
        }
        assert.ok("spans" in runtime === false || allEnded(runtime), "a span is still open");
      });
    }
  }

  // A promise cannot be fulfilled with an object whose `then` cannot be read.
  function isSafeToResolve(value: unknown): boolean {
    try {
      void (value as { then?: unknown } | null | undefined)?.then;
      return true;
    } catch {
      return false;
    }
  }

  function allEnded(runtime: object): boolean {
    return (runtime as ReturnType<typeof recording>["runtime"]).spans.every((span) => span.ended);
  }

  const thenables: Record<string, () => PromiseLike<unknown>> = {
    "fulfils twice": () => ({
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested.
      then(resolve: (value: string) => void) {
        resolve("first");
        resolve("second");
      },
    }),
    "rejects after it was fulfilled": () => ({
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested.
      then(resolve: (value: string) => void, reject: (cause: unknown) => void) {
        resolve("first");
        reject(new Error("late"));
        throw new Error("later");
      },
    }),
    "fulfils later": () => ({
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested.
      then(resolve: (value: string) => void) {
        setTimeout(() => resolve("first"), 5);
      },
    }),
  } as never;
  for (const [what, make] of Object.entries(thenables)) {
    test(`a thenable that ${what} settles once, and ends the span once`, async () => {
      const tracing = recording();
      assert.equal(await tracing.tracer.withSpan("work", {}, make), "first");
      const span = spanNamed(tracing, "work");
      assert.deepEqual([span.ended, span.status], [true, "unset"]);
      assert.equal(tracing.count("double_ends"), 0);
      assert.equal(tracing.count("spans_ended"), 1);
    });
  }

  test("a thenable whose then throws rejects with what it throws", async () => {
    const tracing = recording();
    const cause = new Error("then threw");
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested.
      then() {
        throw cause;
      },
    };
    await assert.rejects(
      tracing.tracer.withSpan("work", {}, () => thenable as unknown as Promise<void>),
      (thrown) => thrown === cause,
    );
    assert.equal(spanNamed(tracing, "work").status, "error");
  });

  test("an object whose then cannot be read is a result like any other", () => {
    const tracing = recording();
    // biome-ignore lint/suspicious/noThenProperty: an object that looks like a thenable is what is tested.
    const result = Object.defineProperty({}, "then", {
      get() {
        throw new Error("this getter throws");
      },
    });
    assert.equal(
      tracing.tracer.withSpan("work", {}, () => result),
      result,
    );
    assert.equal(spanNamed(tracing, "work").ended, true);
  });

  test("a body that finishes its span itself ends it once", async () => {
    const tracing = recording();
    await tracing.tracer.withSpan("work", {}, async (span) => span.finish({ "app.end": 1 }));
    assert.deepEqual(attributesOf(spanNamed(tracing, "work")), { "app.end": 1 });
    assert.equal(tracing.count("double_ends"), 1);
    assert.equal(tracing.count("spans_ended"), 1);
  });

  test("rejections that nobody handles are told once, those that are handled never", () => {
    const { stdout, stderr, status } = spawnSync(
      execPath,
      [join(import.meta.dirname, "../support/unhandled_rejections.ts")],
      { encoding: "utf8" },
    );
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), {
      direct: ["unhandled"],
      traced: ["unhandled"],
      scoped: ["unhandled"],
      "traced and scoped": ["unhandled"],
    });
  });
});

describe("a runtime that fails", () => {
  const failing = (methods: Partial<typeof noopRuntime>) =>
    tracingOver({
      ...noopRuntime,
      capabilities: { ...noopRuntime.capabilities, spans: true, status: true },
      ...methods,
    });
  const broken = () => {
    throw new Error("the runtime failed");
  };

  test("a writer whose every method throws changes nothing of a call", async () => {
    const { tracer, count } = failing({
      startActiveSpan: (_name, body) =>
        body({
          isTraced: true,
          setAttribute: broken,
          setStatus: broken,
          spanContext: broken,
          end: broken,
        }),
    });
    const result = {};
    assert.equal(
      tracer.withSpan("work", { "app.key": 1 }, (span) => {
        span.setAttribute("app.more", 2);
        span.setStatus("ok");
        assert.equal(span.spanContext(), undefined);
        return result;
      }),
      result,
    );
    const cause = new Error("the user's own");
    await assert.rejects(
      tracer.withSpan("work", {}, () => Promise.reject(cause)),
      (thrown) => thrown === cause,
    );
    assert.ok(count("swallowed_errors") >= 6, `${count("swallowed_errors")}`);
  });

  test("a span of another request, whose every access throws, throws nothing at its user", () => {
    const { tracer } = failing({
      startActiveSpan: (_name, body) => {
        let isForeign = false;
        const access = () => {
          if (isForeign) throw new Error("Cannot perform I/O on behalf of a different request");
        };
        const writer = {
          get isTraced() {
            access();
            return true;
          },
          setAttribute: access,
          setStatus: access,
          end: access,
        };
        const result = body(writer);
        isForeign = true;
        return result;
      },
    });
    const span = tracer.openSpan("work", {}, (opened) => opened);
    assert.equal(span.isTraced, false);
    span.setAttribute("app.key", 1);
    span.setAttributes({ "app.key": 1 });
    span.setStatus("ok");
    span.spanContext();
    span.finish({ "app.key": 1 });
    span.fail(new Error("late"));
  });

  test("a runtime that cannot open a span runs the body without one", () => {
    const { tracer, count } = failing({ startActiveSpan: broken });
    assert.equal(
      tracer.withSpan("work", {}, (span) => span.isTraced),
      false,
    );
    assert.equal(
      tracer.openSpan("work", {}, (span) => span.isTraced),
      false,
    );
    assert.equal(count("swallowed_errors"), 2);
  });
});
