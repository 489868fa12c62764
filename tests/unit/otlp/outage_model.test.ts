import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { describe, mock, test } from "node:test";
import type { Destination } from "../../../bindings/otlp/backends/backend.ts";
import { Circuit } from "../../../bindings/otlp/exporter/circuit.ts";
import { send } from "../../../bindings/otlp/exporter/sender.ts";
import { SignalExporter } from "../../../bindings/otlp/exporter/signal_exporter.ts";
import { startReceiver } from "../../otlp_receiver/receiver.ts";
import { Random } from "../../wasm/support/random.ts";

const schedules = Number(process.env["ISOTEL_OUTAGE_SCHEDULES"] ?? 1_000);

/** What a backend does with a request. `lost` takes it and breaks the connection off. */
type Answer =
  | { readonly status: number; readonly retryAfter?: number; readonly rejected?: number }
  | "hang"
  | "reset"
  | "lost";

/** A run of a handler. When it is ended, none of its code runs any more. */
interface Invocation {
  isEnded: boolean;
  isSettled: boolean;
  readonly deadlineUnixMs: number;
}

const invocations = new AsyncLocalStorage<Invocation>();
const never = new Promise<never>(() => {});

/** `fetch` and timers of one schedule. Time is that of the mocked timers. */
class World {
  readonly random: Random;
  readonly taken = new Map<number, number>();
  /** Items that were in a request without an answer that the exporter saw. */
  readonly mayRepeat = new Set<number>();
  answer: () => Answer = () => ({ status: 200 });
  latencyMs: () => number = () => 1;
  requests = 0;
  /** What the exporter must not do. An error that `fetch` throws would be a broken connection. */
  readonly faults: string[] = [];
  readonly #open = new Set<{ readonly sinceUnixMs: number; readonly untilUnixMs: number }>();
  #failures = 0;
  #notBeforeUnixMs = 0;
  /** Time of the last failure. The exporter may start a request in the same millisecond, before it sees the failure. */
  #failedUnixMs = 0;
  #epoch = 0;
  #probeUntilUnixMs = 0;

  constructor(random: Random) {
    this.random = random;
  }

  readonly sleep = (ms: number): Promise<void> => {
    const invocation = invocations.getStore();
    return new Promise((resolve) => setTimeout(() => invocation?.isEnded || resolve(), ms));
  };

  readonly fetch = async (_url: string, init: RequestInit): Promise<Response> => {
    const invocation = invocations.getStore();
    const { signal } = init;
    const items = [...new Uint16Array((init.body as Uint8Array<ArrayBuffer>).buffer)];
    const epoch = this.#epoch;
    const untilUnixMs = (invocation?.deadlineUnixMs ?? 0) + 5_000;
    this.#check(untilUnixMs);
    this.requests += 1;
    const request = { sinceUnixMs: Date.now(), untilUnixMs };
    this.#open.add(request);
    const answer = this.answer();
    const take = (rejected = 0) => {
      for (const item of items.slice(rejected)) {
        this.taken.set(item, (this.taken.get(item) ?? 0) + 1);
      }
    };
    const isAborted = await new Promise<boolean>((resolve) => {
      signal?.addEventListener("abort", () => resolve(true));
      if (answer !== "hang") setTimeout(() => resolve(false), this.latencyMs());
    });
    // A backend takes what it was sent, whether or not somebody still waits for its answer.
    if (answer === "lost" || (typeof answer === "object" && answer.status === 200)) {
      take(answer === "lost" ? 0 : answer.rejected);
    }
    if (invocation?.isEnded || isAborted || answer === "lost") {
      for (const item of items) this.mayRepeat.add(item);
    }
    if (invocation?.isEnded) return never;
    this.#open.delete(request);
    if (isAborted || typeof answer === "string") {
      this.#failed(epoch, 0);
      throw new TypeError("fetch failed");
    }
    const { status, retryAfter = 0, rejected } = answer;
    if (status === 429 || status === 503) this.#failed(epoch, retryAfter * 1_000);
    else this.#answered(epoch);
    const headers = { "retry-after": String(retryAfter), "content-type": "application/json" };
    const body = rejected === undefined ? null : `{"partialSuccess":{"rejectedSpans":${rejected}}}`;
    return new Response(body, { status, headers });
  };

