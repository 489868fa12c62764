import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { observeStream, type StreamObserver } from "../../../bindings/ai/calls/observe_stream.ts";
import { Random } from "../../wasm/support/random.ts";
import { streamOf } from "../support/ai_sdk.ts";
import {
  type Chunk,
  consumerKinds,
  type Observed,
  randomScenario,
  run,
  type Scenario,
  turn,
} from "../support/stream_scenario.ts";

const unhandled: unknown[] = [];
const onUnhandled = (cause: unknown) => void unhandled.push(cause);
before(() => process.on("unhandledRejection", onUnhandled));
after(() => process.off("unhandledRejection", onUnhandled));

/** What an observer was told, chunks by their index. */
function observer(): { readonly told: string[]; readonly observer: StreamObserver } {
  const told: string[] = [];
  return {
    told,
    observer: {
      onChunk: (chunk) => told.push(`chunk ${(chunk as Chunk).index}`),
      onDone: () => told.push("done"),
      onError: () => told.push("error"),
      onCancel: () => told.push("cancel"),
    },
  };
}

async function both(scenario: Scenario): Promise<{
  readonly plain: Observed;
  readonly observed: Observed;
  readonly told: readonly string[];
}> {
  const plain = await run(scenario, () => {});
  const { told, observer: own } = observer();
  const observed = await run(scenario, (stream) => {
    assert.equal(observeStream(stream, own), true);
  });
  return { plain, observed, told };
}

const scenariosOfAKind = 60;

// These never tell the stream to stop.
const stayers: ReadonlySet<string> = new Set<(typeof consumerKinds)[number]>([
  "reader to the end",
  "reader that lets go and comes again",
  "for-await to the end",
  "values that prevent cancel",
  "tee, both read",
  "pipeTo",
  "pipeThrough",
  "pipeThrough in a row",
  "second use while locked",
  "left alone",
]);

for (const [index, kind] of consumerKinds.entries()) {
  describe(`an observed stream, consumed by ${kind}`, () => {
    test("is to its consumer and its source what it would be unobserved", async () => {
      const random = new Random(1000 + index);
      unhandled.length = 0;
      for (let i = 0; i < scenariosOfAKind; i += 1) {
        const scenario = randomScenario(random, kind);
        const { plain, observed } = await both(scenario);
        assert.deepEqual(observed, plain, JSON.stringify(scenario));
      }
      assert.deepEqual(unhandled, []);
    });

    test("tells its observer of each chunk the consumer gets, and of the end", async () => {
      const random = new Random(2000 + index);
      for (let i = 0; i < scenariosOfAKind; i += 1) {
        const scenario = randomScenario(random, kind);
        const { observed, told } = await both(scenario);
        const chunks = told.filter((what) => what.startsWith("chunk"));
        const got = new Set(observed.consumer.filter((what) => what.startsWith("chunk")));
        const context = JSON.stringify({ scenario, observed, told });
        assert.deepEqual(
          chunks,
          chunks.map((_, at) => `chunk ${at}`),
          context,
        );
        for (const chunk of got) assert.ok(chunks.includes(chunk), context);
        const ends = told.filter((what) => !what.startsWith("chunk"));
        const first = ends[0] ?? "none";
        if (observed.cancelled.length > 0) assert.ok(ends.includes("cancel"), context);
        if (stayers.has(kind)) assert.ok(!ends.includes("cancel"), context);
        if (first === "done") assert.equal(scenario.source.end, "close", context);
        if (first === "error") assert.equal(scenario.source.end, "error", context);
        if (stayers.has(kind) && scenario.source.end !== "never" && kind !== "left alone") {
          assert.equal(first, scenario.source.end === "close" ? "done" : "error", context);
        }
      }
    });
  });
}

/** When each chunk leaves the source and when it is written, of chunks of which some fill more than there is room for. */
async function pipedBySize(highWaterMark: number, isObserved: boolean): Promise<string[]> {
  const log: string[] = [];
  const sizes = [1, 0, 5, 1, 1, 1, 0, 0, 9, 2, 2, 1];
  const source = new ReadableStream(
    {
      pull(controller) {
        const size = sizes.shift();
        if (size === undefined) controller.close();
        else {
          log.push(`pulled ${size}`);
          controller.enqueue(size);
        }
      },
    },
    { highWaterMark: 0 },
  );
  if (isObserved) observeStream(source, observer().observer);
  const transform = new TransformStream(
    {
      async transform(size, controller) {
        await turn();
        log.push(`written ${size}`);
        controller.enqueue(size);
      },
    },
    { highWaterMark, size: (size: number) => size },
  );
  for await (const size of source.pipeThrough(transform as unknown as ReadableWritablePair)) {
    log.push(`got ${size}`);
  }
  return [...log, "end"];
}

