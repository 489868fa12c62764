import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isolateAggregate } from "../../../bindings/aggregate/totals/aggregate.ts";
import { MetricKind } from "../../../bindings/core/abi.gen.ts";
import type { MetricsExportOptions } from "../../../bindings/slots/metrics_export.ts";
import { seriesTotals } from "../../otlp_receiver/sums.ts";
import { type Family, Producer } from "../../wasm/support/producer.ts";
import { MemoryStorage } from "../support/runtime_doubles.ts";
import {
  type Answer,
  Life,
  onceEach,
  pointsOf,
  type SentRequest,
  World,
} from "./support/export_life.ts";

const orders: Family = { name: "orders", labels: ["plan"] };
const custom = (options: object = {}): MetricsExportOptions => ({
  backend: "custom",
  endpoint: "https://otel.example",
  compression: "none",
  ...options,
});
const delta = (options: object = {}) => custom({ temporality: "delta", ...options });

let producers = 0;
function newProducer(): Producer {
  producers += 1;
  return new Producer(producers);
}

const sumOf = (requests: readonly SentRequest[], key = "orders plan=pro") =>
  seriesTotals(pointsOf(requests)).get(key)?.value;

describe("intervals", () => {
  test("totals are sent once an interval, as totals and as what came since", async () => {
    for (const [options, expected] of [
      [custom(), [3, 3, 7]],
      [delta(), [3, 4]],
    ] as const) {
      const world = new World();
      const life = new Life(world, new MemoryStorage(), options);
      const producer = newProducer();
      life.apply(producer.count(orders, 3, 1, ["pro"]));
      assert.equal(life.export.nextUnixMs(0), world.nowUnixMs + 60_000);
      await life.passAll(59_999);
      assert.equal(world.requests.length, 0);
      await life.passAll(1);
      await life.passAll(60_000);
      life.apply(producer.count(orders, 4, 1, ["pro"]));
      await life.passAll(60_000);
      const values = pointsOf(world.requests).map(({ value }) => value);
      assert.deepEqual(values, expected);
      assert.equal(sumOf(world.requests), 7);
    }
  });

  test("deltas follow one another without a gap, and silence is no request", async () => {
    const world = new World();
    const life = new Life(world, new MemoryStorage(), delta());
    const producer = newProducer();
    for (const value of [3, 4, 5]) {
      life.apply(producer.count(orders, value, 1_000_000, ["pro"]));
      await life.passAll(60_000);
    }
    const points = pointsOf(world.requests);
    assert.deepEqual(
      points.map(({ startUnixMs, unixMs, value }) => [startUnixMs, unixMs, value]),
      [
        [1_000_000, 1_060_000, 3],
        [1_060_000, 1_120_000, 4],
        [1_120_000, 1_180_000, 5],
      ],
    );
    await life.passAll(600_000);
    assert.equal(world.requests.length, 3);
    assert.equal(life.export.nextUnixMs(world.nowUnixMs), undefined, "nobody has to wake up");
  });

  test("the resource tells aggregators apart, and whatever else is given", async () => {
    const world = new World();
    const options = custom({ serviceName: "shop", resource: { "service.instance.id": "mine" } });
    const life = new Life(world, new MemoryStorage(), options);
    life.apply(newProducer().count(orders, 3, 1, ["pro"]));
    await life.passAll(60_000);
    const resource = world.requests[0]?.resource ?? {};
    assert.equal(resource["service.instance.id"], "instance");
    assert.equal(resource["service.name"], "shop");
  });

  test("a backend that is new gets deltas of what comes from then on", async () => {
    const world = new World();
    const memory = new MemoryStorage();
    const producer = newProducer();
    new Life(world, memory, custom()).apply(producer.count(orders, 100, 1, ["pro"]));
    const life = new Life(world, memory, delta());
    life.apply(producer.count(orders, 4, 1, ["pro"]));
    await life.passAll(60_000);
    assert.equal(sumOf(world.requests), 4);
    const rows = memory.database.prepare("SELECT target FROM isotel_exports").all();
    assert.deepEqual(
      rows.map(({ target }) => target),
      ["custom https://otel.example/v1/metrics delta"],
      "nothing is kept of the other",
    );
  });
});

