import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MetricKind } from "../../../bindings/core/abi.gen.ts";
import type { Declaration } from "../../../bindings/core/declaration.ts";
import { simpleDeclaration } from "../../../bindings/core/declaration.ts";
import {
  exponentialBounds,
  linearBounds,
  perDecadeBounds,
} from "../../../bindings/metrics/bounds.ts";
import { defineMetricsIn } from "../../../bindings/metrics/define_metrics.ts";
import {
  checkDeclaration,
  counter,
  exponentialHistogram,
  gauge,
  histogram,
} from "../../../bindings/metrics/definitions.ts";
import { oddValues } from "../support/hostile.ts";
import { metering } from "../support/metering.ts";

const bounds = [1, 2];

/** Each is refused with a message that has these words, in this order. */
const refused: Readonly<Record<string, readonly [() => unknown, RegExp]>> = {
  "an empty name": [() => counter(""), /the name of counter\(""\) is a string of 0 characters/],
  "a name of 256 bytes": [() => counter("n".repeat(256)), /256 characters; .* 1 to 255 bytes/],
  "a name of 128 characters of two bytes": [() => counter("ö".repeat(128)), /1 to 255 bytes/],
  "a control character": [() => counter("a\nb"), /without control characters/],
  "a lone surrogate": [() => gauge("a\ud800"), /the name of gauge/],
  "a name that is none": [() => counter(7 as never), /the name of counter\(\) is the number 7/],
  "a name of isotel's own": [() => counter("isotel_traps"), /does not begin with isotel_/],
  "such a name in another spelling": [
    () => counter("isotel.frames.rejected"),
    /does not begin with isotel_ or isotel\./,
  ],
  "options that are none": [() => counter("a", null as never), /second argument .* is null/],
  "no options": [() => histogram("a", undefined as never), /second argument .* is undefined/],
  "a long unit": [() => counter("a", { unit: "u".repeat(64) }), /unit .* at most 63 bytes/],
  "a long help": [() => counter("a", { help: "h".repeat(1025) }), /help .* at most 1024 bytes/],
  "labels that are no list": [() => counter("a", { labels: "plan" as never }), /labels .* a list/],
  "too many labels": [
    () => counter("a", { labels: Array.from({ length: 33 }, (_, i) => `l${i}`) }),
    /labels .* a list of 33; it has to be a list of at most 32/,
  ],
  "a label that is none": [() => counter("a", { labels: [1 as never] }), /labels\[0\] .* number 1/],
  "an empty label": [() => counter("a", { labels: ["a", ""] }), /labels\[1\]/],
  "a reserved label": [() => counter("a", { labels: ["__name__"] }), /does not begin with "__"/],
  "a label that is given twice": [
    () => counter("a", { labels: ["b", "b"] }),
    /labels\[1\] .* occurs only once/,
  ],
  "le on a histogram": [() => histogram("a", { bounds, labels: ["le"] }), /a name other than "le"/],
  "le on an exponential histogram": [
    () => exponentialHistogram("a", { labels: ["le"] }),
    /labels\[0\] .* a name other than "le", which histograms reserve/,
  ],
  "a label that expositions add": [
    () => counter("a", { labels: ["isotel.definition"] }),
    /labels\[0\] .* a name other than "isotel_definition", which is reserved/,
  ],
  "labels that expositions show alike": [
    () => counter("a", { labels: ["plan", "hello_world", "hello.world"] }),
    /labels\[2\] .* a name that expositions do not show as hello_world, like "hello_world"/,
  ],
  "labels whose first digit is not shown": [
    () => counter("a", { labels: ["_a", "1a"] }),
    /labels\[1\] .* do not show as _a/,
  ],
  "no bounds": [() => histogram("a", { bounds: [] }), /bounds .* 1 to 256 finite numbers/],
  "too many bounds": [
    () => histogram("a", { bounds: Array.from({ length: 257 }, (_, i) => i) }),
    /bounds .* a list of 257/,
  ],
  "equal bounds": [() => histogram("a", { bounds: [1, 1] }), /strictly ascending/],
  "infinite bounds": [() => histogram("a", { bounds: [1, Number.POSITIVE_INFINITY] }), /finite/],
  "bounds that are no numbers": [() => histogram("a", { bounds: ["1"] as never }), /bounds/],
  "a generator that nobody made": [
    () => histogram("a", { bounds: { generator: 0, a: 1, b: 1, count: 2 } }),
    /bounds .* is an object/,
  ],
  "an aggregation that is none": [
    () => gauge("a", { aggregate: "average" as never }),
    /aggregate .* one of "sum", "min", "max", "last"/,
  ],
  "an aggregation with the name of an inherited method": [
    () => gauge("a", { aggregate: "toString" as never }),
    /aggregate .* one of "sum", "min", "max", "last"/,
  ],
  "a schema that is too fine": [
    () => exponentialHistogram("a", { schema: 9 }),
    /schema .* -4 to 8/,
  ],
  "a schema between two": [() => exponentialHistogram("a", { schema: 0.5 }), /schema/],
  "one bucket": [() => exponentialHistogram("a", { maxBuckets: 1 }), /maxBuckets .* from 2 to 512/],
  "no buckets": [() => exponentialHistogram("a", { maxBuckets: 0 }), /maxBuckets .* from 2 to 512/],
  "a threshold below zero": [
    () => exponentialHistogram("a", { zeroThreshold: -1 }),
    /zeroThreshold .* a finite number of at least 0/,
  ],
  "no label sets": [() => counter("a", { maxLabelSets: 0 }), /maxLabelSets .* from 1 to 2000/],
  "too many label sets": [() => counter("a", { maxLabelSets: 2001 }), /from 1 to 2000/],
  "linear bounds that fall": [() => linearBounds(1, -1, 3), /width of linearBounds\(\).* above 0/],
  "linear bounds that stand still": [
    () => linearBounds(1e300, 1, 2),
    /width .* in ascending order/,
  ],
  "no linear bounds": [() => linearBounds(0, 1, 0), /count .* from 1 to 256/],
  "linear bounds of no number": [() => linearBounds("1" as never, 1, 2), /start .* a string/],
  "exponential bounds from zero": [() => exponentialBounds(0, 2, 3), /start .* above 0/],
  "exponential bounds that stand still": [() => exponentialBounds(1, 1, 3), /factor .* above 1/],
  "exponential bounds past any number": [
    () => exponentialBounds(1e300, 10, 20),
    /in ascending order/,
  ],
  "decades before the first": [() => perDecadeBounds(-16, 1, 1), /firstDecade .* -15 to 16/],
  "decades past the last": [() => perDecadeBounds(0, 17, 1), /decades .* from 0 to 16/],
  "too many bounds a decade": [() => perDecadeBounds(0, 2, 19), /perDecade .* from 1 to 18/],
  "too many bounds over all decades": [() => perDecadeBounds(0, 16, 16), /from 1 to 15/],
};

