import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { describe, test } from "node:test";
import { defineMetricsIn } from "../../../bindings/metrics/define_metrics.ts";
import { counter, gauge } from "../../../bindings/metrics/definitions.ts";
import { Flusher } from "../../../bindings/metrics/flusher.ts";
import type { Frame } from "../../../bindings/metrics/outbox.ts";
import { SelfMetrics } from "../../../bindings/metrics/self_metrics.ts";
import { queueTransport } from "../../../bindings/metrics/transport.ts";
import { currentScope, withInvocationScope } from "../../../bindings/trace/invocation_scope.ts";
import { Random } from "../../wasm/support/random.ts";
import { type ManualTime, metering, settle, Totals } from "../support/metering.ts";
import { bytesOfBodies, QueueDouble } from "../support/runtime_doubles.ts";

const intervalMs = 10_000;

/** One send, which ends as the test says. */
interface Send {
  readonly atMs: number;
  readonly frames: readonly Frame[];
  /** Tells that one frame arrived. */
  readonly delivered: (frame: Frame) => void;
  readonly resolve: () => void;
  readonly reject: () => void;
}

interface Flushing {
  /** The outcome of each send. Default: it arrives at once. */
  readonly how?: "at once" | "by hand" | "refused";
  /** What becomes of an invocation that the isolate starts. Default: it waits. */
  readonly start?: (wait: () => boolean) => Promise<unknown>;
}

function flushing({ how = "at once", start = async (wait) => wait() }: Flushing = {}) {
  const own = metering();
  const { meter, time } = own;
  const metrics = defineMetricsIn(meter, {
    orders: counter("orders", { labels: ["plan"] }),
    load: gauge("load"),
  });
  const sends: Send[] = [];
  const state: { how: Flushing["how"] } = { how };
  const totals = new Totals();
  const send = (frames: readonly Frame[], delivered: (frame: Frame) => void): Promise<void> =>
    new Promise((settled, failed) => {
      const resolve = () => {
        totals.apply(frames);
        frames.forEach(delivered);
        settled();
      };
      const reject = () => failed(new Error("no queue at https://u:SECRET@q.example/"));
      sends.push({ atMs: time.nowMs, frames, delivered, resolve, reject });
      if (state.how === "at once") resolve();
      if (state.how === "refused") reject();
    });
  const holding: Promise<unknown>[] = [];
  const waiting: Promise<unknown>[] = [];
  let started = 0;
  const selfMetrics = new SelfMetrics(meter, () => ({}));
  const flusher: Flusher = new Flusher(meter, selfMetrics, {
    waitUntil: (work) => void holding.push(work),
    sleep: time.sleep,
    // As in a Worker, where the scope of an invocation is not visible to its flushes.
    outsideSpans: AsyncLocalStorage.snapshot(),
    startInvocation: (token) => {
      started += 1;
      return start(() => flusher.flushLater(token, (work) => void waiting.push(work)));
    },
  });
  flusher.use({ transport: { send }, intervalMs });
  const startMs = time.nowMs;
  return {
    ...own,
    ...metrics,
    totals,
    sends,
    state,
    /** What extends the invocations of users. */
    holding,
    /** What extends the invocations that exist for nothing else. */
    waiting,
    started: () => started,
    flusher,
    selfMetrics,
    /** When sends were begun, in milliseconds since the start. */
    sendTimes: () => sends.map(({ atMs }) => atMs - startMs),
    /** An invocation that counts once and ends. Returns what keeps it alive. */
    invoke(
      body: () => void = () => metrics.orders.add(1, { plan: "pro" }),
      waits: "always" | "rarely" | "never" = "rarely",
    ): Promise<unknown> {
      const before = holding.length;
      withInvocationScope(() => {
        const scope = currentScope();
        if (scope !== undefined) flusher.beginInvocation(scope);
        body();
        flusher.endInvocation({ scope, waits });
      });
      return Promise.all(holding.slice(before));
    },
    orderCount: () => totals.sample('orders_total{plan="pro"}'),
  };
}

