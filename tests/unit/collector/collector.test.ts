import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { tracer } from "isotel";
import "isotel/metrics";
import { TelemetryAggregator } from "isotel/aggregator";
import { type CollectorOptions, collector } from "isotel/collector";
import { type Receiver, startReceiver } from "../../otlp_receiver/receiver.ts";
import { Producer } from "../../wasm/support/producer.ts";
import { MadeInvocation } from "../support/collecting.ts";

let receiver: Receiver;
const said: string[] = [];
const { error } = console;
before(async () => {
  receiver = await startReceiver();
  console.error = (message: string) => void said.push(message);
});
after(() => {
  console.error = error;
  return receiver.close();
});
afterEach(() => {
  said.length = 0;
  receiver.requests.length = 0;
});

interface Context extends ExecutionContext {
  readonly held: Promise<unknown>[];
}

function context(): Context {
  const held: Promise<unknown>[] = [];
  return { held, waitUntil: (work: Promise<unknown>) => void held.push(work) } as never;
}

/** What happens to one invocation; the counts it changed. */
async function collect(
  options: (env: Record<string, unknown>) => CollectorOptions,
  made: MadeInvocation = new MadeInvocation().span("work").outcome(),
  env: Record<string, unknown> = {},
): Promise<Record<string, number>> {
  const before = tracer.diagnostics();
  const { tailStream } = collector(options);
  const ctx = context();
  const take = tailStream(made.onset, env, ctx);
  for (const event of made.events.slice(1)) await take?.(event);
  await Promise.all(ctx.held);
  const counts = Object.entries(tracer.diagnostics());
  return Object.fromEntries(
    counts
      .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
      .filter(([name, count]) => count !== 0 && /^(collector|otlp)_/.test(name)),
  );
}

const sending = () =>
  ({
    otlp: { backend: "custom", endpoint: receiver.url, format: "json" },
    flushDelayMs: 0,
  }) as const;

describe("a collector", () => {
  test("exports what it is told of, through the context's waitUntil", async () => {
    const counts = await collect(sending);
    assert.deepEqual(said, []);
    assert.deepEqual(
      receiver.requests.flatMap(({ items }) => items.map(({ name }) => name)),
      ["work", "custom"],
    );
    assert.equal(counts["collector_spans_exported"], 2);
    assert.equal(counts["otlp_accepted"], 2);
  });

  test("leaves those alone that are excluded, and what carries metrics", async () => {
    const options = () => ({ ...sending(), exclude: ["internal"] });
    const batch = { type: "queue", batchSize: 1 } as const;
    const queue = (queueName: string) => ({ info: { ...batch, queueName } });
    for (const onset of [
      { scriptName: "internal" },
      { entrypoint: "TelemetryAggregator" },
      queue("isotel-telemetry"),
      queue("isotel-telemetry-dlq"),
    ]) {
      const made = new MadeInvocation(onset).span("work").outcome();
      assert.deepEqual(await collect(options, made), { collector_invocations_ignored: 1 });
    }
    const made = new MadeInvocation(queue("jobs")).outcome();
    assert.equal((await collect(options, made))["collector_spans_exported"], 1);
    assert.equal(receiver.requests.length, 1);
  });

  test("asks for its options once for each env", async () => {
    let asked = 0;
    const { tailStream } = collector(() => {
      asked += 1;
      return sending();
    });
    const env = {};
    for (const each of [env, env, {}]) tailStream(new MadeInvocation().onset, each, context());
    assert.equal(asked, 2);
  });

  test("answers nothing but scrapes, and takes no queue but telemetry's", async () => {
    const { fetch, queue } = collector(sending);
    const response = await fetch(new Request("https://x.example/metrics"), {}, context());
    assert.equal(response.status, 404);
    const batch = { queue: "jobs", messages: [] } as unknown as MessageBatch;
    await assert.rejects(async () => queue(batch, {}, context()), /TelemetryAggregator/);
  });

  test("leaves other messages beside telemetry to be delivered again", async () => {
    assert.ok(TelemetryAggregator);
    const aggregator = {
      idFromName: () => ({}),
      get: () => ({ apply: async (frames: unknown[]) => frames.map(() => 0) }),
    };
    const { queue } = collector(() => ({ metrics: { aggregator: aggregator as never } }));
    const outcomes: string[] = [];
    const frame = new Producer(1).count({ name: "orders" }, 1);
    const messages = ["own", frame].map((body, id) => ({
      body,
      attempts: 1,
      ack: () => void outcomes.push(`ack ${id}`),
      retry: () => void outcomes.push(`retry ${id}`),
    }));
    const batch = { queue: "jobs", messages } as unknown as MessageBatch;
    await assert.rejects(
      async () => queue(batch, {}, context()),
      /messages that are not telemetry/,
    );
    assert.deepEqual(outcomes, ["ack 1"]);
  });

  test("refuses scrapes without a token, where there are metrics", async () => {
    assert.ok(TelemetryAggregator);
    const kv = { get: async () => null, put: async () => {} };
    const metrics = { queue: { send: async () => {}, sendBatch: async () => {} }, kv };
    const { fetch } = collector(() => ({ metrics: metrics as never }));
    const scrape = new Request("https://x.example/metrics");
    assert.equal((await fetch(scrape, {}, context())).status, 403);
    const other = new Request("https://x.example/other");
    assert.equal((await fetch(other, {}, context())).status, 404);
  });
});

