import type { Random } from "../../wasm/support/random.ts";

/** A chunk; its identity counts. */
export interface Chunk {
  readonly index: number;
}

type End = "close" | "error" | "never";

/** How a source behaves: what each pull does, one after another, and how it ends. */
export interface SourcePlan {
  readonly highWaterMark: number;
  readonly pulls: readonly { readonly chunks: number; readonly isLate: boolean }[];
  readonly end: End;
  readonly cancelFails: boolean;
}

/** How a consumer behaves. `after` counts the chunks it takes before it does what is special about it. */
export interface ConsumerPlan {
  readonly kind: (typeof consumerKinds)[number];
  readonly after: number;
  readonly highWaterMark: number;
  readonly isSlow: boolean;
  readonly options: Readonly<Record<string, boolean>>;
}

export interface Scenario {
  readonly source: SourcePlan;
  readonly consumer: ConsumerPlan;
}

/** All that can be seen of a run, of either side. */
export interface Observed {
  readonly consumer: readonly string[];
  readonly pulls: number;
  readonly produced: number;
  readonly cancelled: readonly string[];
}

export const consumerKinds = [
  "reader to the end",
  "reader that cancels",
  "reader that lets go and comes again",
  "cancel unread",
  "for-await to the end",
  "for-await with break",
  "for-await that throws",
  "values that prevent cancel",
  "tee, both read",
  "tee, one cancelled",
  "tee, both cancelled",
  "pipeTo",
  "pipeTo that fails",
  "pipeTo with options",
  "pipeTo that is aborted",
  "pipeThrough",
  "pipeThrough that is cancelled",
  "pipeThrough that fails",
  "pipeThrough with options",
  "pipeThrough in a row",
  "second use while locked",
  "left alone",
] as const;

const failingConsumers: ReadonlySet<ConsumerPlan["kind"]> = new Set([
  "pipeTo that fails",
  "pipeTo with options",
  "pipeTo that is aborted",
  "pipeThrough that fails",
  "pipeThrough with options",
]);

const flags = ["preventClose", "preventAbort", "preventCancel"];

export function randomScenario(
  random: Random,
  kind: ConsumerPlan["kind"] = random.pick(consumerKinds),
): Scenario {
  return {
    source: {
      highWaterMark: random.pick([0, 0, 1, 1, 3]),
      pulls: Array.from({ length: random.below(6) }, () => ({
        chunks: random.pick([1, 1, 1, 1, 2, 3]),
        isLate: random.once(2),
      })),
      // Of two faults at once, which is the first to be seen depends on the instant.
      end: random.pick(
        failingConsumers.has(kind)
          ? (["close", "close", "never"] as const)
          : (["close", "close", "error", "never"] as const),
      ),
      cancelFails: random.once(5),
    },
    consumer: {
      kind,
      after: random.below(5),
      highWaterMark: random.pick([0, 1, 1, 2, 5]),
      isSlow: random.once(3),
      options: Object.fromEntries(flags.map((flag) => [flag, random.once(2)])),
    },
  };
}

const sourceError = new Error("of the source");
const sinkError = new Error("of the sink");
const reason = { a: "reason" };

/**
 * Time in phases, each long enough for all that follows at once. Sources act in even phases and consumers in odd ones,
 * so that what is compared does not depend on which of two promises of the same instant settles first.
 */
class Phases {
  #phase = 0;
  #waiting: (() => void)[][] = [[], []];

  readonly forSource = () => this.#next(0);
  readonly forConsumer = () => this.#next(1);

  /** Lets `count` phases pass, or fewer when `done` says so. */
  async pass(count: number, done: () => boolean): Promise<void> {
    for (let i = 0; i < count && !done(); i += 1) {
      this.#phase += 1;
      const waiting = this.#waiting[this.#phase % 2] ?? [];
      this.#waiting[this.#phase % 2] = [];
      for (const resume of waiting) resume();
      await turn();
    }
  }

  #next(parity: 0 | 1): Promise<void> {
    return new Promise((resolve) => this.#waiting[parity]?.push(resolve));
  }
}