describe("a flush", () => {
  test("is made at the end of an invocation when the interval has passed", async () => {
    const { invoke, time, sendTimes, orderCount } = flushing();
    invoke();
    assert.deepEqual(sendTimes(), [], "not before the response");
    await time.advance(0);
    assert.deepEqual(sendTimes(), [0]);
    await time.advance(60_000);
    invoke();
    await time.advance(0);
    assert.deepEqual(sendTimes(), [0, 60_000]);
    assert.equal(orderCount(), 2);
    assert.equal(time.sleepers, 0);
  });

  test("is made once per interval, however many invocations there are", async () => {
    const { invoke, time, sendTimes, orderCount, sends } = flushing();
    for (let i = 0; i < 300; i += 1) {
      invoke();
      await time.advance(100);
    }
    await time.advance(intervalMs);
    assert.deepEqual(sendTimes(), [0, 10_000, 20_000, 30_000]);
    assert.equal(orderCount(), 300);
    assert.ok(sends.every(({ frames }) => frames.length === 1));
    assert.equal(time.sleepers, 0, "nobody is kept alive for nothing");
  });

  test("of the tail is made although no other invocation comes", async () => {
    const { invoke, time, sendTimes, orderCount, holding } = flushing();
    invoke();
    await time.advance(3000);
    invoke();
    await time.advance(intervalMs);
    assert.deepEqual(sendTimes(), [0, intervalMs]);
    assert.equal(orderCount(), 2);
    await Promise.all(holding);
  });

  test("is not made while there is nothing to send", async () => {
    const { invoke, time, sends, holding } = flushing();
    invoke(() => {});
    await time.advance(intervalMs);
    assert.equal(sends.length, 0);
    assert.equal(holding.length, 0);
  });

  test("is made for what was left out alone, so that it is seen", async () => {
    const { orders, invoke, time, totals } = flushing();
    invoke(() => orders.add(-1, { plan: "pro" }));
    await time.advance(0);
    const dropped = (reason: string) =>
      totals.sample(`isotel_metrics_records_dropped_total{reason="${reason}"}`);
    assert.equal(dropped("value"), 1);
    invoke(() => orders.add(1, {} as never));
    await time.advance(intervalMs);
    assert.deepEqual([dropped("value"), dropped("label")], [1, 1]);
    assert.equal(time.sleepers, 0);
  });

  test("of a long invocation does not wait for its end", async () => {
    const { orders, flusher, time, sendTimes } = flushing();
    withInvocationScope(() => orders.add(1, { plan: "pro" }));
    await time.advance(5000);
    orders.add(1, { plan: "pro" });
    await time.advance(20_000);
    assert.deepEqual(sendTimes(), [intervalMs]);
    orders.add(1, { plan: "pro" });
    await time.advance(intervalMs);
    assert.deepEqual(sendTimes(), [intervalMs, 25_000 + intervalMs]);
    flusher.endInvocation({ waits: "rarely" });
    assert.equal(time.sleepers, 0);
  });

  test("at the end of an invocation lets go of the timer it had set itself", async () => {
    const { invoke, time, holding, sendTimes } = flushing();
    invoke();
    assert.equal(holding.length, 2, "one from the first record, one from the end");
    await time.advance(0);
    await Promise.all(holding);
    assert.deepEqual(sendTimes(), [0]);
  });

  test("at the end of an invocation makes the timer of another do nothing", async () => {
    const { invoke, orders, time, sendTimes, orderCount } = flushing();
    withInvocationScope(() => orders.add(1, { plan: "pro" }));
    await time.advance(1000);
    invoke();
    await time.advance(30_000);
    assert.deepEqual(sendTimes(), [1000]);
    assert.equal(orderCount(), 2);
  });

  test("two invocations that end at once make one", async () => {
    const { invoke, time, sendTimes } = flushing();
    invoke();
    invoke();
    await time.advance(intervalMs - 1);
    assert.deepEqual(sendTimes(), [0]);
  });

  test("is left to the next invocation by a timer that died with its own", async () => {
    const { invoke, orders, time, sendTimes, orderCount } = flushing();
    invoke();
    await time.advance(1000);
    withInvocationScope(() => orders.add(1, { plan: "pro" }));
    time.forgetSleepers();
    await time.advance(intervalMs + 3000);
    assert.deepEqual(sendTimes(), [0]);
    invoke();
    await time.advance(0);
    assert.deepEqual(sendTimes(), [0, 14_000]);
    assert.equal(orderCount(), 3);
  });

  test("is tried where the runtime has no waitUntil of its own through that of the invocation", async () => {
    const own = metering();
    const { visits } = defineMetricsIn(own.meter, { visits: counter("visits") });
    const flusher = new Flusher(own.meter, new SelfMetrics(own.meter, () => ({})), {
      waitUntil: undefined,
      sleep: own.time.sleep,
    });
    const totals = new Totals();
    const transport = {
      async send(frames: readonly Frame[], delivered: (frame: Frame) => void) {
        totals.apply(frames);
        frames.forEach(delivered);
      },
    };
    flusher.use({ transport, intervalMs });
    const works: Promise<unknown>[] = [];
    for (let i = 0; i < 3; i += 1) {
      visits.add();
      visits.add();
      flusher.endInvocation({
        waitUntil: (work) => void works.push(work),
        waits: "always",
      });
      await own.time.advance(0);
    }
    await own.time.advance(intervalMs);
    assert.equal(works.length, 2);
    assert.equal(totals.sample("visits_total"), 6);
  });

  test("outside of any invocation waits for one, and a record does not throw", async () => {
    const own = metering();
    const { visits } = defineMetricsIn(own.meter, { visits: counter("visits") });
    let isInside = false;
    const sent: Frame[] = [];
    const flusher = new Flusher(own.meter, new SelfMetrics(own.meter, () => ({})), {
      waitUntil: () => {
        if (!isInside) throw new Error("no invocation");
      },
      sleep: own.time.sleep,
    });
    const transport = {
      async send(frames: readonly Frame[], delivered: (frame: Frame) => void) {
        sent.push(...frames);
        frames.forEach(delivered);
      },
    };
    flusher.use({ transport, intervalMs });
    visits.add();
    assert.equal(own.time.sleepers, 0);
    isInside = true;
    flusher.endInvocation({ waits: "rarely" });
    await own.time.advance(0);
    assert.equal(sent.length, 1);
  });

  test("without anywhere to send leaves everything in the core, which adds it up", async () => {
    const { meter, time } = metering();
    const { visits } = defineMetricsIn(meter, { visits: counter("visits") });
    const flusher = new Flusher(meter, new SelfMetrics(meter, () => ({})), {
      waitUntil: () => assert.fail("there is nothing to wait for"),
      sleep: time.sleep,
    });
    for (let i = 0; i < 10; i += 1) visits.add();
    flusher.endInvocation({ waits: "rarely" });
    assert.equal(meter.outbox.size, 0);
    assert.equal(meter.isDirty, true);
  });
});

