import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nativeRuntime } from "../../../bindings/trace/native_runtime.ts";
import {
  noopRuntime,
  type SpanRuntime,
  type SpanWriter,
} from "../../../bindings/trace/span_runtime.ts";
import { NativeDouble, releases } from "../support/native_double.ts";
import { tracingOver } from "../support/tracing.ts";

type Release = (typeof releases)[number]["from"];

/** The runtime over the double of a release, traced from now on as inside a request. */
function at(from: Release) {
  const native = NativeDouble.of(from);
  const runtime = nativeRuntime(native.tracing);
  native.isTraced = true;
  return { native, ...tracingOver(runtime) };
}

const none = { spans: false, status: false, activation: false, identity: false, activeSpan: false };
const capabilities: Record<Release, Partial<SpanRuntime["capabilities"]>> = {
  June: { ...none, spans: true },
  "mid August": { ...none, spans: true },
  "mid September": { ...none, spans: true, activeSpan: true },
  "1 October": { ...none, spans: true, activeSpan: true, status: true },
  "mid October": { ...none, spans: true, activeSpan: true, status: true, identity: true },
  November: { spans: true, activeSpan: true, status: true, identity: true, activation: true },
};

for (const { from } of releases) {
  describe(`the runtime of ${from}`, () => {
    test("its capabilities are those its methods give", () => {
      assert.deepEqual(at(from).runtime.capabilities, {
        ...capabilities[from],
        lists: false,
        byteBudget: true,
      });
    });

    test("spans nest and carry attributes, across awaits too", async () => {
      const { native, tracer } = at(from);
      const result = await tracer.withSpan("outer", { "app.outer": true }, async () => {
        tracer.withSpan("first", {}, () => {});
        await null;
        return tracer.withSpan("second", { "app.list": ["a", "b"] }, async () => "result");
      });
      assert.equal(result, "result");
      assert.deepEqual(
        native.spans.map(({ name, parentId, ended, attributes }) => [
          name,
          parentId,
          ended,
          attributes,
        ]),
        [
          ["outer", 0, true, { "app.outer": true }],
          ["first", 1, true, {}],
          ["second", 1, true, { "app.list": '["a","b"]' }],
        ],
      );
    });

    test("an opened span lasts until it is finished", async () => {
      const { native, tracer } = at(from);
      const span = tracer.openSpan("opened", { "app.start": 1 }, (opened) => opened);
      await new Promise((resolve) => setTimeout(resolve, 1));
      assert.equal(native.spans[0]?.ended, false);
      assert.equal(span.isTraced, true);
      span.finish({ "app.end": 2 });
      await null;
      await null;
      await null;
      assert.equal(native.spans[0]?.ended, true);
      assert.equal(span.isTraced, false);
      assert.deepEqual(native.spans[0]?.attributes, { "app.start": 1, "app.end": 2 });
      assert.equal(native.spans[0]?.writesAfterEnd, 0);
    });

    test("a failure is its status, or an attribute where there is none", async () => {
      const { native, tracer } = at(from);
      const cause = new RangeError("secret");
      await assert.rejects(
        tracer.withSpan("fails", {}, () => Promise.reject(cause)),
        (thrown) => thrown === cause,
      );
      assert.throws(
        () =>
          tracer.withSpan("throws", {}, () => {
            throw cause;
          }),
        (thrown) => thrown === cause,
      );
      for (const span of native.spans) {
        const hasStatus = capabilities[from].status === true;
        assert.equal(span.status, hasStatus ? "error" : "unset");
        assert.deepEqual(span.attributes, {
          "error.type": "RangeError",
          ...(hasStatus ? {} : { "otel.status_code": "ERROR" }),
        });
        assert.equal(span.ended, true);
      }
    });

    test("identity, the active span and late activation work, or do without", () => {
      const { native, runtime, tracer } = at(from);
      const { activation, identity, activeSpan } = runtime.capabilities;
      const opened: SpanWriter[] = [];
      runtime.startActiveSpan("opened", (writer) => {
        opened.push(writer);
        assert.equal(writer.spanContext?.()?.spanId, identity ? "0000000000000001" : undefined);
        assert.equal(runtime.activeSpan() !== undefined, activeSpan);
      });
      const [writer] = opened as [SpanWriter];
      const result = runtime.withActiveSpan(writer, () => tracer.withSpan("in", {}, () => "r"));
      assert.equal(result, "r");
      assert.equal(native.spans[1]?.parentId, activation ? 1 : 0);
      writer.end();
    });

    test("a span that is started is a child of the active one and leaves it active", () => {
      const { native, runtime, tracer } = at(from);
      runtime.startActiveSpan("outer", (outer) => {
        const started = runtime.startSpan("started");
        tracer.withSpan("sibling", {}, () => {});
        assert.equal(started.isTraced, true);
        started.setAttribute("app.key", 1);
        started.end();
        outer.end();
      });
      assert.deepEqual(
        native.spans.map(({ name, parentId, attributes }) => [name, parentId, attributes]),
        [
          ["outer", 0, {}],
          ["started", 1, { "app.key": 1 }],
          ["sibling", 1, {}],
        ],
      );
    });

    test("an untraced span runs its body and records nothing", () => {
      const { native, tracer } = at(from);
      native.isTraced = false;
      assert.equal(
        tracer.withSpan("work", { a: 1 }, (span) => span.isTraced),
        false,
      );
      assert.deepEqual(native.spans, []);
    });
  });
}

