import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../../bindings/cli/run.ts";
import { MetricKind } from "../../bindings/core/abi.gen.ts";
import { type LocalWorker, type RequestOptions, startWorkers } from "../harness/start.ts";
import { Producer } from "../wasm/support/producer.ts";
import { eventually } from "./harness/eventually.ts";
import { base64, type Parameters, samplesOf } from "./harness/metrics_app.ts";

const orders = { name: "orders", labels: ["plan"] };
const series = (plan: string) => `orders_total{plan="${plan}"}`;
const admin = { admin: "let-me-drop" };
const authorization = { authorization: "Bearer let-me-drop" };

describe("series that leave the totals", () => {
  let worker: LocalWorker;
  const classes = { TELEMETRY: "Telemetry", SHORT: "ShortLived", SMALL: "Small" };
  before(async () => {
    worker = await startWorkers([
      {
        name: "removal",
        main: "tests/workerd/apps/metrics_removal/index.ts",
        durable_objects: {
          bindings: Object.entries(classes).map(([name, class_name]) => ({ name, class_name })),
        },
        migrations: [{ tag: "v1", new_sqlite_classes: Object.values(classes) }],
      },
    ]);
  });
  after(() => worker.close());

  const ask = (path: string, parameters: Parameters, options: RequestOptions = {}) => {
    const entries = Object.entries(parameters).map(([name, value]) => [name, String(value)]);
    return worker.fetch(`${path}?${new URLSearchParams(entries)}`, options);
  };
  const apply = async (parameters: Parameters, ...frames: readonly Uint8Array[]) => {
    const body = JSON.stringify(frames.map(base64));
    const response = await ask("/apply", parameters, { method: "POST", body });
    assert.equal(response.status, 200, await response.text());
  };
  const scrape = async (parameters: Parameters, accept = "text/plain") => {
    const response = await ask("/metrics", parameters, { headers: { accept } });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return text;
  };
  const samples = async (parameters: Parameters) => samplesOf(await scrape(parameters));
  const said = async (): Promise<string[]> => (await ask("/said", {})).json();
  const chunks = async (of: string): Promise<unknown[]> =>
    (await ask("/exec", { of, query: "SELECT id FROM isotel_chunks" })).json();

  test("a series expires, leaves the storage, and starts anew when it comes back", async () => {
    const of = { of: "SHORT" };
    const producer = new Producer(1);
    const plans = Array.from({ length: 40 }, (_, i) => `plan${i}`);
    for (const plan of plans) producer.record(orders, 1, [plan], Date.now());
    await apply(of, ...producer.frames(Date.now()));
    const before = await chunks("SHORT");
    assert.equal((await samples(of)).get(series("plan39")), 1);

    await eventually(async () => {
      const now = await samples(of);
      assert.equal(now.get("isotel_series_expired_total"), 40);
      assert.equal(now.get("isotel_series"), 0);
    });
    // Two chunks of series and one of families.
    assert.equal((await chunks("SHORT")).length, before.length - 3);

    const back = Date.now();
    await apply(of, producer.count(orders, 5, back, ["plan0"]));
    const text = await scrape(of, "application/openmetrics-text");
    const shown = samplesOf(text);
    assert.equal(shown.get(series("plan0")), 5);
    const created = shown.get('orders_created{plan="plan0"}') ?? 0;
    assert.ok(created * 1000 > back - 5_000, `${created}`);
    assert.ok(created * 1000 <= back + 1, `${created}`);
    await eventually(async () => {
      assert.equal((await samples(of)).get("isotel_series_expired_total"), 41);
    });
  });

  test("the sum of two shards never steps back while one of them is idle", async () => {
    const of = { of: "SHORT", shards: 2 };
    const [even, odd] = [new Producer(20), new Producer(21)];
    await apply(of, even.count(orders, 100, Date.now(), ["shared"]));
    await apply(of, odd.count(orders, 1, Date.now(), ["other"]));
    // Its next life knows of the other shard.
    await worker.evict("SHORT", "isotel-0");
    let last = 0;
    const end = Date.now() + 4_000;
    for (let sent = 1; Date.now() < end; sent += 1) {
      await apply(of, odd.count(orders, 1, Date.now(), ["shared"]));
      const value = (await samples(of)).get(series("shared")) ?? 0;
      assert.equal(value, 100 + sent);
      assert.ok(value > last);
      last = value;
      await sleep(200);
    }
    await eventually(async () => {
      assert.equal((await samples(of)).get("isotel_series"), 0);
    });
  });

  test("past a limit new label sets share a series, and the console says it once", async () => {
    const of = { of: "SMALL" };
    const producer = new Producer(2);
    for (const plan of ["a", "b", "c", "d", "e", "d"]) {
      await apply(of, producer.count(orders, 1, Date.now(), [plan]));
    }
    const now = await samples(of);
    assert.equal(now.get(series("c")), 1);
    assert.equal(now.get('orders_total{otel_metric_overflow="true"}'), 3);
    assert.equal(now.get("isotel_series_overflowed_total"), 3);
    const lines = (await said()).filter((line) => line.includes("maxSeriesPerMetric"));
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.deepEqual(
      (await said()).filter((line) => line.includes("has to be")),
      [],
      "the options are valid",
    );
    assert.match(lines[0] ?? "", /aggregator isotel-0 has \d series .* metric orders/);
  });

  test("a definition with a name that another one has is counted, named and marked", async () => {
    const histogram = { name: "jobs", kind: MetricKind.histogram, bounds: [1, 2] };
    await apply({}, new Producer(3).count({ name: "jobs" }, 7, Date.now()));
    const conflicts = async () => (await samples({})).get("isotel_definition_conflicts_total");
    assert.equal(await conflicts(), 0);
    const second = new Producer(4);
    await apply({}, second.count(histogram, 1, Date.now()));
    await apply({}, second.count(histogram, 1, Date.now()));
    assert.equal(await conflicts(), 1);
    const lines = (await said()).filter((line) => line.includes("metric jobs"));
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(
      lines[0] ?? "",
      /metric jobs \(histogram\) has a name of the metric jobs \(counter\)/,
    );

    const other = new Producer(5);
    await apply({}, other.count({ ...histogram, bounds: [5] }, 1, Date.now()));
    assert.ok(
      (await said()).some((line) =>
        /definition of the metric jobs \(histogram\) has changed/.test(line),
      ),
    );

    const { families } = JSON.parse(await scrape({}, "application/json")) as {
      families: { declared_name: string; conflict?: boolean }[];
    };
    const marked = families
      .filter(({ conflict }) => conflict)
      .map((family) => family.declared_name);
    assert.deepEqual(marked, ["jobs", "jobs", "jobs"]);
  });

  test("metrics are removed with a token of its own, and only then", async () => {
    await apply({ shards: 2 }, new Producer(6).count(orders, 1, Date.now(), ["x"]));
    await apply({ shards: 2 }, new Producer(7).count(orders, 1, Date.now(), ["x"]));
    const remove = async (
      parameters: Parameters,
      headers: Record<string, string> = authorization,
    ) => {
      const response = await ask(
        "/metrics",
        { shards: 2, ...parameters },
        { method: "DELETE", headers },
      );
      return {
        status: response.status,
        text: await response.text(),
        allow: response.headers.get("allow"),
      };
    };
    assert.deepEqual(await remove({ name: "orders" }), {
      status: 405,
      text: "Metrics are read with GET.\n",
      allow: "GET, HEAD",
    });
    assert.equal((await remove({ ...admin, name: "orders" }, {})).status, 401);
    assert.equal(
      (await remove({ ...admin, name: "orders" }, { authorization: "Bearer no" })).status,
      401,
    );
    for (const wrong of [{}, { name: "" }, { name: "orders", all: "" }]) {
      assert.equal((await remove({ ...admin, ...wrong })).status, 400, JSON.stringify(wrong));
    }
    assert.equal((await samples({ shards: 2 })).get(series("x")), 2);
    assert.equal(
      (await ask("/metrics", admin, { method: "POST" })).headers.get("allow"),
      "GET, HEAD, DELETE",
    );

    // As /metrics shows the name.
    assert.equal((await remove({ ...admin, name: "orders_total" })).text, '{"removed":2}');
    const now = await samples({ shards: 2 });
    assert.equal(now.get(series("x")), undefined);
    assert.equal(now.get("jobs_total"), 7);
    assert.equal((await remove({ ...admin, name: "orders" })).text, '{"removed":0}');
  });

  test("during a removal, a scrape shows the sum of the shards that still have the metric, and all other metrics", async () => {
    const of = { of: "SMALL", shards: 2 };
    const parts = { name: "parts" };
    const others = { name: "others" };
    const producers = [30, 31].map((number) => new Producer(number));
    for (const [index, producer] of producers.entries()) {
      await apply(of, producer.count(parts, 10 ** index, Date.now()));
      await apply(of, producer.count(others, 1, Date.now()));
    }
    const shown = async () => {
      const now = await samples(of);
      return [now.get("parts_total"), now.get("others_total")];
    };
    assert.deepEqual(await shown(), [11, 2]);
    // The first shard is done, the second one is not.
    const dropped = await ask("/drop", of, { method: "POST", body: JSON.stringify("parts") });
    assert.equal(await dropped.text(), "1");
    assert.deepEqual(await shown(), [10, 2]);
    const parameters = { ...of, ...admin, name: "parts" };
    const rest = await ask("/metrics", parameters, { method: "DELETE", headers: authorization });
    assert.equal(await rest.text(), '{"removed":1}');
    assert.deepEqual(await shown(), [undefined, 2]);
  });

  test("an aggregator refuses to drop what is not a name", async () => {
    for (const [name, shape] of [
      ["", "an empty text"],
      [5, "a number"],
      [null, "null"],
    ] as const) {
      const response = await ask("/drop", {}, { method: "POST", body: JSON.stringify(name) });
      assert.match(
        await response.text(),
        /TypeError: isotel: drop needs the name of a metric/,
        shape,
      );
    }
  });

  test("the command line lists, drops and resets", async () => {
    const isotel = async (...args: readonly string[]) => {
      const printed = { out: "", err: "" };
      const url = `${worker.url.origin}/metrics?admin=let-me-drop`;
      const code = await run(["metrics", ...args, "--url", url], {
        env: { ISOTEL_ADMIN_TOKEN: "let-me-drop" },
        cwd: ".",
        out: (text) => {
          printed.out += text;
        },
        err: (text) => {
          printed.err += text;
        },
      });
      return { code, ...printed };
    };
    await apply({}, new Producer(8).count(orders, 1, Date.now(), ["y"]));
    const list = await isotel("list");
    assert.equal(list.code, 0, list.err);
    assert.match(list.out, /^orders {2}counter {2}1 series {2}last written 20\d\d-[^ ]+Z$/m);
    assert.match(
      list.out,
      /^jobs {2}histogram {2}1 series .* definition [0-9a-f]{8} {2}shares a name$/m,
    );
    assert.doesNotMatch(list.out, /isotel_/);

    assert.match(
      (await isotel("drop", "orders")).out,
      /^would remove: the metric orders\nNothing was changed/,
    );
    assert.equal((await samples({})).get(series("y")), 1);
    assert.match(
      (await isotel("drop", "orders", "--apply")).out,
      /^removed: the metric orders \(1 series\)/,
    );
    assert.equal((await samples({})).get(series("y")), undefined);
    assert.match((await isotel("drop", "orders", "--apply")).out, /There is no series/);

    const reset = await isotel("reset", "--apply", "--json");
    assert.deepEqual(JSON.parse(reset.out), { applied: true, removed: 3 });
    assert.equal((await isotel("list")).out, "There are none.\n");

    const refused = await isotel("drop", "orders", "--apply", "--scheme", "Basic");
    assert.equal(refused.code, 1);
    assert.match(refused.err, /answered 401/);
    assert.doesNotMatch(refused.err, /let-me-drop/);
  });
});