/** Whether a promise settles without time passing. Sleeps of 0 ms end. */
async function isSettled(promise: Promise<unknown>, time?: ManualTime): Promise<boolean> {
  await time?.advance(0);
  let settled = false;
  const note = () => {
    settled = true;
  };
  promise.then(note, note);
  await settle();
  return settled;
}

describe("an invocation that ends before the interval has passed", () => {
  test("does not wait: an invocation that the isolate starts does", async () => {
    const { invoke, time, sendTimes, orderCount, started, waiting } = flushing();
    invoke();
    await time.advance(3000);
    assert.equal(await isSettled(invoke()), true);
    assert.equal(started(), 1);
    assert.equal(waiting.length, 1);
    await time.advance(intervalMs);
    assert.deepEqual(sendTimes(), [0, intervalMs]);
    assert.equal(orderCount(), 2);
    assert.equal(await isSettled(Promise.all(waiting)), true);
    assert.equal(time.sleepers, 0);
  });

  test("starts no other one while one waits", async () => {
    const { invoke, time, started } = flushing();
    for (let i = 0; i < 50; i += 1) {
      assert.equal(await isSettled(invoke(), time), true);
      await time.advance(100);
    }
    assert.equal(started(), 1);
  });

  test("does not wait either if it recorded while it ran", async () => {
    const { invoke, orders, time, started, orderCount } = flushing();
    invoke();
    await time.advance(1000);
    const own = invoke(() => {
      orders.add(1, { plan: "pro" });
      assert.equal(started(), 0, "it flushes itself while it runs");
    });
    assert.equal(await isSettled(own), true);
    assert.equal(started(), 1);
    await time.advance(intervalMs);
    assert.equal(orderCount(), 2);
  });

  test("does not wait for the repetition of a send that failed while it ran", async () => {
    const { flusher, orders, time, holding, started, state, orderCount } = flushing({
      how: "refused",
    });
    const scope = withInvocationScope(() => {
      const own = currentScope();
      if (own !== undefined) flusher.beginInvocation(own);
      orders.add(1, { plan: "pro" });
      return own;
    });
    await time.advance(intervalMs + 2000);
    assert.equal(started(), 0, "it repeats the send itself while it runs");
    flusher.endInvocation({ scope, waits: "rarely" });
    assert.equal(await isSettled(Promise.all(holding), time), true);
    assert.equal(started(), 1);
    state.how = "at once";
    await time.advance(intervalMs);
    assert.equal(orderCount(), 1);
  });

  test("starts none for its last record, which its own flush sends", async () => {
    const { flusher, orders, time, started, orderCount } = flushing();
    const record = () => orders.add(1, { plan: "pro" });
    flusher.endInvocation({ waits: "rarely", record });
    await time.advance(0);
    assert.equal(orderCount(), 1);
    assert.equal(started(), 0);
    flusher.endInvocation({ waits: "rarely", record });
    assert.equal(started(), 1);
    await time.advance(intervalMs);
    assert.equal(orderCount(), 2);
    assert.equal(started(), 1);
  });

  test("leaves what is recorded after its end to one that the isolate starts", async () => {
    const { invoke, orders, time, started, holding, orderCount } = flushing();
    invoke();
    await time.advance(1000);
    orders.add(1, { plan: "pro" });
    assert.equal(await isSettled(Promise.all(holding)), true);
    assert.equal(started(), 1);
    await time.advance(intervalMs);
    assert.equal(orderCount(), 2);
  });

  test("leaves what a send in progress does not contain to one that the isolate starts", async () => {
    const { invoke, time, state, sends, started, orderCount } = flushing({ how: "by hand" });
    const first = invoke();
    await time.advance(0);
    invoke();
    await time.advance(20);
    state.how = "at once";
    sends[0]?.resolve();
    assert.equal(await isSettled(first), true);
    assert.equal(started(), 1);
    await time.advance(intervalMs);
    assert.equal(orderCount(), 2);
  });

  test("keeps what could not be sent for one that the isolate starts", async () => {
    const { invoke, time, state, started, sendTimes, orderCount } = flushing({ how: "refused" });
    const first = invoke();
    await time.advance(0);
    assert.equal(await isSettled(first), true);
    assert.equal(started(), 1);
    state.how = "at once";
    await time.advance(intervalMs);
    assert.deepEqual(sendTimes(), [0, intervalMs]);
    assert.equal(orderCount(), 1);
  });
});