describe("answers", () => {
  const run = async (options: MetricsExportOptions, answers: readonly Answer[]) => {
    const world = new World();
    world.answers.push(...answers);
    const life = new Life(world, new MemoryStorage(), options);
    const producer = newProducer();
    life.apply(producer.count(orders, 3, 1, ["pro"]));
    await life.passAll(60_000);
    const waited = life.export.nextUnixMs(world.nowUnixMs);
    const at = world.nowUnixMs;
    await life.passAll(50_000);
    life.apply(producer.count(orders, 4, 1, ["pro"]));
    await life.passAll(130_000);
    const [counts] = life.export.counts();
    assert.ok(counts);
    return { world, life, counts, waitMs: (waited ?? 0) - at };
  };

  for (const status of [429, 502, 503, 504]) {
    test(`${status}: the same bytes go out again`, async () => {
      const { world, counts } = await run(delta(), [{ status }, { status }]);
      const [first, second, third] = world.requests;
      assert.deepEqual(second?.body, first?.body);
      assert.deepEqual(third?.body, first?.body);
      assert.equal(sumOf(world.taken()), 7);
      assert.deepEqual([counts.accepted, counts.failed, counts.givenUp], [2, 2, 0]);
    });
  }

  test("Retry-After is kept to", async () => {
    const later: Answer = { status: 429, headers: { "retry-after": "20" } };
    const { waitMs, world } = await run(delta(), [later]);
    assert.equal(waitMs, 20_000);
    assert.equal(sumOf(world.taken()), 7);
  });

  for (const status of [400, 401, 403, 413, 500]) {
    test(`${status} ends the interval: what was refused is in the next delta`, async () => {
      const { world, counts, life } = await run(delta(), [{ status }]);
      assert.equal(world.requests.length, 2);
      assert.equal(sumOf(world.taken()), 7);
      assert.deepEqual([counts.accepted, counts.rejected], [1, 1]);
      assert.match(
        life.reports.join(),
        new RegExp(`for custom: .*refused.*status ${status}.*1 data points dropped so far`),
      );
      const start = world.taken()[0]?.points[0]?.startUnixMs;
      assert.equal(start, 1, "it tells of all the time since what was taken");
    });
  }

  test("a redirect to another host gets neither data nor keys", async () => {
    const headers = { location: "https://elsewhere.example/v1/metrics" };
    const { world, counts } = await run(delta(), [{ status: 307, headers }]);
    assert.ok(world.requests.every(({ url }) => url.startsWith("https://otel.example/")));
    assert.equal(counts.rejected, 1);
    assert.equal(sumOf(world.taken()), 7);
  });

  test("a partial success is one, less what it says was refused", async () => {
    const headers = { "content-type": "application/json" };
    const body = '{"partialSuccess":{"rejectedDataPoints":"1"}}';
    const { world, counts, life } = await run(delta(), [{ status: 200, headers, body }]);
    assert.deepEqual([counts.accepted, counts.rejected], [1, 1]);
    assert.equal(sumOf(world.taken()), 7, "nothing of it is sent again");
    assert.match(life.reports.join(), /partial success, status 200.*1 data points dropped so far/);
  });

  /** A backend that gives no answer for so long: what it was sent, and the export. */
  const silence = async (options: MetricsExportOptions, first: Answer, forMs: number) => {
    const world = new World();
    world.answers.push(first, ...Array.from({ length: 1000 }, (): Answer => "reset"));
    const life = new Life(world, new MemoryStorage(), options);
    const producer = newProducer();
    life.apply(producer.count(orders, 3, 1, ["pro"]));
    await life.passAll(60_000);
    life.apply(producer.count(orders, 4, 1, ["pro"]));
    await life.passAll(forMs);
    const asked = [...world.requests];
    world.answers.length = 0;
    await life.passAll(130_000);
    assert.equal(life.reports.filter((report) => report.includes("no answer")).length, 1);
    return { world, asked, counts: life.export.counts()[0] };
  };

  test("totals that get no answer are tried ten times, then newer ones once an interval", async () => {
    const { world, asked, counts } = await silence(custom(), "reset", 10 * 60_000 - 1);
    const intervals = onceEach(asked).length;
    assert.ok(intervals >= 8 && intervals <= 10, `${intervals} intervals`);
    assert.equal(asked.length, 10 + intervals - 1);
    assert.equal(counts?.givenUp, intervals);
    assert.equal(sumOf(world.taken()), 7);
  });

  test("a delta that gets no answer stays the same: one that was taken all the same is not doubled", async () => {
    const { world, asked, counts } = await silence(delta(), "lost", 30 * 60_000);
    assert.equal(onceEach(asked).length, 1);
    assert.ok(asked.length >= 30 && asked.length <= 42, `${asked.length} requests`);
    assert.equal(counts?.givenUp, 0);
    assert.equal(world.taken().length, 3, "once unheard, once heard, and what came since");
    assert.equal(sumOf(onceEach(world.taken())), 7);
  });

  test("a delta that nobody has taken for an hour comes with the next", async () => {
    const { world, counts } = await silence(delta(), "reset", 70 * 60_000);
    assert.equal(counts?.givenUp, 1);
    assert.deepEqual(
      pointsOf(world.taken()).map(({ value }) => value),
      [7],
    );
  });

  test("what became of points is counted in the totals themselves", async () => {
    const partial: Answer = {
      status: 200,
      headers: { "content-type": "application/json" },
      body: '{"partialSuccess":{"rejectedDataPoints":"1"}}',
    };
    const { life } = await run(delta(), [{ status: 503 }, partial]);
    const aggregate = isolateAggregate();
    aggregate.merge([life.totals.snapshot(1)]);
    const text = new TextDecoder().decode(aggregate.render({ format: 0, escaping: 0 }, 0, 1));
    assert.match(text, /^isotel_otlp_points_accepted_total 1$/m);
    assert.match(text, /^isotel_otlp_points_rejected_total 1$/m);
    assert.match(text, /^isotel_otlp_points_dropped_total 0$/m);
    assert.match(text, /^isotel_otlp_metric_requests_failed_total 1$/m);
  });
});