describe("observing", () => {
  test("a stream that is locked cannot be observed and stays as it is", async () => {
    const stream = streamOf([1, 2]);
    const reader = stream.getReader();
    const { told, observer: own } = observer();
    assert.equal(observeStream(stream, own), false);
    assert.deepEqual(Object.keys(stream), []);
    assert.equal((await reader.read()).value, 1);
    assert.deepEqual(told, []);
  });

  test("a stream that cannot be extended cannot be observed and stays as it is", async () => {
    for (const seal of [Object.freeze, Object.seal, Object.preventExtensions]) {
      const stream = seal(streamOf([1, 2])) as ReadableStream<number>;
      assert.equal(observeStream(stream, observer().observer), false);
      assert.equal((await stream.getReader().read()).value, 1);
    }
  });

  test("the observed stream is the same object, still a ReadableStream, with no property more to see", () => {
    const stream = streamOf([1]);
    observeStream(stream, observer().observer);
    assert.ok(stream instanceof ReadableStream);
    assert.deepEqual(Object.keys(stream), []);
    assert.equal(stream.locked, false);
  });

  test("nothing is pulled before somebody consumes", async () => {
    let pulls = 0;
    const stream = new ReadableStream(
      {
        pull(controller) {
          pulls += 1;
          controller.enqueue(pulls);
        },
      },
      { highWaterMark: 0 },
    );
    observeStream(stream, observer().observer);
    await turn();
    assert.equal(pulls, 0);
    const reader = stream.getReader();
    await turn();
    assert.equal(pulls, 0);
    await reader.read();
    assert.equal(pulls, 1);
    await turn();
    assert.equal(pulls, 1);
  });

  test("a chunk is told before its consumer has it", async () => {
    const order: string[] = [];
    for (const consume of [
      (stream: ReadableStream) => stream,
      (stream: ReadableStream) =>
        stream.pipeThrough(new TransformStream() as unknown as ReadableWritablePair),
    ]) {
      const stream = streamOf([0, 1]);
      observeStream(stream, {
        ...observer().observer,
        onChunk: (chunk) => order.push(`told ${chunk}`),
      });
      for await (const chunk of consume(stream)) order.push(`got ${chunk}`);
      for (const index of [0, 1]) {
        assert.ok(order.indexOf(`told ${index}`) < order.indexOf(`got ${index}`), order.join());
      }
    }
  });

  test("a destination that measures its chunks is given as many at a time as it has room for", async () => {
    for (const highWaterMark of [1, 3, 7]) {
      const logs = await Promise.all([false, true].map((is) => pipedBySize(highWaterMark, is)));
      assert.deepEqual(logs[1], logs[0], `highWaterMark ${highWaterMark}`);
      assert.equal(logs[0]?.at(-1), "end");
    }
  });

  test("the causes an observer is told are those of the stream and of its consumer", async () => {
    const cause = { an: "error" };
    const failing = new ReadableStream({
      pull() {
        throw cause;
      },
    });
    const seen: unknown[] = [];
    const own = {
      onDone: () => {},
      onError: (why: unknown) => void seen.push(why),
      onCancel: (why: unknown) => void seen.push(why),
    };
    observeStream(failing, own);
    await assert.rejects(failing.getReader().read(), (thrown) => thrown === cause);
    const cancelled = streamOf([1]);
    observeStream(cancelled, own);
    await cancelled.cancel(cause);
    assert.deepEqual(
      seen.map((why) => why === cause),
      [true, true],
    );
  });

  for (const method of ["onChunk", "onDone", "onError", "onCancel"] as const) {
    test(`an observer whose ${method} throws does not disturb the stream`, async () => {
      unhandled.length = 0;
      const random = new Random(3000);
      for (const kind of consumerKinds) {
        const scenario = randomScenario(random, kind);
        const plain = await run(scenario, () => {});
        const observed = await run(scenario, (stream) => {
          observeStream(stream, {
            ...observer().observer,
            [method]: () => {
              throw new Error("the observer throws");
            },
          });
        });
        assert.deepEqual(observed, plain, JSON.stringify(scenario));
      }
      assert.deepEqual(unhandled, []);
    });
  }
});
