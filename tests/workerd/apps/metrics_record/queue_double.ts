import { detach } from "../../../unit/support/runtime_operations.ts";

/** What one send of the isolate carried. */
export interface Sent {
  readonly unixMs: number;
  /** Producer and sequence number of each frame, which is what a frame is known by. */
  readonly frames: readonly string[];
  /** How many sends were on their way when it began. */
  readonly others: number;
  outcome: "pending" | "ok" | "failed";
}

/** What becomes of the next sends. */
export type Fault = "none" | "reject" | "hang" | "held" | "throw";

const sent: Sent[] = [];
let fault: Fault = "none";
let pending = 0;

export function setFault(next: Fault): void {
  fault = next;
}

/** Everything that was sent since the last call. */
export function takeSent(): Sent[] {
  return sent.splice(0);
}

function identityOf(frame: Uint8Array): string {
  const producer = Buffer.from(frame.subarray(4, 20)).toString("hex");
  // Small enough in these tests to be one byte of a varint.
  return `${producer}:${frame[20]}`;
}

/** The queue of the Worker, with faults: real sends, looked at on their way. */
export function observed(queue: Queue): Queue {
  const send = async (frames: Uint8Array[], real: () => Promise<unknown>): Promise<void> => {
    const entry: Sent = {
      unixMs: Date.now(),
      frames: frames.map(identityOf),
      others: pending,
      outcome: "pending",
    };
    sent.push(entry);
    pending += 1;
    try {
      if (fault === "hang") await new Promise(() => {});
      if (fault === "reject") {
        // A send that fails detaches its buffer all the same.
        for (const { buffer } of frames) detach(buffer);
        throw new Error("no queue today");
      }
      while (fault === "held") await scheduler.wait(10);
      await real();
      entry.outcome = "ok";
    } catch (cause) {
      entry.outcome = "failed";
      throw cause;
    } finally {
      pending -= 1;
    }
  };
  return {
    send(body: Uint8Array, options: QueueSendOptions) {
      if (fault === "throw") {
        const frames = [identityOf(body)];
        sent.push({ unixMs: Date.now(), frames, others: pending, outcome: "failed" });
        throw new Error("no queue at all");
      }
      return send([body], () => queue.send(body, options));
    },
    sendBatch(messages: MessageSendRequest<Uint8Array>[]) {
      return send(
        messages.map(({ body }) => body),
        () => queue.sendBatch(messages),
      );
    },
  } as unknown as Queue;
}
