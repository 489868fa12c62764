import type { LocalWorker } from "../../harness/start.ts";

/** What was sent to the reference Worker. */
export interface Traffic {
  readonly chats: number;
  readonly streams: number;
  readonly failures: number;
  readonly resolves: number;
  readonly unknownFlags: number;
}

const question = encodeURIComponent("What is the weather in Lisbon?");

/** Sends requests to every route of the reference Worker and reads their answers to the end. */
export async function sendTraffic(worker: LocalWorker, traffic: Traffic): Promise<void> {
  const get = async (path: string): Promise<void> => {
    const response = await worker.fetch(path);
    await response.text();
    if (!response.ok) throw new Error(`${path} was answered with ${response.status}.`);
  };
  const times = async (count: number, path: (i: number) => string): Promise<void> => {
    await Promise.all(Array.from({ length: count }, (_, i) => get(path(i))));
  };
  await times(traffic.chats, () => `/chat?prompt=${question}`);
  await times(traffic.streams, () => `/chat/stream?prompt=${question}`);
  await times(traffic.failures, () => `/chat?scenario=failing-tool&prompt=${question}`);
  await times(traffic.resolves, (i) => `/resolve?flag=new-checkout&country=PT&targeting_key=${i}`);
  await times(traffic.unknownFlags, () => "/resolve?flag=none");
}