describe("an isolate that cannot start an invocation", () => {
  const failures = {
    "the default export is not wrapped": () => Promise.reject(new TypeError("no such method")),
    "it starts in another isolate": () => Promise.resolve(false),
    "there is no default export": () => {
      throw new TypeError("undefined is not a function");
    },
  };
  for (const [why, start] of Object.entries(failures)) {
    test(`sends at the end of each invocation: ${why}`, async () => {
      const { invoke, time, sendTimes, orderCount, started } = flushing({ start });
      for (let i = 0; i < 10; i += 1) {
        assert.equal(await isSettled(invoke(), time), true);
        await time.advance(1000);
      }
      assert.deepEqual(sendTimes(), [0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000]);
      assert.equal(orderCount(), 10);
      assert.equal(started(), why.includes("isolate") ? 3 : 1, "it does not ask for ever");
      assert.equal(time.sleepers, 0);
    });
  }

  test("lets one of 300 invocations wait", async () => {
    const { invoke, time, orderCount } = flushing({
      start: failures["it starts in another isolate"],
    });
    const waits: number[] = [];
    for (let i = 0; i < 1200; i += 1) {
      const beginMs = time.nowMs;
      void invoke().then(() => {
        if (time.nowMs - beginMs > 100) waits.push(time.nowMs - beginMs);
      });
      await time.advance(50);
    }
    await time.advance(intervalMs);
    assert.equal(orderCount(), 1200);
    assert.ok(waits.length >= 2 && waits.length <= 4, String(waits));
  });

  test("lets no Durable Object wait", async () => {
    const { invoke, time, orderCount, state } = flushing({
      start: failures["it starts in another isolate"],
    });
    for (let i = 0; i < 700; i += 1) {
      if (i === 650) state.how = "refused";
      const own = invoke(undefined, "never");
      await time.advance(0);
      assert.equal(await isSettled(own), true);
      await time.advance(10);
    }
    state.how = "at once";
    void invoke(undefined, "never");
    await time.advance(0);
    assert.equal(orderCount(), 701);
    assert.equal(time.sleepers, 0);
  });

  test("sends at once what a send in progress did not contain, and what is recorded after the end", async () => {
    const { invoke, orders, time, state, sends, orderCount } = flushing({
      how: "by hand",
      start: failures["there is no default export"],
    });
    invoke();
    await time.advance(0);
    invoke();
    await time.advance(0);
    state.how = "at once";
    sends[0]?.resolve();
    await time.advance(100);
    assert.equal(orderCount(), 2);
    orders.add(1, { plan: "pro" });
    await time.advance(100);
    assert.equal(orderCount(), 3);
  });

  test("leaves a failed send of a Durable Object to its next invocation, which sends at once", async () => {
    const { invoke, time, state, orderCount } = flushing({
      how: "refused",
      start: failures["there is no default export"],
    });
    invoke(undefined, "never");
    await time.advance(0);
    state.how = "at once";
    await time.advance(1000);
    invoke(undefined, "never");
    await time.advance(0);
    assert.equal(orderCount(), 2);
  });

  test("does not wait long for an answer", async () => {
    const { invoke, time, orderCount } = flushing({ start: () => new Promise(() => {}) });
    invoke();
    await time.advance(100);
    const own = invoke();
    await time.advance(1000);
    assert.equal(await isSettled(own), true);
    assert.equal(orderCount(), 2);
  });
});