describe("requests of a limited size", () => {
  test("series are split over as many as it takes, each in one of them, and each is accounted for alone", async () => {
    for (const format of ["protobuf", "json"] as const) {
      const world = new World();
      const life = new Life(world, new MemoryStorage(), delta({ maxBytes: 1_000, format }));
      const producer = newProducer();
      for (let i = 0; i < 200; i += 1) producer.record(orders, i + 1, [`plan-${i}`]);
      life.apply(...producer.frames());
      await life.passAll(60_000);
      assert.ok(world.requests.length > 5, `${world.requests.length} requests`);
      for (const { body } of world.requests) assert.ok(body.length <= 1_000, `${body.length}`);
      assert.equal(life.export.counts()[0]?.accepted, 200);
      if (format === "json") continue;
      const points = pointsOf(world.requests);
      assert.equal(points.length, 200);
      assert.equal(new Set(points.map(({ attributes }) => attributes["plan"])).size, 200);
    }
  });

  test("of several requests those that were refused come again, the others do not", async () => {
    const world = new World();
    world.answers.push({ status: 200 }, { status: 400 }, { status: 200 }, { status: 400 });
    const life = new Life(world, new MemoryStorage(), delta({ maxBytes: 1_000 }));
    const producer = newProducer();
    const recordAll = () => {
      for (let i = 0; i < 100; i += 1) producer.record(orders, i + 1, [`plan-${i}`]);
      life.apply(...producer.frames());
    };
    recordAll();
    await life.passAll(60_000);
    recordAll();
    await life.passAll(60_000);
    const totals = seriesTotals(pointsOf(world.taken()));
    for (let i = 0; i < 100; i += 1) {
      assert.equal(totals.get(`orders plan=plan-${i}`)?.value, 2 * (i + 1));
    }
    // Each tells of the time since its own last one was taken.
    const starts = new Set(pointsOf(world.requests).map(({ startUnixMs }) => startUnixMs));
    assert.deepEqual(starts, new Set([1000, 1_060_000]));
  });

  test("a data point that is alone too large is dropped and keeps nothing from being sent", async () => {
    const world = new World();
    const life = new Life(world, new MemoryStorage(), delta({ maxBytes: 1_000 }));
    const producer = newProducer();
    producer.record(orders, 1, ["a"]);
    producer.record(orders, 2, ["b".repeat(2_000)]);
    producer.record(orders, 3, ["c"]);
    life.apply(...producer.frames());
    await life.passAll(60_000);
    assert.deepEqual(
      pointsOf(world.requests).map(({ value }) => value),
      [1, 3],
    );
    const counts = life.export.counts()[0];
    assert.deepEqual([counts?.accepted, counts?.dropped], [2, 1]);
    assert.match(life.reports.join(), /larger than 1000 bytes/);
  });

  test("more than one request of 16 MiB can carry is in several", async () => {
    const world = new World();
    const options = delta({ maxBytes: 16_000_000 });
    const life = new Life(world, new MemoryStorage(), options);
    const wide: Family = {
      name: "wide",
      kind: MetricKind.histogram,
      labels: ["plan"],
      bounds: Array.from({ length: 256 }, (_, index) => index),
    };
    let series = 0;
    for (let isolate = 0; isolate < 3; isolate += 1) {
      const producer = newProducer();
      for (let i = 0; i < 1_900; i += 1, series += 1) producer.record(wide, 7, [`p${series}`]);
      life.apply(...producer.frames());
    }
    await life.passAll(60_000);
    assert.ok(world.requests.length >= 2);
    const points = pointsOf(world.requests);
    assert.equal(points.length, series);
    assert.equal(new Set(points.map(({ attributes }) => attributes["plan"])).size, series);
    assert.ok(points.every(({ count, sum }) => count === 1 && sum === 7));
  });
});