/** Long enough for all that can happen at once to have happened. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function nameOf(value: unknown): string {
  if (value === sourceError) return "the source's error";
  if (value === sinkError) return "the sink's error";
  if (value === reason) return "the consumer's reason";
  if (value instanceof TypeError) return "a TypeError";
  return value instanceof Error ? value.name : String(value);
}

/** Runs a scenario over a stream that `prepare` may do something to first. */
export async function run(
  { source, consumer }: Scenario,
  prepare: (stream: ReadableStream<Chunk>) => void,
): Promise<Observed> {
  const log: string[] = [];
  const cancelled: string[] = [];
  const chunks: Chunk[] = [];
  let pulls = 0;
  const phases = new Phases();
  const stream = new ReadableStream<Chunk>(
    {
      async pull(controller) {
        const plan = source.pulls[pulls];
        pulls += 1;
        // An error drops the chunks that are queued: which those are depends on the instant it happens at.
        if (plan?.isLate ?? source.end === "error") await phases.forSource();
        if (plan === undefined) {
          if (source.end === "close") controller.close();
          if (source.end === "error") controller.error(sourceError);
          return source.end === "never" ? new Promise(() => {}) : undefined;
        }
        for (let i = 0; i < plan.chunks; i += 1) {
          const chunk = { index: chunks.length };
          chunks.push(chunk);
          controller.enqueue(chunk);
        }
        return undefined;
      },
      cancel(why) {
        cancelled.push(nameOf(why));
        if (source.cancelFails) throw sourceError;
      },
    },
    { highWaterMark: source.highWaterMark },
  );
  prepare(stream);
  const note = (what: string) => void log.push(what);
  const take = (chunk: unknown) =>
    note(
      chunks.includes(chunk as Chunk) ? `chunk ${(chunk as Chunk).index}` : "a chunk of another",
    );
  const { forConsumer } = phases;
  let isOver = false;
  void consume(stream, consumer, { take, note, wait: forConsumer }).finally(() => {
    isOver = true;
  });
  // A source that never ends keeps its consumer for ever.
  await phases.pass(100, () => isOver);
  await phases.pass(10, () => false);
  return { consumer: log, pulls, produced: chunks.length, cancelled };
}

interface Consuming {
  readonly take: (chunk: unknown) => void;
  readonly note: (what: string) => void;
  /** Waits until nothing happens any more but what the source does later. */
  readonly wait: () => Promise<void>;
}

async function consume(
  stream: ReadableStream<Chunk>,
  plan: ConsumerPlan,
  consuming: Consuming,
): Promise<void> {
  await consuming.wait();
  try {
    await consumers[plan.kind](stream, plan, consuming);
    consuming.note("over");
  } catch (cause) {
    consuming.note(`failed with ${nameOf(cause)}`);
  }
}

async function read(
  stream: ReadableStream<unknown>,
  most: number,
  { take, wait }: Pick<Consuming, "take" | "wait">,
  isSlow = false,
): Promise<ReadableStreamDefaultReader<unknown>> {
  const reader = stream.getReader();
  for (let left = most; left > 0; left -= 1) {
    const step = await reader.read();
    if (step.done) break;
    take(step.value);
    if (isSlow) await wait();
  }
  return reader;
}

const everything = Number.POSITIVE_INFINITY;

function sink(
  plan: ConsumerPlan,
  { take, note, wait }: Consuming,
  failsAfter = everything,
): WritableStream {
  let taken = 0;
  return new WritableStream(
    {
      async write(chunk) {
        if (taken >= failsAfter) {
          await wait();
          throw sinkError;
        }
        taken += 1;
        take(chunk);
        if (plan.isSlow) await wait();
      },
      close: () => note("sink closed"),
      abort: (why) => note(`sink aborted with ${nameOf(why)}`),
    },
    { highWaterMark: Math.max(plan.highWaterMark, 1) },
  );
}

function passThrough(
  plan: ConsumerPlan,
  { wait }: Pick<Consuming, "wait">,
  failsAfter = everything,
): ReadableWritablePair {
  let passed = 0;
  return new TransformStream(
    {
      async transform(chunk, controller) {
        if (passed >= failsAfter) {
          await wait();
          throw sinkError;
        }
        passed += 1;
        controller.enqueue(chunk);
      },
    },
    { highWaterMark: Math.max(plan.highWaterMark, 1) },
    { highWaterMark: plan.highWaterMark },
  ) as ReadableWritablePair;
}

type Consumer = (
  stream: ReadableStream<Chunk>,
  plan: ConsumerPlan,
  consuming: Consuming,
) => Promise<unknown>;

