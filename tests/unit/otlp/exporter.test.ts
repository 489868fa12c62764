import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import type { Destination } from "../../../bindings/otlp/backends/backend.ts";
import { encodeTraces } from "../../../bindings/otlp/core/encoder.ts";
import type { FinishedSpan } from "../../../bindings/otlp/core/model.ts";
import { Circuit } from "../../../bindings/otlp/exporter/circuit.ts";
import { rejectedCount } from "../../../bindings/otlp/exporter/partial_success.ts";
import { retryAfterMs, send } from "../../../bindings/otlp/exporter/sender.ts";
import { SignalExporter } from "../../../bindings/otlp/exporter/signal_exporter.ts";
import type { ExportCounts } from "../../../bindings/otlp/exporter/tally.ts";
import { spanSize } from "../../../bindings/otlp/pipeline/pipeline.ts";
import { plainSpan } from "../../otlp/plain_span.ts";
import { type Receiver, type Step, startReceiver } from "../../otlp_receiver/receiver.ts";

let made = 0;

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

function span(attributes: Readonly<Record<string, unknown>> = {}): FinishedSpan {
  made += 1;
  return {
    ...plainSpan,
    spanId: made.toString(16).padStart(16, "0"),
    name: `span ${made}`,
    attributes: { keys: Object.keys(attributes), values: Object.values(attributes) },
  };
}

interface Bench {
  readonly exporter: SignalExporter<FinishedSpan>;
  /** Milliseconds of each wait between attempts. */
  readonly waits: number[];
  add(count: number, attributes?: Readonly<Record<string, unknown>>): void;
  flush(budgetMs?: number): Promise<ExportCounts>;
  now: number;
}

/** An exporter whose waits pass at once. */
function bench(receiver: Receiver, more: Partial<Destination> = {}): Bench {
  const waits: number[] = [];
  const destination: Destination = {
    url: `${receiver.url}/v1/traces`,
    headers: { "x-key": "s3cret" },
    format: "protobuf",
    compression: "gzip",
    timeoutMs: 10_000,
    maxBytes: 4_000_000,
    ...more,
  };
  const self: Bench = {
    exporter: new SignalExporter(
      {
        backend: "custom",
        signal: "traces",
        destination,
        circuit: new Circuit(),
        encode: (spans, format) => encodeTraces(spans, { "service.name": "test" }, scope, format),
      },
      {
        clock: () => self.now,
        fetch,
        sleep: async (ms) => {
          waits.push(ms);
          self.now += ms;
        },
        random: () => 0.5,
      },
    ),
    waits,
    now: 1_700_000_000_000,
    add(count, attributes) {
      for (let i = 0; i < count; i += 1) {
        const item = span(attributes);
        self.exporter.add(item, spanSize(item));
      }
    },
    async flush(budgetMs = 25_000) {
      await self.exporter.flush(self.now + budgetMs);
      return checked(self.exporter.counts());
    },
  };
  return self;
}

const scope = { name: "test", version: "" };

/** Counts that add up. */
function checked(counts: ExportCounts): ExportCounts {
  const dropped = Object.values(counts.dropped).reduce((sum, count) => sum + count, 0);
  assert.equal(counts.made, counts.accepted + dropped + counts.queued + counts.sending);
  return counts;
}

function dropsOf({ dropped }: ExportCounts): Record<string, number> {
  return Object.fromEntries(Object.entries(dropped).filter(([, count]) => count > 0));
}

const itemsOf = ({ requests }: Receiver) => requests.map(({ items }) => items.length);

