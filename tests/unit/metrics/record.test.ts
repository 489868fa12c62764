import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { linearBounds } from "../../../bindings/metrics/bounds.ts";
import { HttpServerMetrics } from "../../../bindings/metrics/built_in.ts";
import { defineMetricsIn } from "../../../bindings/metrics/define_metrics.ts";
import {
  counter,
  exponentialHistogram,
  gauge,
  histogram,
} from "../../../bindings/metrics/definitions.ts";
import { oddValues, untouchable, withThrowingGetter } from "../support/hostile.ts";
import { metering } from "../support/metering.ts";

const labels = ["plan", "region"] as const;

function shop() {
  const own = metering();
  const metrics = defineMetricsIn(own.meter, {
    orders: counter("orders", { labels }),
    visits: counter("visits"),
    load: gauge("load", { aggregate: "sum" }),
    queue: gauge("queue", { labels: ["name"], aggregate: "max" }),
    size: histogram("size", { bounds: linearBounds(1, 1, 3), labels: ["plan"] }),
    wait: exponentialHistogram("wait", { unit: "s" }),
  });
  return { ...own, metrics };
}

const pro = { plan: "pro", region: "eu" };

describe("recording", () => {
  test("a counter adds up by its labels, 1 unless told otherwise", () => {
    const { metrics, collect } = shop();
    metrics.orders.add(1, pro);
    metrics.orders.add(undefined, pro);
    metrics.orders.add(2.5, { ...pro, region: "us" });
    metrics.visits.add();
    metrics.visits.add(4);
    const totals = collect();
    assert.equal(totals.sample('orders_total{plan="pro",region="eu"}'), 2);
    assert.equal(totals.sample('orders_total{plan="pro",region="us"}'), 2.5);
    assert.equal(totals.sample("visits_total"), 5);
  });

  test("a bound handle records in the same series as the metric it is of", () => {
    const { metrics, collect } = shop();
    const bound = metrics.orders.bind(pro);
    bound.add();
    metrics.orders.add(10, pro);
    bound.add(100);
    assert.equal(collect().sample('orders_total{plan="pro",region="eu"}'), 111);
  });

  test("secrets of addresses in labels are masked, and what differs only in them is one series", () => {
    const { metrics, collect } = shop();
    for (const secret of ["a", "b"]) {
      metrics.orders.add(1, { plan: `https://u:${secret}@h.example/?sig=${secret}`, region: "eu" });
    }
    const plan = "https://REDACTED:REDACTED@h.example/?sig=REDACTED";
    assert.equal(collect().sample(`orders_total{plan="${plan}",region="eu"}`), 2);
  });

  test("numbers and booleans are the texts they are written as", () => {
    const { metrics, collect } = shop();
    metrics.orders.add(1, { plan: 200, region: true });
    metrics.orders.add(1, { plan: "200", region: "true" });
    const totals = collect();
    assert.equal(totals.sample('orders_total{plan="200",region="true"}'), 2);
    assert.match(totals.text, /^isotel_series 3$/m, "the two without labels too");
  });

  test("an empty label is one that is not set", () => {
    const { metrics, collect } = shop();
    metrics.orders.add(1, { plan: "", region: "eu" });
    assert.equal(collect().sample('orders_total{region="eu"}'), 1);
  });

  test("label values may hold any character", () => {
    const { metrics, collect } = shop();
    metrics.orders.add(1, { plan: 'a"b\\c\nd', region: "ö\u{1f600}\ud83c" });
    const line = 'orders_total{plan="a\\"b\\\\c\\nd",region="ö\u{1f600}\ufffd"}';
    assert.equal(collect().sample(line), 1);
  });

  test("a gauge is set and added to, below zero too", () => {
    const { metrics, collect } = shop();
    metrics.load.add(2);
    metrics.load.add(-5);
    metrics.queue.set(7, { name: "a" });
    metrics.queue.add(1, { name: "a" });
    metrics.queue.bind({ name: "b" }).add(3);
    const totals = collect();
    assert.equal(totals.sample("load"), -3);
    assert.equal(totals.sample('queue{name="a"}'), 8);
    assert.equal(totals.sample('queue{name="b"}'), 3);
  });

  test("histograms count each value in its bucket, bounds being inclusive", () => {
    const { metrics, collect } = shop();
    for (const value of [0, 1, 1.5, 2, 3, 3.1]) metrics.size.record(value, { plan: "pro" });
    metrics.wait.record(0.5);
    const totals = collect();
    const bucket = (le: string) => totals.sample(`size_bucket{plan="pro",le="${le}"}`);
    assert.deepEqual(["1.0", "2.0", "3.0", "+Inf"].map(bucket), [2, 4, 5, 6]);
    assert.equal(totals.sample('size_sum{plan="pro"}'), 10.6);
    assert.equal(totals.sample("wait_seconds_count"), 1);
  });

  test("an exemplar stands beside what it belongs to, from ids or from a span", () => {
    const { metrics, collect } = shop();
    const ids = { traceId: "0123456789abcdefABCDEF0123456789", spanId: "fedcba9876543210" };
    metrics.orders.add(1, pro, ids);
    metrics.size.record(2, { plan: "pro" }, { spanContext: () => ({ ...ids, traceFlags: 1 }) });
    const exemplar = '# {trace_id="0123456789abcdefabcdef0123456789",span_id="fedcba9876543210"}';
    const { text } = collect();
    assert.ok(text.includes(`orders_total{plan="pro",region="eu"} 1 ${exemplar} 1 `), text);
    assert.ok(text.includes(`size_bucket{plan="pro",le="2.0"} 1 ${exemplar} 2 `), text);
  });

  test("the value counts even where the exemplar is none", () => {
    const { metrics, collect } = shop();
    const none = [
      { spanContext: () => undefined },
      { traceId: "0".repeat(32), spanId: "1".repeat(16) },
      { traceId: "g".repeat(32), spanId: "1".repeat(16) },
      { traceId: "1".repeat(31), spanId: "1".repeat(16) },
      untouchable(),
      "a span",
      null,
    ];
    for (const exemplar of none) metrics.visits.add(1, exemplar as never);
    const totals = collect();
    assert.equal(totals.sample("visits_total"), none.length);
    assert.doesNotMatch(totals.text, /trace_id/);
  });

  test("past the limit of label sets everything goes to one series, and is counted", () => {
    const { meter, collect } = metering();
    const { many } = defineMetricsIn(meter, {
      many: counter("many", { labels: ["id"], maxLabelSets: 3 }),
    });
    for (let round = 0; round < 2; round += 1) {
      for (let id = 0; id < 5000; id += 1) many.add(1, { id });
    }
    const totals = collect();
    assert.equal(totals.sample('many_total{id="2"}'), 2);
    assert.equal(totals.sample('many_total{otel_metric_overflow="true"}'), 2 * 4997);
    // Those that are remembered are counted once, the others with each record.
    assert.equal(meter.counts.labelSetsOverflowed, 2000 + 2 * 2997);
  });

  test("a gauge past the limit adds up what all that overflow add", () => {
    const { meter, collect } = metering();
    const { many } = defineMetricsIn(meter, {
      many: gauge("many", { labels: ["id"], maxLabelSets: 1, aggregate: "sum" }),
    });
    for (let id = 0; id < 4; id += 1) many.add(10, { id });
    assert.equal(collect().sample('many{otel_metric_overflow="true"}'), 30);
  });
});