describe("a collector whose options are wrong", () => {
  const lost = { collector_spans_opened: 2, collector_spans_dropped_no_export: 2 };
  const cases: readonly [string, () => unknown, RegExp][] = [
    [
      "without a key names option and variable",
      () => ({ otlp: { backend: "honeycomb" } }),
      /apiKey is missing.*HONEYCOMB_API_KEY/,
    ],
    [
      "of a backend nobody knows names those there are",
      () => ({ otlp: { backend: "syslog" } }),
      /backend is .*; it has to be one of sentry, honeycomb/,
    ],
    ["that say nothing says what to give", () => ({}), /nothing to do: set otlp/],
    ["that are none", () => undefined, /options of collector are undefined/],
    [
      "that throw",
      () => {
        throw new RangeError("a secret");
      },
      /options of collector cannot be read \(RangeError\)/,
    ],
    [
      "whose redact is no function exports nothing",
      () => ({ otlp: { backend: "custom", endpoint: receiver.url }, redact: "all" }),
      /redact is a string of 3 characters.*Nothing is exported/,
    ],
  ];
  for (const [what, options, message] of cases) {
    test(`${what}, once, and goes on counting`, async () => {
      const counts = await collect(options as never);
      assert.equal(said.length, 1, said.join("\n"));
      assert.match(said[0] ?? "", message);
      assert.doesNotMatch(said[0] ?? "", /a secret/);
      for (const [name, count] of Object.entries(lost)) assert.equal(counts[name], count, name);
      await collect(options as never);
      assert.equal(said.length, 1);
    });
  }

  test("names the binding that is missing and the lines that add it", async () => {
    const options = (env: Record<string, unknown>) => ({
      ...sending(),
      metrics: { queue: env["TELEMETRY_QUEUE"] as never },
    });
    const counts = await collect(options);
    assert.equal(said.length, 1, said.join("\n"));
    assert.match(said[0] ?? "", /metrics\.queue is undefined \(not in env: TELEMETRY_QUEUE\)/);
    assert.match(said[0] ?? "", /"producers"/);
    // The spans go their way without.
    assert.equal(counts["collector_spans_exported"], 2);
  });

  test("uses the default of a delay or a list that is none", async () => {
    const options = () => ({ ...sending(), flushDelayMs: -1, exclude: "internal" }) as never;
    const counts = await collect(options);
    assert.match(said.join("\n"), /exclude is a string of 8 characters/);
    assert.match(said.join("\n"), /flushDelayMs is the number -1/);
    assert.equal(counts["collector_spans_exported"], 2);
  });

  test("is an error where they are no function", () => {
    assert.throws(() => collector({} as never), /are an object; they have to be a function of env/);
  });
});
