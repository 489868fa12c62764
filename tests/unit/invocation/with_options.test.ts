import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type MetricsBindings, withTelemetry } from "isotel";
import { counter, defineMetrics } from "isotel/metrics";
import { tracedSteps } from "../../../bindings/invocation/workflow_steps.ts";
import { Producer } from "../../wasm/support/producer.ts";
import { Totals } from "../support/metering.ts";
import { bytesOfBodies, QueueDouble } from "../support/runtime_doubles.ts";

type Handler = (...args: unknown[]) => unknown;
type Handlers = Readonly<Record<string, Handler>>;

class ContextDouble {
  readonly works: Promise<unknown>[] = [];

  waitUntil(work: Promise<unknown>): void {
    this.works.push(work);
  }
}

// The isolate has one flusher for all its Workers: they share a queue and a context here.
const received = new Totals();
const queue = new QueueDouble((bodies) => void received.apply(bytesOfBodies(bodies)));
const env = { TELEMETRY_QUEUE: queue };
const ctx = new ContextDouble();

/** A Worker whose metrics go to the queue, as the runtime would call it. */
function worker(handlers: object, metrics: object = {}) {
  let asked = 0;
  const wrapped = withTelemetry(handlers, (given: typeof env) => {
    asked += 1;
    const bindings: MetricsBindings = { queue: given.TELEMETRY_QUEUE as never, ...metrics };
    return { metrics: { flushIntervalMs: 100, ...bindings } };
  }) as Handlers;
  return {
    wrapped,
    asked: () => asked,
    call: (name: string, event: unknown) => (wrapped[name] as Handler)(event, env, ctx),
  };
}

/** What has been recorded by now, all of it sent. */
async function collect(): Promise<Totals> {
  const { call } = worker({ scheduled() {} });
  for (let round = 0; round < 2; round += 1) {
    await sleep(110);
    call("scheduled", {});
    for (let i = 0; i < ctx.works.length; i += 1) await ctx.works[i];
  }
  return received;
}

function errorsOf(context: TestContext): () => string[] {
  const { mock } = context.mock.method(console, "error", () => {});
  return () => mock.calls.map((call) => String(call.arguments[0]));
}

const { visits } = defineMetrics({ visits: counter("visits", { labels: ["test"] }) });
const request = (path = "/") => new Request(`https://example.org${path}`);