describe("an invocation that exists to wait", () => {
  test("does so only in the isolate that started it", async () => {
    const { flusher, time, orders } = flushing();
    assert.equal(
      flusher.flushLater(undefined, () => assert.fail()),
      false,
    );
    orders.add(1, { plan: "pro" });
    await time.advance(0);
    for (const token of ["", "undefined", crypto.randomUUID()]) {
      assert.equal(
        flusher.flushLater(token, () => assert.fail()),
        false,
      );
    }
  });
});

describe("an invocation that the isolate starts", () => {
  test("does not wait while another one does", async () => {
    const answers: unknown[] = [];
    const { invoke, time, waiting, orderCount } = flushing({
      // The runtime may deliver a call twice.
      start: async (wait) => {
        answers.push(wait(), wait());
        return answers[0];
      },
    });
    invoke();
    await time.advance(0);
    invoke();
    await time.advance(0);
    assert.deepEqual(answers, [true, true]);
    assert.equal(waiting.length, 1);
    await time.advance(intervalMs);
    assert.equal(orderCount(), 2);
  });

  test("takes the place of one that has not answered", async () => {
    let calls = 0;
    const { invoke, time, sendTimes, orderCount } = flushing({
      start: async (wait) => {
        calls += 1;
        return calls === 1 ? new Promise(() => {}) : wait();
      },
    });
    invoke();
    await time.advance(intervalMs - 500);
    invoke();
    await time.advance(500);
    // The first call gets no answer. In the meantime this invocation has sent, and the next one has started another.
    invoke();
    await time.advance(100);
    invoke();
    await time.advance(intervalMs);
    assert.deepEqual(sendTimes(), [0, intervalMs, 2 * intervalMs]);
    assert.equal(orderCount(), 4);
  });
});