describe("what cannot be recorded", () => {
  test("values that are none are left out, counted and told of once", () => {
    const { metrics, meter, warnings, collect } = shop();
    const numbers = oddValues.filter(([name]) => name !== "undefined");
    for (const [, make] of numbers) {
      metrics.orders.add(make() as number, pro);
      metrics.load.set(make() as number);
      metrics.load.add(make() as number);
      metrics.wait.record(make() as number);
    }
    metrics.orders.add(-1, pro);
    metrics.wait.record(Number.POSITIVE_INFINITY);
    assert.equal(meter.counts.invalidValues, 4 * numbers.length + 2);
    assert.equal(warnings.length, 3);
    assert.match(warnings[0] ?? "", /^isotel: a value of "orders" is null; it has to be a finite/);
    const totals = collect();
    assert.equal(totals.sample('orders_total{plan="pro",region="eu"}'), 0);
    assert.equal(totals.sample("load"), undefined);
    metrics.load.set(Number.POSITIVE_INFINITY);
    assert.equal(collect().sample("load"), Number.POSITIVE_INFINITY);
  });

  test("labels that are none are left out, counted and told of once", () => {
    const { metrics, meter, warnings, collect } = shop();
    const wrong = [
      ...oddValues.map(([, make]) => make()),
      {},
      { plan: "pro" },
      { ...pro, region: null },
      { ...pro, region: 1n },
      withThrowingGetter("region", { plan: "pro" }),
    ];
    for (const given of wrong) {
      metrics.orders.add(1, given as never);
      metrics.orders.bind(given as never).add(1);
    }
    assert.equal(meter.counts.invalidLabels, 2 * wrong.length);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /of "orders" is .*; it has to be .*\. Nothing was recorded$/);
    assert.equal(collect().sample('orders_total{plan="pro"}'), undefined);
  });

  test("labels a metric does not have are left away, and told of once", () => {
    const { metrics, warnings, collect } = shop();
    for (const extra of [1, 2, 3]) metrics.orders.add(1, { ...pro, extra } as never);
    assert.equal(collect().sample('orders_total{plan="pro",region="eu"}'), 3);
    assert.deepEqual(warnings, [
      'isotel: a label name of 5 characters is not one of "orders" and is ignored; ' +
        'the metric has the labels "plan", "region"',
    ]);
  });

  test("a console that fails reaches nobody", () => {
    const own = metering({
      warn: () => {
        throw new Error("no console");
      },
    });
    const { visits } = defineMetricsIn(own.meter, { visits: counter("visits") });
    visits.add("one" as never);
    visits.add(1);
    assert.equal(own.collect().sample("visits_total"), 1);
  });
});