describe("a Worker with options", () => {
  test("answers and fails as it did, and what it recorded is sent", async () => {
    const unlucky = new Error("unlucky");
    const answer = new Response("answer");
    const own = worker({
      async fetch({ url }: Request) {
        visits.add(1, { test: "sent" });
        if (url.endsWith("/throw")) throw unlucky;
        return answer;
      },
      scheduled: () => "synchronous",
    });
    assert.equal(await own.call("fetch", request()), answer);
    await assert.rejects(
      async () => own.call("fetch", request("/throw")),
      (cause) => cause === unlucky,
    );
    assert.equal(own.call("scheduled", {}), "synchronous");
    const totals = await collect();
    assert.equal(totals.sample('visits_total{test="sent"}'), 2);
    assert.equal(own.asked(), 1);
  });

  test("settles in the same turn as one without them", async () => {
    const turnsOf = async (handler: Handler): Promise<number> => {
      let turns = 0;
      let isSettled = false;
      const settled = () => {
        isSettled = true;
      };
      const answer = handler(
        request(),
        { TELEMETRY_QUEUE: new QueueDouble() },
        new ContextDouble(),
      );
      (answer as Promise<unknown>).then(settled, settled);
      while (!isSettled) {
        turns += 1;
        await null;
      }
      return turns;
    };
    for (const fetch of [async () => new Response(), () => Promise.reject(new Error("unlucky"))]) {
      const plain = withTelemetry({ fetch }) as unknown as Handlers;
      const { wrapped } = worker({ fetch });
      assert.equal(
        await turnsOf(wrapped["fetch"] as Handler),
        await turnsOf(plain["fetch"] as Handler),
      );
    }
  });

  test("has a queue handler, for its own queue; others are its user's", async () => {
    assert.equal("queue" in withTelemetry({ fetch() {} }), false);
    const without = worker({ fetch() {} });
    const batch = { queue: "jobs", messages: [{ body: { a: 1 } }] };
    assert.throws(() => without.call("queue", batch), /the Worker has no queue handler$/);
    const taken: unknown[] = [];
    const withQueue = worker({ queue: (event: unknown) => void taken.push(event) });
    withQueue.call("queue", batch);
    assert.deepEqual(taken, [batch]);
  });

  test("lets requests and batches through that are its user's, and answers scrapes", async () => {
    const { TelemetryAggregator } = await import("isotel/aggregator");
    assert.equal(typeof TelemetryAggregator, "function");
    const kv = { get() {}, put() {} };
    const own = worker({ fetch: async () => new Response("own") }, { kv });
    assert.equal(await ((await own.call("fetch", request())) as Response).text(), "own");
    const scrape = (await own.call("fetch", request("/metrics"))) as Response;
    assert.equal(scrape.status, 403, "closed without a token");
  });

  test("whose binding is missing works without it", async (context) => {
    const errors = errorsOf(context);
    const wrapped = withTelemetry(
      { fetch: async (_request: Request, _env: { MISSING?: Queue }) => "answer" },
      ({ MISSING }) => ({ metrics: { queue: MISSING as Queue } }),
    ) as unknown as Handlers;
    for (let i = 0; i < 3; i += 1) {
      assert.equal(await wrapped["fetch"]?.(request(), {}, new ContextDouble()), "answer");
    }
    assert.equal(errors().length, 1);
    assert.match(errors()[0] ?? "", /metrics\.queue is undefined \(not in env: MISSING\)/);
  });

  test("whose options throw works without metrics", async (context) => {
    const errors = errorsOf(context);
    const wrapped = withTelemetry({ fetch: () => "answer" }, () => {
      throw new RangeError("no luck");
    }) as unknown as Handlers;
    assert.equal(wrapped["fetch"]?.(request(), {}, {}), "answer");
    assert.equal(wrapped["fetch"]?.(request(), undefined, undefined), "answer");
    assert.deepEqual(errors(), [
      "isotel: the options of withTelemetry cannot be read (RangeError); metrics are off",
    ]);
  });

  for (const [what, options] of [
    ["throw", () => assert.fail()],
    ["have bindings that are no object", () => ({ metrics: "queue" })],
  ] as const) {
    test(`that ${what} keep telemetry from the queue handler, and have it delivered again`, async (context) => {
      errorsOf(context);
      await import("isotel/aggregator");
      const given: unknown[] = [];
      const outcomes: string[] = [];
      const wrapped = withTelemetry(
        { queue: ({ messages }: MessageBatch) => void given.push(...messages.map(({ id }) => id)) },
        options as never,
      ) as unknown as Handlers;
      const frame = new Producer(1).count({ name: "orders" }, 1);
      const messages = [frame, new Uint8Array(3)].map((body, id) => ({
        id,
        body,
        attempts: 1,
        ack: () => void outcomes.push(`ack ${id}`),
        retry: () => void outcomes.push(`retry ${id}`),
      }));
      await wrapped["queue"]?.({ queue: "any", messages }, {}, new ContextDouble());
      assert.deepEqual([given, outcomes], [[1], ["retry 0"]]);
    });
  }

  test("that are no function are refused at once", () => {
    for (const options of [{}, null, "metrics", 1]) {
      assert.throws(() => withTelemetry({ fetch() {} }, options as never), {
        name: "TypeError",
        message:
          /^isotel: the second argument of withTelemetry\(\) is .*; it has to be a function of env/,
      });
    }
  });

  test("measures requests by what it is told of their route, and outlives a function that throws", async () => {
    const own = worker(
      { fetch: async () => new Response(null, { status: 204 }) },
      {
        route: ({ url }: Request) => {
          if (url.endsWith("/bad")) throw new Error("no route");
          if (url.includes("/whole")) return url;
          return url.endsWith("/none") ? undefined : "/users/:id";
        },
      },
    );
    for (const path of ["/users/1", "/users/2", "/none", "/bad", "/whole?token=SECRETQ"])
      await own.call("fetch", request(path));
    const totals = await collect();
    const count = (route: string) =>
      totals.sample(
        "http_server_request_duration_seconds_count" +
          `{http_request_method="GET",http_response_status_code="204",${route}url_scheme="https"}`,
      );
    assert.equal(count('http_route="/users/:id",'), 2);
    assert.doesNotMatch(totals.text, /SECRETQ/);
    assert.match(totals.text, /http_route="https:[^"?]*\/whole"/);
    assert.equal(count(""), 2);
  });

  test("measures nothing of what is no response, and passes it on", async () => {
    const own = worker({ fetch: async () => undefined });
    assert.equal(await own.call("fetch", request()), undefined);
    assert.equal(await own.call("fetch", undefined), undefined);
    const totals = await collect();
    assert.match(totals.text, /isotel_metrics_records_dropped_total\{reason="label"\} [1-9]/);
  });
});