const consumers: Readonly<Record<ConsumerPlan["kind"], Consumer>> = {
  "reader to the end": async (stream, plan, consuming) => {
    const { note } = consuming;
    const reader = await read(stream, everything, consuming, plan.isSlow);
    await reader.closed;
    note("closed");
  },
  "reader that cancels": async (stream, plan, consuming) => {
    const { note, wait } = consuming;
    const reader = await read(stream, plan.after, consuming, plan.isSlow);
    await wait();
    await reader.cancel(reason);
    note(`then ${(await reader.read()).done}`);
  },
  "reader that lets go and comes again": async (stream, plan, consuming) => {
    const { note, wait } = consuming;
    const reader = await read(stream, plan.after, consuming);
    reader.releaseLock();
    note(`locked ${stream.locked}`);
    await wait();
    await read(stream, everything, consuming);
  },
  "cancel unread": async (stream, _plan, consuming) => {
    const { note } = consuming;
    await stream.cancel(reason);
    const reader = stream.getReader();
    note(`then ${(await reader.read()).done}`);
  },
  "for-await to the end": async (stream, plan, consuming) => {
    const { take, wait } = consuming;
    for await (const chunk of stream) {
      take(chunk);
      if (plan.isSlow) await wait();
    }
  },
  "for-await with break": async (stream, plan, consuming) => {
    const { take, wait } = consuming;
    let left = plan.after;
    for await (const chunk of stream) {
      take(chunk);
      await wait();
      left -= 1;
      if (left <= 0) break;
    }
  },
  "for-await that throws": async (stream, plan, consuming) => {
    const { take, wait } = consuming;
    let left = plan.after;
    for await (const chunk of stream) {
      take(chunk);
      await wait();
      left -= 1;
      if (left <= 0) throw sinkError;
    }
  },
  "values that prevent cancel": async (stream, plan, consuming) => {
    const { take, note } = consuming;
    let left = plan.after;
    for await (const chunk of stream.values({ preventCancel: true })) {
      take(chunk);
      left -= 1;
      if (left <= 0) break;
    }
    note("again");
    await read(stream, everything, consuming);
  },
  "tee, both read": async (stream, plan, consuming) => {
    const { note, wait } = consuming;
    const [first, second] = stream.tee();
    const taken: string[] = [];
    const both = await Promise.allSettled([
      read(first, everything, consuming, plan.isSlow),
      read(second, everything, {
        take: (chunk) => void taken.push(String((chunk as Chunk).index)),
        wait,
      }),
    ]);
    note(`second took ${taken.join()}`);
    for (const { status } of both) note(status);
  },
  "tee, one cancelled": async (stream, plan, consuming) => {
    const { note, wait } = consuming;
    const [first, second] = stream.tee();
    const reader = await read(first, plan.after, consuming);
    await wait();
    void reader.cancel(reason).catch(() => {});
    note("one cancelled");
    await read(second, everything, consuming);
  },
  "tee, both cancelled": async (stream, plan, consuming) => {
    const { note, wait } = consuming;
    const [first, second] = stream.tee();
    const reader = await read(first, plan.after, consuming);
    await wait();
    const both = await Promise.allSettled([reader.cancel(reason), second.cancel(reason)]);
    for (const { status } of both) note(status);
  },
  pipeTo: (stream, plan, consuming) => stream.pipeTo(sink(plan, consuming)),
  "pipeTo that fails": (stream, plan, consuming) =>
    stream.pipeTo(sink(plan, consuming, plan.after)),
  "pipeTo with options": (stream, plan, consuming) =>
    stream.pipeTo(sink(plan, consuming, plan.after + 2), plan.options),
  "pipeTo that is aborted": async (stream, plan, consuming) => {
    const { take, wait } = consuming;
    const controller = new AbortController();
    let left = plan.after + 1;
    const counted = (chunk: unknown) => {
      take(chunk);
      left -= 1;
      if (left === 0) void wait().then(() => controller.abort(reason));
    };
    await stream.pipeTo(sink({ ...plan, isSlow: false }, { ...consuming, take: counted }), {
      signal: controller.signal,
    });
  },
  pipeThrough: async (stream, plan, consuming) =>
    read(stream.pipeThrough(passThrough(plan, consuming)), everything, consuming, plan.isSlow),
  "pipeThrough that is cancelled": async (stream, plan, consuming) => {
    const { wait } = consuming;
    const reader = await read(
      stream.pipeThrough(passThrough(plan, consuming)),
      plan.after,
      consuming,
    );
    await wait();
    await reader.cancel(reason);
  },
  "pipeThrough that fails": async (stream, plan, consuming) =>
    read(stream.pipeThrough(passThrough(plan, consuming, plan.after)), everything, consuming),
  "pipeThrough with options": async (stream, plan, consuming) =>
    read(
      stream.pipeThrough(passThrough(plan, consuming, plan.after + 2), plan.options),
      everything,
      consuming,
    ),
  "pipeThrough in a row": async (stream, plan, consuming) => {
    const first = stream.pipeThrough(passThrough(plan, consuming));
    await read(first.pipeThrough(passThrough(plan, consuming)), everything, consuming);
  },
  "second use while locked": async (stream, plan, consuming) => {
    const { note } = consuming;
    const readable = stream.pipeThrough(passThrough(plan, consuming));
    note(`locked ${stream.locked}`);
    for (const use of [
      () => stream.getReader(),
      () => stream.tee(),
      () => stream.pipeThrough(passThrough(plan, consuming)),
      () => stream.cancel(reason),
      () => stream.pipeTo(sink(plan, consuming)),
    ]) {
      try {
        await use();
        note("was let");
      } catch (cause) {
        note(`refused with ${nameOf(cause)}`);
      }
    }
    await read(readable, everything, consuming);
  },
  "left alone": async (stream, _plan, consuming) => {
    const { note, wait } = consuming;
    await wait();
    note(`locked ${stream.locked}`);
  },
};
