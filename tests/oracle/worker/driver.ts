import type { Case } from "../dimensions.ts";
import type { Entry } from "../log.ts";

interface Env {
  readonly PLAIN: Fetcher;
  readonly OBSERVED: Fetcher;
}

interface Batch {
  readonly target: "PLAIN" | "OBSERVED";
  readonly cases: readonly Case[];
  readonly atOnce: number;
}

/** Runs the cases of a batch in another Worker, each in a separate invocation. */
export default {
  async fetch(request, env): Promise<Response> {
    const { target, cases, atOnce }: Batch = await request.json();
    const worker = env[target];
    const clients = new Map<number, Entry[]>();
    const left = cases.values();
    const run = async () => {
      for (const value of left) clients.set(value.seed, await send(worker, value));
    };
    await Promise.all(Array.from({ length: atOnce }, run));
    const logs: Record<number, Entry[]> = {};
    for (const { seed } of cases) {
      const log = await worker.fetch(`http://oracle.test/log/${seed}`);
      logs[seed] = [...((await log.json()) as Entry[]), ...(clients.get(seed) ?? [])];
    }
    return Response.json(logs);
  },
} satisfies ExportedHandler<Env>;

/** Sends a case and reads the response as its client does. Returns what the client saw. */
async function send(worker: Fetcher, value: Case): Promise<Entry[]> {
  const response = await worker.fetch(`http://oracle.test/run/${value.seed}`, {
    method: "POST",
    body: JSON.stringify(value),
  });
  const entries: Entry[] = [{ lane: "client", what: "status", value: response.status }];
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) return entries;
  let text = "";
  try {
    for (;;) {
      const { done, value: chunk } = await reader.read();
      if (done) {
        entries.push({ lane: "client", what: "read to the end" });
        break;
      }
      text += chunk;
      if (value.ender === "disconnect" && hasOutput(text, value)) {
        await reader.cancel();
        entries.push({ lane: "client", what: "left" });
        break;
      }
    }
  } catch (cause) {
    entries.push({
      lane: "client",
      what: "read error",
      error: { kind: "error", message: String(cause) },
    });
  }
  // The SDK generates the ids of parts that it renames.
  const body = text.replaceAll(/aitxt-\w+/g, "aitxt-");
  entries.push({ lane: "client", what: "body", value: body });
  return entries;
}

/** Whether the client has got output, and not just the head of the protocol. */
function hasOutput(text: string, { reader }: Case): boolean {
  return reader === "ui response" ? /-delta|tool-input-available/.test(text) : text.length > 0;
}