describe("where there is no randomness yet", () => {
  test("nothing is recorded, counted and told of once, until there is", () => {
    let isAllowed = false;
    const { meter, warnings, collect } = metering({
      random: (bytes) => {
        if (!isAllowed) throw new Error("not at global scope");
        bytes.fill(9);
      },
    });
    const { visits } = defineMetricsIn(meter, { visits: counter("visits") });
    visits.add(1);
    visits.add(1);
    assert.equal(meter.counts.lostRecords, 2);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /only in a handler/);
    isAllowed = true;
    visits.add(1);
    assert.equal(collect().sample("visits_total"), 1);
  });
});

describe("defining metrics", () => {
  test("asks nothing of a core, and gives equal definitions one family", () => {
    let made = 0;
    const own = metering({
      module: () => {
        made += 1;
        throw new Error("no core");
      },
    });
    const define = () => defineMetricsIn(own.meter, { visits: counter("visits", { help: "h" }) });
    define();
    define();
    assert.equal(made, 0);
  });

  test("throws where a name means two things", () => {
    const { meter } = metering();
    defineMetricsIn(meter, { visits: counter("visits") });
    assert.throws(() => defineMetricsIn(meter, { visits: gauge("visits") }), {
      name: "TypeError",
      message: /the metric "visits" is defined twice with different options/,
    });
  });

  test("with any spelling of a built-in one's name shows every record of the Worker's", () => {
    const request = { method: "GET", statusCode: "200", route: "", scheme: "https", errorType: "" };
    const options = { labels: ["own"] } as const;
    const kinds = {
      counter: (name: string, unit: string) => counter(name, { ...options, unit }),
      gauge: (name: string, unit: string) => gauge(name, { ...options, unit }),
      histogram: (name: string, unit: string) => histogram(name, { ...options, unit, bounds: [1] }),
    };
    const suffixes = ["", "_seconds", "_total", "_seconds_total"];
    const separators = [".", "_", "-", "\u00b7"];
    const spellings = separators.flatMap((separator) =>
      suffixes.map((suffix) => `http.server.request.duration${suffix}`.replace(/[._]/g, separator)),
    );
    for (const name of [...spellings, "http.server.request.duration_seconds"]) {
      for (const [kind, define] of Object.entries(kinds)) {
        for (const unit of ["", "s"]) {
          for (const isUsedBefore of [false, true]) {
            const { meter, time, warnings, collect } = metering();
            const http = new HttpServerMetrics(meter);
            if (isUsedBefore) http.record(request, 1);
            collect();
            time.nowMs += 1000;
            const { own } = defineMetricsIn(meter, { own: define(name, unit) });
            const record = own as unknown as Record<
              string,
              (value: number, labels: object) => void
            >;
            const method = { counter: "add", gauge: "set", histogram: "record" }[kind] ?? "";
            record[method]?.(3, { own: "yes" });
            time.nowMs += 1000;
            http.record(request, 1);
            const what = `${kind} ${name} in ${unit}, ${isUsedBefore}: ${warnings}`;
            const shown = collect().text.split("\n");
            assert.ok(
              shown.some((line) => line.includes('own="yes"')),
              what,
            );
            const said = /built-in metric .* is not recorded/.test(warnings.join());
            assert.equal(said, true, what);
          }
        }
      }
    }
  });

  test("throws for an entry that is no metric", () => {
    const { meter } = metering();
    for (const entry of [undefined, null, {}, "visits", () => {}]) {
      assert.throws(() => defineMetricsIn(meter, { visits: entry as never }), {
        name: "TypeError",
        message: /"visits" of defineMetrics\(\) is .*; it has to be a result of counter/,
      });
    }
  });
});

