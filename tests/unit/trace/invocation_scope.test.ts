import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { currentScope, withInvocationScope } from "../../../bindings/trace/invocation_scope.ts";
import type { TracerSpan } from "../../../bindings/trace/span.ts";
import type { Tracer } from "../../../bindings/trace/tracer.ts";
import { oddValues } from "../support/hostile.ts";
import { outcomeOf } from "../support/outcome.ts";
import { attributesOf, recording, recordingWithTrapIn, spanNamed } from "../support/tracing.ts";

const bounded = { boundToInvocation: true };
const truncated = { "cloudflare.agents.span.truncated": true };

const open = (tracer: Tracer, name: string, lifetime = bounded): TracerSpan =>
  tracer.openSpan(name, {}, (span) => span, lifetime);
const later = () => new Promise((resolve) => setTimeout(resolve, 1));

describe("withInvocationScope", () => {
  for (const [what, value] of oddValues) {
    test(`${what} that its body returns or throws is the caller's own`, async () => {
      const odd = value();
      for (const how of ["returned", "threw", "rejected"] as const) {
        const outcome = await outcomeOf(() =>
          withInvocationScope(() => {
            if (how === "threw") throw odd;
            return how === "rejected" ? Promise.reject(odd) : odd;
          }),
        );
        assert.equal(outcome.how, how);
        assert.ok(Object.is(outcome.value, odd));
      }
    });
  }

  test("a promise settles as the body's does", async () => {
    const value = {};
    assert.equal(await withInvocationScope(async () => value), value);
  });

  const bodies: Record<string, (use: () => void) => unknown> = {
    returns: (use) => use(),
    throws: (use) => {
      use();
      throw new Error("the user's own");
    },
    "is fulfilled": async (use) => {
      await later();
      use();
      await later();
    },
    "is rejected": async (use) => {
      await later();
      use();
      throw new Error("the user's own");
    },
  };
  for (const [how, body] of Object.entries(bodies)) {
    test(`bounded spans still open when the body ${how} end there, marked as truncated`, async () => {
      const tracing = recording();
      const { tracer } = tracing;
      let openAtEnd: boolean | undefined;
      const spans: TracerSpan[] = [];
      await outcomeOf(() =>
        withInvocationScope(() =>
          body(() => {
            spans.push(open(tracer, "bounded"), open(tracer, "free", { boundToInvocation: false }));
            open(tracer, "finished").finish();
            openAtEnd = spans[0]?.isTraced;
          }),
        ),
      );
      assert.equal(openAtEnd, true);
      assert.deepEqual(attributesOf(spanNamed(tracing, "bounded")), truncated);
      assert.equal(spanNamed(tracing, "bounded").ended, true);
      assert.equal(spanNamed(tracing, "bounded").status, "unset");
      assert.equal(spanNamed(tracing, "free").ended, false);
      assert.deepEqual(attributesOf(spanNamed(tracing, "finished")), {});
      assert.equal(tracing.count("spans_truncated"), 1);
      spans[0]?.finish({ "app.late": 1 });
      assert.deepEqual(attributesOf(spanNamed(tracing, "bounded")), truncated);
      spans[1]?.finish();
      assert.equal(spanNamed(tracing, "free").ended, true);
    });
  }

  test("children are truncated before their parents", () => {
    const { runtime, tracer } = recording();
    const order: string[] = [];
    withInvocationScope(() => {
      tracer.openSpan(
        "parent",
        {},
        () => {
          open(tracer, "child");
          open(tracer, "second child");
        },
        bounded,
      );
      for (const span of runtime.spans) {
        const { set } = span.attributes;
        span.attributes.set = (key, value) => {
          order.push(span.name);
          return set.call(span.attributes, key, value);
        };
      }
    });
    assert.deepEqual(order, ["second child", "child", "parent"]);
  });

  test("a status given before is kept", () => {
    const tracing = recording();
    withInvocationScope(() => open(tracing.tracer, "work").setStatus("ok"));
    assert.equal(spanNamed(tracing, "work").status, "ok");
  });

  test("outside of a scope a bounded span lasts until it is finished", async () => {
    const tracing = recording();
    const span = open(tracing.tracer, "work");
    await later();
    assert.equal(span.isTraced, true);
    span.finish();
    assert.deepEqual(attributesOf(spanNamed(tracing, "work")), {});
  });
});

