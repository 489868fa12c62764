import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isSpanId, isTraceId } from "../../../bindings/base/values.ts";
import { IdGenerator, newSpanId, newTraceId } from "../../../bindings/otlp/core/ids.ts";
import { OtlpHost } from "../../../bindings/otlp/core/otlp_core.ts";
import {
  parseTraceParent,
  parseTraceState,
  shouldSample,
} from "../../../bindings/otlp/core/propagation.ts";
import { noopRuntime } from "../../../bindings/trace/span_runtime.ts";
import { contextHeaders } from "../../../bindings/trace/tracer.ts";
import * as openTelemetry from "../../otlp/opentelemetry_context.ts";
import { Random } from "../../wasm/support/random.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

describe("identifiers", () => {
  test("are digits that are not all zero, and none comes twice", () => {
    const ids = Array.from({ length: 5000 }, () => [newTraceId(), newSpanId()] as const);
    for (const [trace, span] of ids) {
      assert.match(trace, /^[\da-f]{32}$/);
      assert.match(span, /^[\da-f]{16}$/);
    }
    assert.equal(new Set(ids.flat()).size, 10_000);
    const bits = ids.flatMap(([trace]) => [...trace].map((digit) => Number.parseInt(digit, 16)));
    const mean = bits.reduce((sum, digit) => sum + digit, 0) / bits.length;
    assert.ok(Math.abs(mean - 7.5) < 0.1, `${mean}`);
  });

  test("of two generators differ, and are made without the module too", () => {
    const broken = new IdGenerator(new OtlpHost(() => undefined));
    const ids = [
      new IdGenerator().traceId(),
      new IdGenerator().traceId(),
      broken.traceId(),
      broken.traceId(),
    ];
    assert.equal(new Set(ids).size, 4);
    for (const id of ids) assert.ok(isTraceId(id), id);
    assert.ok(isSpanId(broken.spanId()));
  });

  test("that are none are told apart", () => {
    assert.deepEqual(
      ["", "0".repeat(32), traceId.slice(1), `${traceId.slice(1)}g`, `${traceId}\n`].filter(
        isTraceId,
      ),
      [],
    );
    assert.deepEqual(["", "0".repeat(16), spanId.slice(1), "ä".repeat(16)].filter(isSpanId), []);
    assert.ok(isTraceId(traceId.toUpperCase()) && isSpanId(spanId));
  });
});

describe("traceparent", () => {
  test("is read and written", () => {
    const header = `00-${traceId}-${spanId}-01`;
    assert.deepEqual(parseTraceParent(` ${header}\t`), { traceId, spanId, flags: 1 });
    const written = (flags: number) =>
      contextHeaders({
        ...noopRuntime,
        currentParent: () => ({ traceId, spanId, traceFlags: flags }),
      });
    assert.deepEqual(written(1), { traceparent: header });
    assert.deepEqual(written(0x100), { traceparent: `00-${traceId}-${spanId}-00` });
    assert.deepEqual(parseTraceParent(`cc-${traceId}-${spanId}-03-more`), {
      traceId,
      spanId,
      flags: 3,
    });
  });

  test("of any content is what OpenTelemetry takes it for", () => {
    const random = new Random(7);
    let valid = 0;
    for (let round = 0; round < 20_000; round += 1) {
      const characters = [
        ...`${random.pick(["00", "00", "cc", "ff"])}-${traceId}-${spanId}-0${random.below(4)}`,
      ];
      if (random.once(2)) {
        characters[random.below(characters.length)] = random.pick([..."0fg-A.é "]);
      }
      if (random.once(8)) characters.push(random.pick(["-", "-x", "0", ""]));
      const header = characters.join("");
      const theirs = openTelemetry.parseTraceParent(header);
      assert.deepEqual(parseTraceParent(header), theirs, header);
      if (theirs !== undefined) valid += 1;
    }
    assert.ok(valid > 2000, `${valid}`);
  });
});

describe("tracestate", () => {
  test("is read and dropped as the specification says", () => {
    assert.equal(parseTraceState("a=1 , b=2,"), "a=1,b=2");
    assert.equal(parseTraceState("a=1,a=2"), "");
    assert.equal(parseTraceState("ä=1"), "");
    assert.equal(parseTraceState("a=1".padEnd(20_000, ",b=2")), "");
  });
});

describe("sampling", () => {
  test("decides about every trace as OpenTelemetry's parent-based TraceIdRatioBased sampler", () => {
    for (const ratio of [0, 1e-9, 0.1, 0.25, 0.5, 0.999999, 1, -1, 2, Number.NaN]) {
      const theirs = openTelemetry.sampler(ratio);
      for (let round = 0; round < 1000; round += 1) {
        const id = newTraceId();
        assert.equal(shouldSample(id, ratio), theirs(id), `${id} ${ratio}`);
        for (const flags of [0, 1, 2, 3, 255]) {
          assert.equal(shouldSample(id, ratio, { flags }), theirs(id, flags));
        }
      }
    }
  });

  test("of what is no trace is no", () => {
    for (const id of ["", "0".repeat(32), "x".repeat(32), "ä".repeat(16)]) {
      assert.equal(shouldSample(id, 1), false);
    }
  });
});