describe("an exporter", () => {
  let receiver: Receiver;
  let elsewhere: Receiver;
  before(async () => {
    [receiver, elsewhere] = await Promise.all([startReceiver(), startReceiver()]);
  });
  after(() => Promise.all([receiver.close(), elsewhere.close()]));
  afterEach(() => {
    for (const one of [receiver, elsewhere]) {
      one.requests.length = 0;
      one.script.length = 0;
      one.otherwise = {};
    }
  });

  for (const format of ["protobuf", "json"] as const) {
    for (const compression of ["gzip", "none"] as const) {
      test(`sends ${format} with compression ${compression}`, async () => {
        const one = bench(receiver, { format, compression });
        one.add(3, { "app.text": "é" });
        const counts = await one.flush();
        assert.deepEqual([counts.accepted, counts.requests, counts.lastStatus], [3, 1, 200]);
        const [request] = receiver.requests;
        assert.equal(request?.path, "POST /v1/traces");
        assert.equal(request?.headers["x-key"], "s3cret");
        assert.equal(request?.headers["user-agent"], "isotel");
        const type = format === "json" ? "application/json" : "application/x-protobuf";
        assert.equal(request?.headers["content-type"], type);
        const encoding = compression === "gzip" ? "gzip" : undefined;
        assert.equal(request?.headers["content-encoding"], encoding);
        assert.deepEqual(request?.resource, { "service.name": "test" });
        assert.deepEqual(request?.items[0]?.attributes, { "app.text": "é" });
      });
    }
  }

  test("sends nothing when nothing waits", async () => {
    assert.equal((await bench(receiver).flush()).requests, 0);
    assert.equal(receiver.requests.length, 0);
  });

  test("makes batches of 512", async () => {
    const one = bench(receiver);
    one.add(1_300);
    assert.equal((await one.flush()).accepted, 1_300);
    assert.deepEqual(itemsOf(receiver).sort(), [276, 512, 512]);
  });

  test("splits what is more than a backend takes, by size known and by size encoded", async () => {
    const one = bench(receiver, { maxBytes: 10_000 });
    one.add(10, { "app.text": "x".repeat(4_000) });
    // Three bytes a unit, which only encoding tells.
    one.add(10, { "app.text": "語".repeat(1_500) });
    assert.equal((await one.flush()).accepted, 20);
    for (const { bytes } of receiver.requests) assert.ok(bytes <= 10_000, String(bytes));
  });

  test("drops a span that alone is more than a backend takes, and sends the others", async () => {
    const one = bench(receiver, { maxBytes: 10_000 });
    one.add(1);
    one.add(1, { "app.text": "x".repeat(10_001) });
    one.add(1, { "app.text": "語".repeat(4_000) });
    one.add(1);
    const counts = await one.flush();
    assert.deepEqual([counts.accepted, dropsOf(counts)], [2, { too_large: 2 }]);
  });

  test("drops a span of 10 MB, and one that cannot be encoded, without the others", async () => {
    const one = bench(receiver);
    one.add(2);
    one.add(1, { "app.text": "x".repeat(10_000_000) });
    one.add(1, {
      get "app.getter"() {
        return {
          get inner(): string {
            throw new Error("a getter of the caller's");
          },
        };
      },
    });
    one.add(2, { "app.half": "\ud800" });
    const counts = await one.flush();
    assert.equal(counts.accepted + (counts.dropped.not_encoded ?? 0), 5);
    assert.equal(counts.dropped.too_large, 1);
    assert.ok(counts.accepted >= 4);
  });

  test("drops the oldest when 2,048 wait", async () => {
    const one = bench(receiver);
    one.add(2_100);
    const first = made - 2_047;
    const counts = await one.flush();
    assert.deepEqual([counts.accepted, dropsOf(counts)], [2_048, { queue_full: 52 }]);
    const names = receiver.requests.flatMap(({ items }) => items.map(({ name }) => name));
    assert.equal(names.includes(`span ${first}`), true);
    assert.equal(names.includes(`span ${first - 1}`), false);
  });

  test("drops the oldest when 16 MB of text wait", async () => {
    const one = bench(receiver);
    one.add(9, { "app.text": "x".repeat(2_000_000) });
    const counts = await one.flush();
    assert.deepEqual([counts.accepted, dropsOf(counts)], [7, { queue_full: 2 }]);
  });

  for (const status of [200, 202, 204]) {
    test(`is content with ${status}`, async () => {
      receiver.script.push({ status });
      const one = bench(receiver);
      one.add(2);
      assert.deepEqual((await one.flush()).accepted, 2);
      assert.equal(receiver.requests.length, 1);
    });
  }

  const json = { "content-type": "application/json" };
  const protobuf = { "content-type": "application/x-protobuf" };
  const partial: Readonly<Record<string, readonly [Step, number]>> = {
    "as JSON": [
      { headers: json, body: '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"x"}}' },
      2,
    ],
    "as JSON with a number": [{ headers: json, body: '{"partialSuccess":{"rejectedSpans":2}}' }, 2],
    "as JSON without saying so": [{ body: '{"partialSuccess":{"rejectedSpans":"1"}}' }, 1],
    "as protobuf": [{ headers: protobuf, body: Uint8Array.of(10, 5, 8, 2, 18, 1, 120) }, 2],
    "of none": [{ headers: json, body: '{"partialSuccess":{}}' }, 0],
    "of more than there were": [
      { headers: json, body: '{"partialSuccess":{"rejectedSpans":"99"}}' },
      3,
    ],
    "of fewer than none": [
      {
        headers: protobuf,
        body: Uint8Array.of(10, 11, 8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1),
      },
      3,
    ],
    "that is not JSON": [{ headers: json, body: "{" }, 0],
    "that breaks off": [{ headers: protobuf, body: Uint8Array.of(10, 200, 8) }, 0],
    "longer than anybody reads": [
      { headers: json, body: `{"partialSuccess":{"rejectedSpans":1},"x":"${"y".repeat(70_000)}"}` },
      0,
    ],
  };
  for (const [name, [step, rejected]] of Object.entries(partial)) {
    test(`counts a partial success ${name}`, async () => {
      receiver.script.push(step);
      const one = bench(receiver);
      one.add(3);
      const counts = await one.flush();
      assert.deepEqual([counts.accepted, counts.dropped.rejected], [3 - rejected, rejected]);
      assert.equal(receiver.requests.length, 1);
    });
  }

  for (const status of [400, 401, 403, 404, 408, 413, 500, 501]) {
    test(`drops what is answered with ${status}, and does not repeat it`, async () => {
      receiver.script.push({ status, body: "no" });
      const one = bench(receiver);
      one.add(3);
      const counts = await one.flush();
      assert.deepEqual([dropsOf(counts), counts.lastStatus], [{ rejected: 3 }, status]);
      assert.equal(receiver.requests.length, 1);
    });
  }

  const passing: Readonly<Record<string, Step>> = {
    "429": { status: 429 },
    "502": { status: 502 },
    "503": { status: 503 },
    "504": { status: 504 },
    "a reset": { resets: true },
    "a hang": { hangs: true },
  };
  for (const [name, step] of Object.entries(passing)) {
    test(`tries again after ${name}`, async () => {
      receiver.script.push(step, step);
      const one = bench(receiver, step.hangs === true ? { timeoutMs: 300 } : {});
      one.add(3);
      const counts = await one.flush();
      assert.deepEqual([counts.accepted, counts.requests], [3, 3]);
      // Half of it is random: 0.5 here.
      assert.deepEqual(one.waits, [750, 1_500]);
      const [first, , third] = receiver.requests;
      assert.deepEqual(third?.items, first?.items);
    });
  }

  test("keeps what is not sent when no time is left, and the back-off goes on", async () => {
    receiver.otherwise = { status: 503 };
    const one = bench(receiver);
    one.add(3);
    const counts = await one.flush();
    assert.deepEqual([dropsOf(counts), counts.queued, counts.requests], [{}, 3, 6]);
    assert.deepEqual(one.waits, [750, 1_500, 3_000, 6_000, 12_000]);
    const before = one.now;
    assert.equal((await one.flush(5_000)).requests, 6, "the next attempt is due in 24 s");
    assert.equal(one.now, before, "nobody waits for it");
    receiver.otherwise = {};
    one.now += 24_000;
    assert.equal((await one.flush(5_000)).accepted, 3);
  });

  test("the back-off doubles up to a minute", async () => {
    receiver.otherwise = { status: 503 };
    const one = bench(receiver);
    one.add(1);
    await one.flush(1_000_000);
    assert.deepEqual(one.waits.slice(5, 8), [24_000, 45_000, 45_000]);
  });

  test("what a backend has not taken for an hour is dropped, and what is newer is not", async () => {
    receiver.otherwise = { status: 503 };
    const one = bench(receiver);
    one.add(3);
    await one.flush(5_000);
    one.now += 1_800_000;
    one.add(2);
    receiver.otherwise = {};
    one.now += 1_800_000;
    const counts = await one.flush();
    assert.deepEqual([dropsOf(counts), counts.accepted], [{ unavailable: 3 }, 2]);
  });

  test("items return to their places, whatever order their requests fail in", async () => {
    receiver.script.push({ hangs: true }, { status: 503 });
    const one = bench(receiver, { timeoutMs: 300 });
    one.add(600);
    const first = made - 599;
    assert.equal((await one.flush(900)).queued, 600);
    one.add(1);
    receiver.requests.length = 0;
    await one.flush();
    const names = receiver.requests.flatMap(({ items }) => items.map(({ name }) => name));
    assert.deepEqual(
      names,
      Array.from({ length: 601 }, (_, i) => `span ${first + i}`),
    );
  });

  test("items that return to a full queue are its oldest", async () => {
    receiver.script.push({ resets: true });
    const one = bench(receiver);
    one.add(512);
    const flush = one.exporter.flush(one.now + 1);
    one.add(2_000);
    await flush;
    const counts = checked(one.exporter.counts());
    assert.deepEqual([counts.queued, dropsOf(counts)], [2_048, { queue_full: 464 }]);
  });

  test("items that return still count towards the 16 MB of text", async () => {
    receiver.otherwise = { status: 503 };
    const one = bench(receiver);
    one.add(7, { "app.text": "x".repeat(2_000_000) });
    await one.flush(900);
    one.add(2, { "app.text": "x".repeat(2_000_000) });
    assert.deepEqual(dropsOf(checked(one.exporter.counts())), { queue_full: 2 });
  });

  test("one of many invocations waits for a backend that is down, the others return", async () => {
    receiver.otherwise = { status: 503 };
    const one = bench(receiver);
    one.add(1);
    await one.flush(1);
    const waiting = one.exporter.flush(one.now + 5_000);
    const asked = one.exporter.counts().requests;
    await Promise.all(Array.from({ length: 20 }, () => one.exporter.flush(one.now + 5_000)));
    assert.equal(one.exporter.counts().requests, asked, "the others have sent nothing");
    await waiting;
  });

  test("an open request of more than a second keeps further invocations from a backend that may hang", async () => {
    receiver.otherwise = { hangs: true };
    const one = bench(receiver, { timeoutMs: 300 });
    one.add(1);
    const first = one.exporter.flush(one.now + 5_000);
    one.now += 1_001;
    one.add(1);
    const second = one.exporter.flush(one.now + 5_000);
    assert.deepEqual([one.exporter.counts().sending, one.exporter.counts().queued], [1, 1]);
    receiver.otherwise = {};
    await Promise.all([first, second]);
    assert.equal(checked(one.exporter.counts()).accepted, 2);
  });

  test("keeps what a host that nobody answers at has not taken", async () => {
    const closed = await startReceiver();
    await closed.close();
    const one = bench(closed);
    one.add(3);
    const counts = await one.flush(3_000);
    assert.deepEqual([dropsOf(counts), counts.queued, counts.lastStatus], [{}, 3, 0]);
  });

  test("waits as long as Retry-After says, in seconds or until a date", async () => {
    const one = bench(receiver);
    receiver.script.push(
      { status: 429, headers: { "retry-after": "7" } },
      { status: 503, headers: { "retry-after": new Date(one.now + 7_000 + 5_000).toUTCString() } },
    );
    one.add(1);
    assert.equal((await one.flush()).accepted, 1);
    assert.deepEqual(one.waits, [7_000, 5_000]);
  });

  test("leaves a backend alone that asks for longer than there is time", async () => {
    receiver.script.push({ status: 429, headers: { "retry-after": "60" } });
    const one = bench(receiver);
    one.add(3);
    assert.equal((await one.flush()).queued, 3);
    one.add(2);
    one.now += 30_000;
    assert.deepEqual((await one.flush()).queued, 5);
    assert.equal(receiver.requests.length, 1);
    one.now += 30_000;
    const counts = await one.flush();
    assert.deepEqual([counts.accepted, counts.queued], [5, 0]);
  });

  for (const status of [301, 302, 303, 307, 308]) {
    test(`never follows ${status} to another host: neither data nor headers go there`, async () => {
      receiver.script.push({ status, headers: { location: `${elsewhere.url}/v1/traces` } });
      const one = bench(receiver);
      one.add(3);
      const counts = await one.flush();
      assert.deepEqual([dropsOf(counts), counts.lastStatus], [{ redirected: 3 }, status]);
      assert.equal(elsewhere.requests.length, 0);
    });
  }

  test("follows a redirect within the host, and not for ever", async () => {
    receiver.script.push({ status: 308, headers: { location: "/v2/traces" } });
    const one = bench(receiver);
    one.add(3);
    assert.equal((await one.flush()).accepted, 3);
    assert.deepEqual(
      receiver.requests.map(({ path }) => path),
      ["POST /v1/traces", "POST /v2/traces"],
    );
    assert.equal(receiver.requests[1]?.headers["x-key"], "s3cret");
    receiver.otherwise = { status: 307, headers: { location: "/again" } };
    one.add(1);
    assert.deepEqual(dropsOf(await one.flush()), { redirected: 1 });
    assert.equal(receiver.requests.length, 2 + 4);
  });

  test("a redirect without a place to go is no success", async () => {
    receiver.script.push({ status: 302 });
    const one = bench(receiver);
    one.add(1);
    assert.deepEqual(dropsOf(await one.flush()), { redirected: 1 });
  });

  test("while 2,048 are being sent, what comes waits in the queue for its turn", async () => {
    receiver.script.push({ hangs: true }, { hangs: true }, { hangs: true }, { hangs: true });
    const one = bench(receiver, { timeoutMs: 300 });
    one.add(2_048);
    const first = one.exporter.flush(one.now + 25_000);
    one.add(100);
    await one.exporter.flush(one.now + 25_000);
    const { sending, queued } = checked(one.exporter.counts());
    assert.deepEqual([sending, queued], [2_048, 100]);
    await first;
    const counts = checked(one.exporter.counts());
    // What returned was older than what had come, and the queue has room for 2,048.
    assert.deepEqual([counts.accepted, dropsOf(counts)], [2_048, { queue_full: 100 }]);
    assert.ok(itemsOf(receiver).slice(-4).includes(512));
  });

  test("what was being sent when its invocation was ended returns to the queue, and is counted once", async () => {
    receiver.otherwise = { hangs: true };
    const one = bench(receiver, { timeoutMs: 200 });
    one.add(4);
    const flush = one.exporter.flush(one.now + 5_000);
    one.now += 10_000;
    assert.equal(checked(one.exporter.counts()).sending, 4);
    one.now += 1;
    assert.equal(checked(one.exporter.counts()).queued, 4);
    await flush;
    assert.equal(checked(one.exporter.counts()).queued, 4);
    receiver.otherwise = {};
    one.now += 60_000;
    assert.equal((await one.flush()).accepted, 4);
  });

  test("whatever a backend does, what was made is accounted for", async () => {
    const steps: Step[] = [
      {},
      { status: 202 },
      { headers: json, body: '{"partialSuccess":{"rejectedSpans":"1"}}' },
      { status: 400 },
      { status: 413 },
      { status: 429, headers: { "retry-after": "1" } },
      { status: 503 },
      { resets: true },
      { status: 302, headers: { location: elsewhere.url } },
    ];
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    const one = bench(receiver, { maxBytes: 20_000 });
    for (let round = 0; round < 40; round += 1) {
      receiver.script.push(
        ...Array.from({ length: random(4) }, () => steps[random(steps.length)] as Step),
      );
      one.add(random(600), { "app.text": "x".repeat(random(300)) });
      if (random(5) === 0) one.add(1, { "app.text": "x".repeat(20_001) });
      await one.flush();
    }
    receiver.script.length = 0;
    one.now += 60_000;
    const counts = await one.flush();
    assert.deepEqual([counts.queued, counts.sending], [0, 0]);
    assert.ok(
      counts.accepted > 1_000 && counts.dropped.rejected > 0 && counts.dropped.redirected > 0,
    );
    assert.equal(elsewhere.requests.length, 0);
  });
});