describe("a definition is refused for", () => {
  for (const [what, [make, message]] of Object.entries(refused)) {
    test(what, () => {
      assert.throws(make, { name: "TypeError", message });
      assert.throws(make, { message: /^isotel: / });
    });
  }

  test("values of every odd kind, always with an error of its own", () => {
    for (const [name, make] of oddValues) {
      if (name === "undefined") continue;
      for (const option of ["help", "unit", "labels", "maxLabelSets"]) {
        if (option === "help" && name.startsWith("a function")) continue;
        assert.throws(
          () => counter("a", { [option]: make() }),
          { message: new RegExp(`^isotel: ${option}`) },
          `${option}: ${name}`,
        );
      }
    }
  });
});

describe("what is refused here past a limit", () => {
  const list = (length: number) => Array.from({ length }, (_, i) => i);
  const named = (length: number) => list(length).map((i) => `l${i}`);
  const plain = (given: Partial<Declaration>) =>
    simpleDeclaration(MetricKind.counter, given.name ?? "a", given);
  const buckets = (given: Partial<Declaration>) =>
    simpleDeclaration(MetricKind.exponentialHistogram, "a", given);
  const limits: Readonly<Record<string, readonly [(size: number) => Declaration, ...number[]]>> = {
    "bytes of a name": [(size) => plain({ name: "n".repeat(size) }), 255, 256],
    "bytes of a unit": [(size) => plain({ unit: "u".repeat(size) }), 63, 64],
    "bytes of a help": [(size) => plain({ help: "h".repeat(size) }), 1024, 1025],
    labels: [(size) => plain({ labels: named(size) }), 32, 33],
    bounds: [
      (size) => simpleDeclaration(MetricKind.histogram, "a", { bounds: list(size) }),
      ...[0, 1, 256, 257],
    ],
    schemas: [(schema) => buckets({ schema, maxBuckets: 160 }), -5, -4, 8, 9],
    buckets: [(maxBuckets) => buckets({ maxBuckets }), 1, 2, 512, 513],
  };

  for (const [what, [declarationOf, ...sizes]] of Object.entries(limits)) {
    test(`the core refuses too, and takes what is within: ${what}`, () => {
      for (const size of sizes) {
        const core = metering().meter.core();
        const declaration = declarationOf(size);
        let isRefused = false;
        try {
          checkDeclaration("define", declaration, {
            maxBuckets: declaration.maxBuckets || undefined,
          });
        } catch {
          isRefused = true;
        }
        assert.equal((core?.declare(declaration) ?? 0) < 0, isRefused, String(size));
      }
    });
  }
});

