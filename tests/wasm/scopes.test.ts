import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Abi, ErrorCode } from "../../bindings/core/abi.gen.ts";
import { Core } from "../../bindings/core/core.ts";
import { noFields } from "../../bindings/core/span_fields.ts";
import { coreModule } from "./support/module.ts";
import { RawCore } from "./support/raw_core.ts";

const bounded = Abi.spanBounded;

let raw: RawCore;
let core: Core;
beforeEach(() => {
  raw = new RawCore();
  core = new Core(coreModule, (cause) => assert.fail(`the core trapped: ${cause}`));
});

describe("scopes", () => {
  test("a scope tells of its open spans, newest first, or of the bounded ones alone", () => {
    const scope = core.openScope();
    const first = core.openSpan(0, 0, scope, bounded, 0);
    const second = core.openSpan(0, 0, scope, 0, 0);
    const third = core.openSpan(0, 0, scope, bounded, 0);
    core.openSpan(0, 0, core.openScope(), bounded, 0);
    core.openSpan(0, 0, 0, bounded, 0);
    assert.deepEqual(core.scopeSpans(scope, false), [third, second, first]);
    assert.deepEqual(core.scopeSpans(scope, true), [third, first]);
  });

  test("a span that ends leaves its scope, wherever it stood", () => {
    const scope = raw.exports.isotel_scope_open(raw.context);
    const spans = [0, 1, 2, 3].map(() => raw.open(0, { scope }));
    const open = () => raw.words(raw.exports.isotel_scope_spans(raw.context, scope, 0));
    const [a = 0, b = 0, c = 0, d = 0] = spans;
    raw.end(b);
    assert.deepEqual(open(), [d, c, a]);
    raw.end(d);
    assert.deepEqual(open(), [c, a]);
    raw.end(a);
    assert.deepEqual(open(), [c]);
    raw.end(c);
    assert.deepEqual(open(), []);
  });

  test("the spans of a closed scope go on without one", () => {
    const scope = core.openScope();
    const span = core.openSpan(0, 0, scope, bounded, 0);
    core.closeScope(scope);
    assert.deepEqual(core.scopeSpans(scope, false), []);
    const sink = { write: () => assert.fail("nothing is written") };
    assert.equal(core.endSpan(span, 0, 0, 0, 0, 0, 0, 0, noFields, sink), Abi.statusUnset);
  });

  test("closing twice, and asking a closed scope, are counted no-ops", () => {
    const scope = raw.exports.isotel_scope_open(raw.context);
    assert.equal(raw.exports.isotel_scope_close(raw.context, scope), ErrorCode.ok);
    assert.equal(raw.exports.isotel_scope_close(raw.context, scope), ErrorCode.alreadyEnded);
    assert.equal(raw.exports.isotel_scope_spans(raw.context, scope, 0), ErrorCode.alreadyEnded);
    for (const never of [0, 0xffffffff, 99]) {
      assert.equal(raw.exports.isotel_scope_close(raw.context, never), ErrorCode.staleHandle);
      assert.equal(raw.exports.isotel_scope_spans(raw.context, never, 0), ErrorCode.staleHandle);
    }
    const { double_ends, late_writes, stale_handles } = raw.counters();
    assert.deepEqual([double_ends, late_writes, stale_handles], [1, 1, 6]);
  });

  test("1,000 spans are open at most in a scope, elsewhere there is room", () => {
    const scope = core.openScope();
    for (let i = 0; i < 1000; i += 1) assert.notEqual(core.openSpan(0, 0, scope, 0, 0), 0);
    assert.equal(core.openSpan(0, 0, scope, 0, 0), 0);
    assert.equal(core.counters()["spans_refused"], 1);
    assert.notEqual(core.openSpan(0, 0, 0, 0, 0), 0);
    assert.equal(core.scopeSpans(scope, false).length, 1000);
  });

  test("10,000 scopes are open at most: one more forgets the oldest", () => {
    const scopes = Array.from({ length: 10_000 }, () => core.openScope());
    assert.ok(scopes.every((scope) => scope > 0));
    const span = core.openSpan(0, 0, scopes[0] as number, 0, 0);
    assert.notEqual(core.openScope(), 0);
    assert.equal(core.counters()["scopes_evicted"], 1);
    assert.deepEqual(core.scopeSpans(scopes[0] as number, false), []);
    assert.notEqual(span, 0);
    core.closeScope(scopes[5] as number);
    assert.notEqual(core.openScope(), 0);
    assert.equal(core.counters()["scopes_evicted"], 1);
  });

  test("a scope that is none is taken as no scope", () => {
    const span = core.openSpan(0, 0, 0xfffffff0, bounded, 0);
    assert.notEqual(span, 0);
    assert.equal(core.counters()["spans_refused"], 0);
  });
});
