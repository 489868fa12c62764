import { tracer, withTelemetry } from "isotel";
import { counter, defineMetrics } from "isotel/metrics";
import { Random } from "../../../wasm/support/random.ts";
import { routes } from "../../harness/routes.ts";

interface Env {
  readonly QUEUE: Queue;
  readonly SEED: string;
}

const intervalMs = 100;
const maxFlushMs = 10_000;
const metrics = defineMetrics({ orders: counter("orders", { labels: ["plan"] }) });

/** What the sends of this isolate were and what became of them. */
const counts = { sends: 0, bytes: 0, failedBefore: 0, failedByQueue: 0, failedAfter: 0 };
/** Frames by producer and sequence number: those sent, and those of them whose send has succeeded. */
const sent = new Set<string>();
const delivered = new Set<string>();
let random: Random | undefined;
let isFaulty = true;
/** Whether the flush of the last request has ended. */
let isFlushed = true;

// The clock runs faster than the world's: each request finds the interval of the last flush over.
let aheadMs = 0;
const worldNow = Date.now;
Date.now = () => worldNow() + aheadMs;

const producerEnd = 20;

function identityOf(frame: Uint8Array): string {
  let end = producerEnd;
  // A sequence number is a varint after the producer.
  while ((frame[end] as number) >= 0x80) end += 1;
  return frame.subarray(4, end + 1).join(",");
}

/** The real queue. One call in twenty fails before or after it; its Worker fails as often by itself. */
function failing(queue: Queue, seed: number): Queue {
  random ??= new Random(seed);
  const faults = random;
  async function send(bodies: readonly Uint8Array[], real: () => Promise<unknown>): Promise<void> {
    const frames = bodies.map(identityOf);
    counts.sends += 1;
    for (const { length } of bodies) counts.bytes += length;
    for (const frame of frames) sent.add(frame);
    const fails = isFaulty && faults.once(20);
    const isBefore = faults.once(2);
    try {
      if (fails && isBefore) {
        counts.failedBefore += 1;
        throw new Error("the queue was not called");
      }
      try {
        await real();
      } catch (cause) {
        counts.failedByQueue += 1;
        throw cause;
      }
      if (fails) {
        counts.failedAfter += 1;
        throw new Error("the queue has it, and its answer is lost");
      }
      for (const frame of frames) delivered.add(frame);
    } finally {
      isFlushed = true;
    }
  }
  return {
    send: (body: Uint8Array, options: QueueSendOptions) =>
      send([body], () => queue.send(body, options)),
    sendBatch: (messages: MessageSendRequest<Uint8Array>[]) =>
      send(
        messages.map(({ body }) => body),
        () => queue.sendBatch(messages),
      ),
  } as unknown as Queue;
}

const handler = routes({
  /** Counts once in each label set, when the flush of the request before is over. */
  "/record": async (url) => {
    const end = worldNow() + maxFlushMs;
    while (!isFlushed) {
      if (worldNow() > end) throw new Error("the last request has sent nothing");
      await scheduler.wait(1);
    }
    isFlushed = false;
    aheadMs += intervalMs;
    const labelSets = Number(url.searchParams.get("sets"));
    for (let i = 0; i < labelSets; i += 1) {
      metrics.orders.add(1 + (i % 7), { plan: `plan ${i} `.padEnd(48, "p") });
    }
  },
  /** Nothing of the isolate's own fails from now on. */
  "/mend": () => {
    isFaulty = false;
    aheadMs += intervalMs;
  },
  "/counts": () => ({
    ...counts,
    frames: sent.size,
    waiting: [...sent].filter((frame) => !delivered.has(frame)).length,
    memoryBytes: tracer.diagnostics()["memory_bytes"],
  }),
});

export default withTelemetry(handler as ExportedHandler<Env>, (env: Env) => ({
  metrics: { queue: failing(env.QUEUE, Number(env.SEED)), flushIntervalMs: intervalMs },
}));