describe("what is accepted here", () => {
  test("the core accepts too, to the limits", () => {
    const { meter, warnings, collect } = metering();
    const longest = "n".repeat(255);
    const metrics = defineMetricsIn(meter, {
      longest: counter(longest, { unit: "u".repeat(63), help: "ö".repeat(512) }),
      dotted: counter("http.server.requests", { unit: "{request}" }),
      wide: counter("wide", { labels: Array.from({ length: 32 }, (_, i) => `l${i}`) }),
      fine: histogram("fine", { bounds: Array.from({ length: 256 }, (_, i) => i) }),
      linear: histogram("linear", { bounds: linearBounds(-1, 0.5, 256) }),
      exponential: histogram("exponential", { bounds: exponentialBounds(0.001, 2, 60) }),
      decades: histogram("decades", { bounds: perDecadeBounds(-15, 31, 8) }),
      decade: histogram("decade", { bounds: perDecadeBounds(0, 3, 2) }),
      coarse: exponentialHistogram("coarse", { schema: -4, maxBuckets: 2, zeroThreshold: 0 }),
      finest: exponentialHistogram("finest", { schema: 8, maxBuckets: 512, zeroThreshold: 1 }),
      absent: counter("absent", { help: undefined as never }),
    });
    const { wide, ...others } = metrics;
    for (const metric of Object.values(others)) {
      if ("record" in metric) (metric as { record(value: number): void }).record(1);
    }
    wide.add(1, Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`l${i}`, i])));
    assert.deepEqual(warnings, []);
    assert.equal(meter.counts.lostRecords, 0);
    assert.equal(collect().sample("isotel_series"), 11);
  });

  test("bounds are those of the generators, inclusive and exact at powers of ten", () => {
    const { meter, collect } = metering();
    const { decade } = defineMetricsIn(meter, {
      decade: histogram("decade", { bounds: perDecadeBounds(0, 3, 2) }),
    });
    decade.record(10);
    const bounds = Array.from(collect().text.matchAll(/decade_bucket\{le="(.*?)"\} (\d+)/g));
    assert.deepEqual(
      bounds.map(([, le, count]) => `${le}: ${count}`),
      [
        "1.0: 0",
        "3.162278: 0",
        "10.0: 1",
        "31.62278: 1",
        "100.0: 1",
        "316.2278: 1",
        "1000.0: 1",
        "+Inf: 1",
      ],
    );
  });

  test("is what it was when it was given: a list that changes later changes nothing", () => {
    const { meter, collect } = metering();
    const labels = ["plan"];
    const bounds = [1, 2];
    const definition = histogram("size", { bounds, labels });
    labels[0] = "__evil__";
    bounds[0] = Number.NaN;
    const { size } = defineMetricsIn(meter, { size: definition });
    size.record(1, { plan: "pro" });
    assert.equal(collect().sample('size_bucket{plan="pro",le="1.0"}'), 1);
  });
});