describe("a runtime without tracing", () => {
  for (const [what, tracing] of [
    ["nothing", undefined],
    ["null", null],
    ["an empty object", {}],
    ["methods that are none", { startActiveSpan: 1, enterSpan: "x" }],
    ["startSpan alone", new NativeDouble({ tracing: ["startSpan"] }).tracing],
  ] as const) {
    test(`with ${what} as tracing it has no spans, and bodies run`, () => {
      const runtime = nativeRuntime(tracing);
      assert.equal(runtime, noopRuntime);
      const { tracer } = tracingOver(runtime);
      assert.equal(
        tracer.withSpan("work", {}, (span) => span.isTraced),
        false,
      );
    });
  }
});

describe("probing", () => {
  test("it leaves no span behind, not even in a traced context", () => {
    const native = new NativeDouble();
    native.isTraced = true;
    nativeRuntime(native.tracing);
    assert.deepEqual(
      native.spans.filter((span) => !span.ended),
      [],
    );
  });

  test("a runtime whose spans cannot be opened where it is probed still has spans", () => {
    let isRequest = false;
    const native = new NativeDouble();
    const { startActiveSpan } = native.tracing as {
      startActiveSpan: (this: unknown, ...args: unknown[]) => unknown;
    };
    const tracing = {
      startActiveSpan(...args: unknown[]) {
        if (!isRequest) throw new Error("not in global scope");
        return startActiveSpan.apply(native.tracing, args);
      },
    };
    const { tracer } = tracingOver(nativeRuntime(tracing));
    isRequest = true;
    native.isTraced = true;
    tracer.withSpan("work", { "app.key": 1 }, () => {});
    assert.deepEqual(native.spans[0]?.attributes, { "app.key": 1 });
    assert.equal(native.spans[0]?.ended, true);
  });

  test("the double throws where the runtime would: a detached method is no method", () => {
    const { startActiveSpan } = new NativeDouble().tracing as {
      startActiveSpan(name: string, body: () => void): void;
    };
    assert.throws(() => startActiveSpan("work", () => {}), /Illegal invocation/);
  });
});

describe("enterSpan alone", () => {
  test("late activation runs the body where it is called, under whatever is active there", () => {
    const { native, runtime, tracer } = at("June");
    const opened: SpanWriter[] = [];
    runtime.startActiveSpan("opened", (writer) => void opened.push(writer));
    const [writer] = opened as [SpanWriter];
    runtime.withActiveSpan(writer, () => tracer.withSpan("late", {}, () => {}));
    assert.equal(native.spans[1]?.parentId, 0);
    writer.end();
  });

  test("writes after the end do not reach the runtime", () => {
    const { native, runtime } = at("June");
    runtime.startActiveSpan("work", (writer) => {
      writer.end();
      assert.equal(writer.isTraced, false);
      writer.setAttribute("late", 1);
    });
    assert.deepEqual(native.spans[0]?.attributes, {});
    assert.equal(native.spans[0]?.writesAfterEnd, 0);
  });

  test("a span nobody finishes stays open and disturbs nobody", async () => {
    const { native, tracer } = at("June");
    tracer.openSpan("forgotten", {}, () => {});
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(native.spans[0]?.ended, false);
    assert.equal(native.spans[0]?.writesAfterEnd, 0);
  });
});