describe("an invocation that begins", () => {
  test("inside another one leaves the flush to that one", () => {
    const { flusher } = flushing();
    const began = withInvocationScope(() => {
      const scope = currentScope();
      assert.ok(scope !== undefined);
      return [flusher.beginInvocation(scope), flusher.beginInvocation(scope)];
    });
    assert.deepEqual(began, [true, false]);
  });
});

describe("flush()", () => {
  test("sends what was recorded so far, whenever the last flush was", async () => {
    const { invoke, time, flusher, orders, orderCount, sendTimes } = flushing();
    invoke();
    await time.advance(1000);
    orders.add(1, { plan: "pro" });
    assert.equal(await flusher.flush(), true);
    assert.equal(orderCount(), 2);
    await time.advance(2 * intervalMs);
    assert.deepEqual(sendTimes(), [0, 1000]);
    assert.equal(await flusher.flush(), true, "nothing is left to do");
    assert.equal(sendTimes().length, 2);
  });

  test("waits for the send of another invocation and sends the rest", async () => {
    const { invoke, time, flusher, orders, sends, state, orderCount } = flushing({
      how: "by hand",
    });
    invoke();
    await time.advance(0);
    orders.add(1, { plan: "pro" });
    const flushed = flusher.flush();
    await time.advance(500);
    assert.equal(await isSettled(flushed), false);
    state.how = "at once";
    sends[0]?.resolve();
    await time.advance(500);
    assert.equal(await flushed, true);
    assert.equal(orderCount(), 2);
  });

  test("resolves to false if the data has not arrived", async () => {
    const { flusher, orders, state, orderCount } = flushing({ how: "refused" });
    orders.add(1, { plan: "pro" });
    assert.equal(await flusher.flush(), false);
    state.how = "at once";
    assert.equal(await flusher.flush(), true);
    assert.equal(orderCount(), 1);
  });

  test("sends more than waits at once", async () => {
    const { flusher, orders, state, meter, totals } = flushing({ how: "refused" });
    for (let round = 0; round < 20; round += 1) {
      for (let i = 0; i < 800; i += 1) orders.add(1, { plan: String(i).padEnd(300, "p") });
      assert.equal(await flusher.flush(), false);
    }
    assert.equal(meter.outbox.isFull, true);
    state.how = "at once";
    assert.equal(await flusher.flush(), true);
    assert.equal(totals.sample(`orders_total{plan="${"7".padEnd(300, "p")}"}`), 20);
  });
});