  /** The rules of the back-off, written down a second time. */
  #check(leaseUnixMs: number): void {
    const now = Date.now();
    if (this.#failures === 0) {
      const isSlow = [...this.#open].some(
        ({ sinceUnixMs, untilUnixMs }) => now - sinceUnixMs > 1_000 && now <= untilUnixMs,
      );
      if (isSlow) this.faults.push("a request beside a slow one");
      return;
    }
    if (now < this.#notBeforeUnixMs && now > this.#failedUnixMs)
      this.faults.push("a request while the circuit is open");
    if (now <= this.#probeUntilUnixMs) this.faults.push("a second probe");
    this.#probeUntilUnixMs = leaseUnixMs;
  }

  #answered(epoch: number): void {
    if (epoch !== this.#epoch || this.#failures === 0) return;
    this.#failures = 0;
    this.#epoch += 1;
    this.#probeUntilUnixMs = 0;
  }

  #failed(epoch: number, askedMs: number): void {
    let waitMs = askedMs;
    if (epoch === this.#epoch) {
      if (this.#failures > 0) this.#probeUntilUnixMs = 0;
      this.#failures += 1;
      this.#epoch += 1;
      waitMs = Math.max(waitMs, Math.min(1_000 * 2 ** (this.#failures - 1), 60_000) / 2);
    }
    this.#failedUnixMs = Date.now();
    this.#notBeforeUnixMs = Math.max(this.#notBeforeUnixMs, Date.now() + waitMs);
  }
}

const destination: Destination = {
  ...{ url: "https://otel.example/v1/traces", headers: {}, format: "protobuf" },
  ...{ compression: "none", timeoutMs: 10_000, maxBytes: 60 },
};

function exporterIn(world: World): SignalExporter<number> {
  return new SignalExporter<number>(
    {
      backend: "custom",
      signal: "traces",
      destination: { ...destination, timeoutMs: world.random.pick([500, 3_000, 10_000]) },
      circuit: new Circuit(),
      encode: (items) => {
        if (items.some((item) => item % 97 === 96)) throw new Error("a getter");
        return new Uint8Array(Uint16Array.from(items).buffer);
      },
      maxQueued: world.random.pick([20, 200, 2_000]),
    },
    {
      clock: Date.now,
      fetch: world.fetch,
      sleep: world.sleep,
      random: () => world.random.below(100) / 100,
    },
  );
}

const modes: readonly ((random: Random) => Answer)[] = [
  () => ({ status: 200 }),
  () => ({ status: 503 }),
  () => ({ status: 429, retryAfter: 20 }),
  () => "hang",
  () => "reset",
  () => "lost",
  (random) => ({ status: random.pick([200, 200, 503]) }),
  (random) => random.pick<Answer>([{ status: 200 }, "hang", "reset", "lost", { status: 400 }]),
  () => ({ status: 200, rejected: 1 }),
  () => ({ status: 401 }),
];

const turnOfLoop = () => new Promise<void>((resolve) => setImmediate(resolve));

function countsOf(exporter: SignalExporter<number>) {
  const counts = exporter.counts();
  const dropped = Object.values(counts.dropped).reduce((sum, count) => sum + count, 0);
  const { made, accepted, queued, sending } = counts;
  assert.equal(made, accepted + dropped + queued + sending);
  return { ...counts, all: dropped };
}

/** Runs one schedule. Returns the number of its requests. */
async function play(seed: number): Promise<number> {
  const random = new Random(seed);
  const world = new World(random);
  const exporter = exporterIn(world);
  const open: Invocation[] = [];
  let made = 0;
  const invoke = (items: number, holdMs: number) => {
    for (let i = 0; i < items; i += 1) exporter.add(made++, 1);
    const invocation: Invocation = {
      isEnded: false,
      isSettled: false,
      deadlineUnixMs: Date.now() + holdMs,
    };
    open.push(invocation);
    void invocations.run(invocation, async () => {
      await exporter.flush(invocation.deadlineUnixMs);
      invocation.isSettled = true;
    });
  };
  const pass = async (ms: number, stepMs = 1_000) => {
    const end = Date.now() + ms;
    for (;;) {
      const step = Math.min(end - Date.now(), 50 + random.below(stepMs));
      if (step <= 0) break;
      mock.timers.tick(step);
      await turnOfLoop();
      countsOf(exporter);
      for (const { isEnded, isSettled, deadlineUnixMs } of open) {
        assert.ok(
          isEnded || isSettled || Date.now() <= deadlineUnixMs + 50 + stepMs,
          "held for too long",
        );
      }
    }
  };
  const holdMs = random.pick([300, 1_000, 5_000, 25_000]);
  for (let phase = 0; phase < 6; phase += 1) {
    const mode = random.pick(modes);
    const slowestMs = random.pick([10, 300, 4_000]);
    world.answer = () => mode(random);
    world.latencyMs = () => 1 + random.below(slowestMs);
    for (let i = random.below(6); i >= 0; i -= 1) {
      invoke(random.below(60), holdMs);
      await turnOfLoop();
      if (random.once(6)) random.pick(open).isEnded = true;
      await pass(random.below(random.pick([100, 2_000, 30_000])));
    }
  }
  world.answer = () => ({ status: 200 });
  world.latencyMs = () => 1;
  for (let i = 0; i < 40 && countsOf(exporter).queued + countsOf(exporter).sending > 0; i += 1) {
    await pass(30_000, 4_000);
    invoke(0, holdMs);
    await turnOfLoop();
    await pass(100);
  }
  assert.deepEqual(world.faults, []);
  const counts = countsOf(exporter);
  assert.deepEqual([counts.made, counts.queued, counts.sending], [made, 0, 0]);
  assert.equal(open.filter(({ isEnded, isSettled }) => !isEnded && !isSettled).length, 0);
  let missing = 0;
  for (let item = 0; item < made; item += 1) {
    const taken = world.taken.get(item) ?? 0;
    if (taken === 0) missing += 1;
    assert.ok(taken <= 1 || world.mayRepeat.has(item), `item ${item} arrived ${taken} times`);
  }
  assert.ok(missing <= counts.all, `${missing} are missing, ${counts.all} are counted`);
  return world.requests;
}

describe("a model of outages", () => {
  test(`${schedules} schedules: what was made is accounted for, and the back-off is kept`, async (t) => {
    t.mock.method(console, "error", () => {});
    mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_700_000_000_000 });
    try {
      let requests = 0;
      for (let seed = 1; seed <= schedules; seed += 1) {
        try {
          requests += await play(seed);
        } catch (cause) {
          throw new Error(`seed ${seed}: ${(cause as Error).message}`, { cause });
        }
      }
      assert.ok(requests > schedules);
    } finally {
      mock.timers.reset();
    }
  });

  test("the model's fetch ends as one to a real server does", async () => {
    const receiver = await startReceiver();
    const answers: readonly (readonly [Answer, object])[] = [
      [{ status: 200 }, {}],
      [
        { status: 200, rejected: 1 },
        {
          headers: { "content-type": "application/json" },
          body: '{"partialSuccess":{"rejectedSpans":1}}',
        },
      ],
      [{ status: 401 }, { status: 401 }],
      [{ status: 503 }, { status: 503 }],
      [
        { status: 429, retryAfter: 20 },
        { status: 429, headers: { "retry-after": "20" } },
      ],
      ["hang", { hangs: true }],
      ["reset", { resets: true }],
    ];
    try {
      for (const [answer, step] of answers) {
        const world = new World(new Random(1));
        world.answer = () => answer;
        receiver.script.push(step);
        const outcomeOf = (url: string, fetchOf: typeof world.fetch) =>
          send({ ...destination, url, timeoutMs: 200 }, new Uint8Array(4), Date.now() + 5_000, {
            clock: Date.now,
            fetch: fetchOf,
            sleep: world.sleep,
            random: Math.random,
          });
        assert.deepEqual(
          await outcomeOf("https://otel.example/", world.fetch),
          await outcomeOf(`${receiver.url}/v1/traces`, fetch),
          JSON.stringify(answer),
        );
      }
    } finally {
      await receiver.close();
    }
  });
});