describe("user code that runs while a record is made", () => {
  /** What it may do to the metrics themselves. */
  const actions: Record<string, (own: ReturnType<typeof reentered>) => unknown> = {
    "records the same label set": ({ metrics }) => metrics.inner.add(1, { plan: "pro" }),
    "records a label set that is new": ({ metrics }) =>
      metrics.inner.add(1, { plan: "x".repeat(500) }),
    "records with an exemplar": ({ metrics }) =>
      metrics.innerSize.record(
        2,
        { plan: "in" },
        { traceId: "c".repeat(32), spanId: "d".repeat(16) },
      ),
    "defines a metric": ({ meter }) =>
      defineMetricsIn(meter, { later: counter("inner_later", { labels: ["a"] }) }).later.add(1, {
        a: "b",
      }),
    "records labels that are refused": ({ metrics }) => metrics.inner.add(1, {} as never),
    "flushes what is recorded": ({ meter }) => meter.flush(true),
  };
  /** The same records each time, with user code in every place that runs it. */
  const records: Record<string, (own: ReturnType<typeof reentered>, run: () => void) => void> = {
    "a getter of a label": ({ metrics }, run) =>
      metrics.orders.add(3, {
        get plan() {
          run();
          return "pro";
        },
        get region() {
          run();
          return "eu";
        },
      }),
    "the traps of a proxy": ({ metrics }, run) => {
      const traps = {
        get: (target: object, key: string) => {
          run();
          return Reflect.get(target, key) as unknown;
        },
        ownKeys: (target: object) => {
          run();
          return Reflect.ownKeys(target);
        },
      };
      metrics.orders.add(3, new Proxy(pro, traps as ProxyHandler<typeof pro>));
    },
    "a span that is asked for its identity": ({ metrics }, run) => {
      const spanContext = () => {
        run();
        return { traceId: "a".repeat(32), spanId: "b".repeat(16), traceFlags: 1 };
      };
      metrics.size.record(1.5, { plan: "pro" }, { spanContext });
    },
    "a console that is told of a refusal": ({ metrics }) => {
      metrics.orders.add(1, { plan: "pro" } as never);
      metrics.orders.add(3, pro);
    },
    "a clock": ({ metrics }) => {
      metrics.orders.add(3, pro);
      metrics.size.record(
        1.5,
        { plan: "pro" },
        { traceId: "a".repeat(32), spanId: "b".repeat(16) },
      );
    },
  };

  function reentered(inside: { run: () => void }) {
    // The console and the clock are the user's to replace.
    const own = metering({
      warn: () => inside.run(),
      clock: () => {
        inside.run();
        return 1e12;
      },
    });
    own.meter.core();
    const metrics = defineMetricsIn(own.meter, {
      orders: counter("orders", { labels }),
      size: histogram("size", { bounds: linearBounds(1, 1, 3), labels: ["plan"] }),
      inner: counter("inner", { labels: ["plan"] }),
      innerSize: histogram("inner_size", { bounds: [1, 3], labels: ["plan"] }),
    });
    return { ...own, metrics };
  }

  function recorded(
    record: (own: ReturnType<typeof reentered>, run: () => void) => void,
    action: (own: ReturnType<typeof reentered>) => unknown,
  ): { readonly lines: readonly string[]; readonly runs: number } {
    let runs = 0;
    let isInside = true;
    const inside = {
      run() {
        if (isInside) return;
        isInside = true;
        runs += 1;
        action(own);
        isInside = false;
      },
    };
    const own = reentered(inside);
    isInside = false;
    for (let i = 0; i < 3; i += 1) record(own, inside.run);
    isInside = true;
    const lines = own
      .collect()
      .text.split("\n")
      .filter((line) => /^(orders|size)/.test(line));
    return { lines: lines.filter((line) => !line.includes("_created")), runs };
  }

  for (const [where, record] of Object.entries(records)) {
    for (const [does, action] of Object.entries(actions)) {
      test(`${where} that ${does} changes no other record`, () => {
        const alone = recorded(record, () => {});
        const among = recorded(record, action);
        assert.ok(alone.runs > 0 && among.runs >= alone.runs);
        assert.ok(alone.lines.length > 0);
        assert.deepEqual(among.lines, alone.lines);
      });
    }
  }
});