describe("a class with options", () => {
  test("sends what its methods record, by the env it was made with", async () => {
    class Room {
      readonly #count = 1;
      readonly name: string;
      constructor(_ctx: unknown, _env: unknown, name = "room") {
        this.name = name;
      }
      async visit(): Promise<number> {
        visits.add(this.#count, { test: "class" });
        return this.#count;
      }
    }
    const Wrapped = withTelemetry(Room, () => ({
      metrics: { queue: queue as never, flushIntervalMs: 100 },
    }));
    const room = new Wrapped(ctx, env);
    assert.equal(await room.visit(), 1);
    assert.equal(room.name, "room");
    const totals = await collect();
    assert.equal(totals.sample('visits_total{test="class"}'), 1);
  });
});

describe("what is wrapped twice", () => {
  const asking = (asked: string[], who: string) => () => {
    asked.push(who);
    return { metrics: { queue: queue as never, flushIntervalMs: 100, route: () => `/${who}` } };
  };

  test("has its requests measured once, by the options of the outer withTelemetry", async () => {
    const fetch = async () => new Response(null, { status: 202 });
    const inner = withTelemetry({ fetch }, asking([], "inner"));
    const { fetch: both } = withTelemetry(inner, asking([], "outer")) as unknown as Handlers;
    await both?.(request(), {}, ctx);
    const totals = await collect();
    const counts =
      /^http_server_request_duration_seconds_count\{.*="202",http_route="(.*?)".* (\d+)$/gm;
    assert.deepEqual(
      [...totals.text.matchAll(counts)].map(([, route, count]) => `${route} ${count}`),
      ["/outer 1"],
    );
  });

  test("sends its metrics where the outer withTelemetry says", async () => {
    const other = new QueueDouble();
    const optionsFor = (to: QueueDouble) => () => ({
      metrics: { queue: to as never, flushIntervalMs: 100 },
    });
    const fetch = async () => {
      visits.add(1, { test: "wrapped twice" });
      return new Response();
    };
    const both = withTelemetry(withTelemetry({ fetch }, optionsFor(other)), optionsFor(queue));
    for (let i = 0; i < 2; i += 1) {
      await (both as unknown as Handlers)["fetch"]?.(request(), {}, ctx);
      await sleep(110);
    }
    for (let i = 0; i < ctx.works.length; i += 1) await ctx.works[i];
    const totals = await collect();
    assert.equal(totals.sample('visits_total{test="wrapped twice"}'), 2);
    assert.equal(other.calls.length, 0);
  });

  test("runs methods and handlers of a class in the outer withTelemetry, then in the inner one", async () => {
    const asked: string[] = [];
    class Room {
      readonly alarm = async (): Promise<string> => "rang";
      async visit(): Promise<string> {
        return `visited, ${await this.alarm()}`;
      }
    }
    const inner = withTelemetry(Room, asking(asked, "inner"));
    const Both = withTelemetry(inner, asking(asked, "outer")) as unknown as new (
      ...args: unknown[]
    ) => Room;
    assert.equal(await new Both(ctx, {}).visit(), "visited, rang");
    assert.deepEqual(asked.splice(0), ["outer", "inner"]);
    assert.equal(await new Both(ctx, {}).alarm(), "rang");
    assert.deepEqual(asked, ["outer", "inner"]);
  });

  test("has one span for each step of a Workflow", () => {
    const once = tracedSteps({ do: (_name: string, run: () => unknown) => run() });
    assert.equal(tracedSteps(once), once);
  });
});

describe("a batch whose messages cannot be read", () => {
  for (const [what, batch] of Object.entries({
    "is missing": undefined,
    "has no messages": {},
    "has a body that throws": {
      messages: [
        {
          get body(): never {
            throw new Error("s3cret");
          },
        },
      ],
    },
    "has a frozen message with context": {
      messages: [Object.freeze({ body: { "isotel.context": {}, body: 1 } })],
    },
  })) {
    test(`reaches its handler as it is: it ${what}`, (context) => {
      const errors = errorsOf(context);
      const seen: unknown[] = [];
      const { queue } = withTelemetry({ queue: (given: unknown) => void seen.push(given) });
      queue(batch);
      assert.deepEqual(seen, [batch]);
      assert.doesNotMatch(errors().join(), /s3cret/);
    });
  }
});