describe("scopes in scopes", () => {
  test("the outermost live one counts", async () => {
    const tracing = recording();
    const { tracer } = tracing;
    await withInvocationScope(async () => {
      const outer = currentScope();
      withInvocationScope(() => {
        assert.equal(currentScope(), outer);
        open(tracer, "inner");
      });
      assert.equal(spanNamed(tracing, "inner").ended, false);
      await later();
    });
    assert.deepEqual(attributesOf(spanNamed(tracing, "inner")), truncated);
  });

  test("a detached one is on its own", () => {
    const tracing = recording();
    const { tracer } = tracing;
    withInvocationScope(() => {
      open(tracer, "outer");
      withInvocationScope(() => void open(tracer, "detached"), { detached: true });
      assert.equal(spanNamed(tracing, "detached").ended, true);
      assert.equal(spanNamed(tracing, "outer").ended, false);
    });
    assert.equal(spanNamed(tracing, "outer").ended, true);
  });

  test("one that has ended makes way for a new one", async () => {
    const tracing = recording();
    const { tracer } = tracing;
    const { promise, resolve } = deferred();
    let late: Promise<void> | undefined;
    withInvocationScope(() => {
      late = promise.then(() =>
        withInvocationScope(() => {
          open(tracer, "late");
          assert.equal(spanNamed(tracing, "late").ended, false);
        }),
      );
    });
    resolve();
    await late;
    assert.deepEqual(attributesOf(spanNamed(tracing, "late")), truncated);
  });

  test("two that run at once keep their own spans", async () => {
    const tracing = recording();
    const { tracer } = tracing;
    const first = deferred();
    const second = deferred();
    const run = (name: string, { promise }: { promise: Promise<void> }) =>
      withInvocationScope(async () => {
        await later();
        open(tracer, name);
        await promise;
      });
    const runs = [run("first", first), run("second", second)];
    await later();
    await later();
    second.resolve();
    await runs[1];
    assert.equal(spanNamed(tracing, "first").ended, false);
    assert.equal(spanNamed(tracing, "second").ended, true);
    first.resolve();
    await runs[0];
    assert.equal(spanNamed(tracing, "first").ended, true);
  });
});

describe("after a scope has ended", () => {
  /** Runs `body` in the context of a scope that has ended. */
  async function afterScope(body: () => unknown): Promise<void> {
    const { promise, resolve } = deferred();
    let done: Promise<unknown> | undefined;
    withInvocationScope(() => {
      done = promise.then(body);
    });
    resolve();
    await done;
  }

  test("a bounded span that is opened ends with its callback", async () => {
    const tracing = recording();
    await afterScope(() => {
      const span = tracing.tracer.openSpan(
        "late",
        { "app.key": 1 },
        (opened) => {
          assert.equal(opened.isTraced, true);
          return opened;
        },
        bounded,
      );
      assert.equal(span.isTraced, false);
    });
    assert.deepEqual(attributesOf(spanNamed(tracing, "late")), { "app.key": 1, ...truncated });
  });

  test("a bounded span of a promise ends before it settles, and the promise is as it was", async () => {
    const tracing = recording();
    await afterScope(async () => {
      const result = tracing.tracer.withSpan("late", {}, async () => "result", bounded);
      assert.equal(spanNamed(tracing, "late").ended, true);
      assert.equal(await result, "result");
    });
    assert.deepEqual(attributesOf(spanNamed(tracing, "late")), truncated);
  });

  test("a span that is not bounded lives on", async () => {
    const tracing = recording();
    await afterScope(() => open(tracing.tracer, "late", { boundToInvocation: false }));
    assert.equal(spanNamed(tracing, "late").ended, false);
  });

  test("spans opened late use up no scopes, however many invocations there are", async () => {
    const tracing = recording();
    const { tracer } = tracing;
    for (let i = 0; i < 10_050; i += 1) {
      await afterScope(() => tracer.withSpan("late", {}, () => {}));
    }
    assert.equal(tracing.count("scopes_evicted"), 0);
    withInvocationScope(() => open(tracer, "bounded"));
    assert.deepEqual(attributesOf(spanNamed(tracing, "bounded")), truncated);
  });
});

describe("limits of scopes", () => {
  test("past 1,000 open spans a scope refuses more, and ends the ones it has", () => {
    const tracing = recording();
    withInvocationScope(() => {
      for (let i = 0; i < 1001; i += 1) open(tracing.tracer, "many");
    });
    assert.equal(tracing.count("spans_refused"), 1);
    assert.equal(tracing.count("spans_truncated"), 1000);
    assert.ok(tracing.runtime.spans.every((span) => span.ended));
  });

  test("a scope without spans costs the core nothing", () => {
    const tracing = recording();
    for (let i = 0; i < 20_000; i += 1) withInvocationScope(() => {});
    assert.equal(tracing.count("scopes_evicted"), 0);
  });
});

describe("a trap inside a scope", () => {
  test("bounded spans of the dead core and of its successor all end with the scope", async () => {
    const { runtime, telemetry, tracer } = recordingWithTrapIn("isotel_span_status");
    const result = await withInvocationScope(async () => {
      open(tracer, "before");
      open(tracer, "free", { boundToInvocation: false });
      open(tracer, "struck").setStatus("ok");
      await later();
      open(tracer, "after");
      return "result";
    });
    assert.equal(result, "result");
    assert.equal(telemetry.host.traps, 1);
    assert.deepEqual(
      runtime.spans.map((span) => [span.name, span.ended]),
      [
        ["before", true],
        ["free", false],
        ["struck", true],
        ["after", true],
      ],
    );
    assert.deepEqual(attributesOf(runtime.spans[3]), truncated);
  });

  for (const name of [
    "isotel_scope_open",
    "isotel_scope_spans",
    "isotel_scope_close",
    "isotel_span_end",
  ]) {
    test(`in ${name} leaves the result intact and no bounded span open`, async () => {
      const { runtime, telemetry, tracer } = recordingWithTrapIn(name);
      const run = () =>
        withInvocationScope(async () => {
          open(tracer, "first");
          open(tracer, "second");
          await later();
          return "result";
        });
      assert.equal(await run(), "result");
      assert.equal(telemetry.host.traps, 1);
      assert.equal(await run(), "result");
      assert.deepEqual(
        runtime.spans.map((span) => span.ended),
        [true, true, true, true],
      );
      assert.deepEqual(attributesOf(runtime.spans[3]), truncated);
    });
  }
});

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