describe("a send that fails", () => {
  test("keeps the frame as it is and is repeated by the same invocation", async () => {
    const { invoke, time, sends, state, orderCount, totals } = flushing({ how: "refused" });
    invoke();
    await time.advance(0);
    state.how = "at once";
    await time.advance(intervalMs);
    assert.equal(sends.length, 2);
    assert.equal(sends[0]?.frames[0], sends[1]?.frames[0]);
    assert.equal(orderCount(), 1);
    assert.deepEqual(totals.results, [0]);
  });

  test("is warned of once, without secrets of addresses", async () => {
    const { invoke, time, warnings } = flushing({ how: "refused" });
    invoke();
    await time.advance(intervalMs);
    assert.deepEqual(warnings, [
      "isotel: metrics could not be sent; they are kept and sent again " +
        "(Error: no queue at https://REDACTED:REDACTED@q.example/)",
    ]);
  });

  test("is repeated for no longer than an invocation may go on, and by the next one then", async () => {
    const { invoke, time, sendTimes, state, orderCount, holding } = flushing({ how: "refused" });
    invoke();
    await time.advance(300_000);
    assert.deepEqual(sendTimes(), [0, 10_000, 20_000]);
    assert.equal(time.sleepers, 0);
    await Promise.all(holding);
    state.how = "at once";
    invoke(() => {});
    await time.advance(0);
    assert.equal(orderCount(), 1);
  });

  test("holds up nothing: what is recorded meanwhile goes with it, in frames of its own", async () => {
    const { invoke, time, sends, state, orderCount, totals } = flushing({ how: "refused" });
    invoke();
    await time.advance(5000);
    invoke();
    state.how = "at once";
    await time.advance(intervalMs);
    assert.equal(sends.at(-1)?.frames.length, 2);
    assert.equal(orderCount(), 2);
    assert.deepEqual(totals.results, [0, 0]);
  });

  test("part of the way repeats only the rest", async () => {
    const { invoke, time, sends, state, meter, orderCount, totals } = flushing({ how: "by hand" });
    invoke();
    meter.flush(false);
    invoke();
    await time.advance(0);
    const [first] = sends;
    const [arrived] = first?.frames ?? [];
    assert.ok(first !== undefined && arrived !== undefined);
    totals.apply([arrived]);
    first.delivered(arrived);
    first.reject();
    state.how = "at once";
    await time.advance(intervalMs);
    assert.equal(sends[1]?.frames.includes(arrived), false);
    assert.equal(orderCount(), 2);
    assert.ok(totals.results.every((result) => result === 0));
  });

  test("is counted, as is one that succeeds", async () => {
    const { invoke, time, state, selfMetrics } = flushing({ how: "refused" });
    invoke();
    await time.advance(0);
    state.how = "at once";
    await time.advance(intervalMs);
    const { flushes_ok, flushes_error, flushes_timeout } = selfMetrics.totals();
    assert.deepEqual([flushes_ok, flushes_error, flushes_timeout], [1, 1, 0]);
  });

  test("is told of once for each reason, whatever identifiers the reason carries", async () => {
    const own = metering();
    const { orders } = defineMetricsIn(own.meter, { orders: counter("orders") });
    let reason = () => "";
    const flusher = new Flusher(own.meter, new SelfMetrics(own.meter, () => ({})), {
      waitUntil: () => {},
      sleep: own.time.sleep,
    });
    const send = () => Promise.reject(new Error(reason()));
    flusher.use({ transport: { send }, intervalMs });
    let request = 0x8f2a_0000;
    const fail = async (times: number) => {
      for (let time = 0; time < times; time += 1) {
        orders.add();
        flusher.endInvocation({ waits: "rarely" });
        await own.time.advance(intervalMs);
        request += 1;
      }
    };
    reason = () => `Too Many Requests (ray ${request.toString(16)} at ${own.time.nowMs})`;
    await fail(150);
    reason = () => "no such queue";
    await fail(2);
    const told = own.warnings.filter((warning) => warning.includes("could not be sent"));
    assert.deepEqual(
      told.map((warning) => /\(Error: (no such queue|Too Many Requests)/.exec(warning)?.[1]),
      ["Too Many Requests", "no such queue"],
    );
  });

  test("a million bytes that wait are enough: the rest stays in the core", async () => {
    const { invoke, orders, meter, time, sends, state, totals } = flushing({ how: "refused" });
    for (let round = 0; round < 20; round += 1) {
      invoke(() => {
        for (let i = 0; i < 800; i += 1) orders.add(1, { plan: String(i).padEnd(300, "p") });
      });
      await time.advance(intervalMs);
    }
    const waiting = meter.outbox.frames.reduce((sum, frame) => sum + frame.length, 0);
    assert.ok(waiting > 1_000_000 && waiting < 1_500_000, String(waiting));
    assert.ok(sends.every(({ frames }) => frames.every(({ length }) => length <= 120_000)));
    state.how = "at once";
    await time.advance(120_000);
    invoke(() => {});
    await time.advance(2 * intervalMs);
    assert.equal(totals.sample(`orders_total{plan="${"7".padEnd(300, "p")}"}`), 20);
  });
});

describe("a queue that fails one send in ten", () => {
  test("gets every frame, far more than wait at once, and nothing is left behind", async () => {
    const { flusher, invoke, orders, meter, time, totals } = flushing();
    const double = new QueueDouble((bodies) => void totals.apply(bytesOfBodies(bodies)));
    const random = new Random(1);
    const counts = { refused: 0, unanswered: 0, sent: 0 };
    double.fate = () => {
      const failures = counts.refused + counts.unanswered;
      const fate = !random.once(10) ? "sent" : failures % 2 === 0 ? "refused" : "unanswered";
      counts[fate] += 1;
      return fate;
    };
    flusher.use({ transport: queueTransport(double.queue), intervalMs });
    const rounds = 100;
    for (let round = 0; round < rounds; round += 1) {
      invoke(() => {
        for (let i = 0; i < 200; i += 1) orders.add(1, { plan: String(i).padEnd(250, "p") });
      });
      await time.advance(intervalMs);
    }
    double.fate = () => "sent";
    await time.advance(3 * intervalMs);
    const bytes = double.calls.flat().reduce((sum, size) => sum + size, 0);
    assert.ok(bytes > 2 * 2 ** 20, String(bytes));
    assert.ok(counts.refused > 2 && counts.unanswered > 2, JSON.stringify(counts));
    assert.equal(totals.sample(`orders_total{plan="${"7".padEnd(250, "p")}"}`), rounds);
    assert.equal(totals.results.filter((result) => result === 1).length, counts.unanswered);
    assert.equal(totals.results.filter((result) => result < 0).length, 0);
    assert.equal(meter.outbox.size, 0);
  });
});

describe("a send that hangs", () => {
  test("lets nobody else send for forty seconds, and is then taken for lost", async () => {
    const { invoke, time, sends, sendTimes, state, selfMetrics, orderCount } = flushing({
      how: "by hand",
    });
    invoke();
    await time.advance(0);
    for (let second = 0; second < 39; second += 1) {
      invoke();
      await time.advance(1000);
    }
    assert.deepEqual(sendTimes(), [0]);
    state.how = "at once";
    await time.advance(1000);
    invoke();
    await time.advance(intervalMs);
    assert.deepEqual(sendTimes(), [0, 40_000, 50_000]);
    assert.equal(sends[1]?.frames[0], sends[0]?.frames[0]);
    assert.equal(orderCount(), 41);
    assert.equal(selfMetrics.totals()["flushes_timeout"], 1);
  });

  test("and arrives after all is known by its number, and its frames are not sent again", async () => {
    const { invoke, time, sends, state, totals, orderCount, meter } = flushing({ how: "by hand" });
    invoke();
    await time.advance(41_000);
    invoke();
    await time.advance(0);
    assert.equal(sends.length, 2);
    sends[0]?.resolve();
    await settle();
    sends[1]?.reject();
    state.how = "at once";
    await time.advance(intervalMs);
    assert.equal(sends[2]?.frames.length, 1, "the one that is not known to have arrived");
    assert.equal(orderCount(), 2);
    assert.deepEqual(totals.results, [0, 0]);
    assert.equal(meter.outbox.size, 0);
  });
});

describe("gauges", () => {
  test("are sent again while the isolate is in use, at least every two minutes", async () => {
    const { invoke, load, time, sends, totals, orders } = flushing();
    invoke(() => {
      load.set(7);
      orders.add(1, { plan: "pro" });
    });
    await time.advance(0);
    for (let second = 0; second < 600; second += 1) {
      invoke(() => {});
      await time.advance(1000);
    }
    const gaps = sends.slice(1).map(({ atMs }, i) => atMs - (sends[i]?.atMs ?? 0));
    assert.ok(gaps.length >= 5 && gaps.every((gap) => gap <= 120_000), String(gaps));
    assert.equal(totals.sample("load"), 7);
  });
});