describe("several backends", () => {
  test("each has intervals of its own: one that fails keeps nothing from the other", async () => {
    const world = new World();
    const options: MetricsExportOptions = {
      backends: [
        { backend: "custom", endpoint: "https://a.example", compression: "none" },
        { backend: "datadog", apiKey: "key", compression: "none" },
      ],
    };
    const life = new Life(world, new MemoryStorage(), options);
    const { fetch } = world;
    const failing = async (url: string, init: RequestInit) => {
      if (url.startsWith("https://a.")) throw new TypeError("down");
      return fetch(url, init);
    };
    Object.defineProperty(world, "fetch", { value: failing });
    const other = new Life(world, new MemoryStorage(), options);
    for (const one of [life, other]) one.apply(newProducer().count(orders, 3, 1, ["pro"]));
    await life.passAll(60_000);
    await other.passAll(60_000);
    const to = (host: string) => world.requests.filter(({ url }) => url.startsWith(host));
    assert.equal(to("https://a.example").length, 1);
    assert.deepEqual(
      to("https://cloudflare.integrations.otlp.datadoghq.com").map(
        ({ points }) => points[0]?.temporality,
      ),
      [1, 1],
    );
    assert.deepEqual(
      to("https://a.example").map(({ points }) => points[0]?.temporality),
      [2],
    );
    const [header] = to("https://cloudflare.integrations.otlp.datadoghq.com").map(
      ({ headers }) => headers,
    );
    assert.equal(header?.["dd-otel-metric-config"], '{"resource_attributes_as_tags":true}');
    assert.deepEqual(
      other.export.counts().map(({ accepted, failed }) => [accepted, failed > 0]),
      [
        [0, true],
        [1, false],
      ],
    );
  });
});