describe("what is read of an answer", () => {
  /** What is counted after an answer that comes byte by byte. */
  async function rejectedOf(answer: Uint8Array): Promise<number> {
    const destination: Destination = {
      ...{ url: "http://127.0.0.1:1/v1/traces", headers: {}, format: "protobuf" },
      ...{ compression: "none", timeoutMs: 1_000, maxBytes: 1_000 },
    };
    let at = 0;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        if (at < answer.length) controller.enqueue(Uint8Array.of(answer[at] as number));
        else controller.close();
        at += 1;
      },
    });
    const outcome = await send(destination, Uint8Array.of(1), Date.now() + 1_000, {
      clock: Date.now,
      fetch: async () => new Response(body),
      sleep: async () => {},
      random: () => 0,
    });
    assert.equal(outcome.result, "accepted");
    return outcome.rejected;
  }

  test("a partial success in many pieces is read whole, and one past 64 KiB not at all", async () => {
    const partial = (message: number) => {
      const inner = [0x08, 7, 0x12, ...varint(message), ...new Uint8Array(message).fill(0x61)];
      return Uint8Array.from([0x0a, ...varint(inner.length), ...inner]);
    };
    assert.equal(await rejectedOf(partial(300)), 7);
    assert.equal(await rejectedOf(partial(65_536)), 0);
    assert.equal(await rejectedOf(new Uint8Array(0)), 0);
  });

  test("Retry-After in seconds, as a date, and neither", () => {
    const now = Date.UTC(2026, 10, 20);
    assert.equal(retryAfterMs("120", now), 120_000);
    assert.equal(retryAfterMs(" 0 ", now), 0);
    assert.equal(retryAfterMs(new Date(now + 3_000).toUTCString(), now), 3_000);
    assert.equal(retryAfterMs(new Date(now - 3_000).toUTCString(), now), 0);
    assert.equal(retryAfterMs("99999999999", now), 300_000);
    for (const header of [null, "", "-1", "1.5", "soon", "1e3"]) {
      assert.equal(retryAfterMs(header, now), undefined, String(header));
    }
  });

  test("random bytes as a partial success never throw and never count below none", () => {
    let seed = 1;
    for (let round = 0; round < 20_000; round += 1) {
      const bytes = Uint8Array.from({ length: round % 24 }, () => {
        seed = (seed * 48_271) % 2_147_483_647;
        return seed % 3 === 0 ? ([8, 10, 18, 0][seed % 4] as number) : seed & 0xff;
      });
      for (const type of [null, "application/json", "application/x-protobuf"]) {
        assert.ok(rejectedCount(bytes, type) >= 0);
      }
    }
  });
});
