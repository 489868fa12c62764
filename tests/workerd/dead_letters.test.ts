import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { describe, test } from "node:test";
import { root, startWorkers, type WorkerConfig } from "../harness/start.ts";
import { eventually } from "./harness/eventually.ts";
import { samplesOf } from "./harness/metrics_app.ts";

interface Consumer {
  readonly queue: string;
  readonly dead_letter_queue: string;
}

interface Initialized extends WorkerConfig {
  readonly queues: {
    readonly producers: readonly { binding: string; queue: string }[];
    readonly consumers: readonly [Consumer];
  };
}

/** What the command `isotel init --write` makes of a Worker's configuration. */
function initialized(): Initialized {
  const folder = mkdtempSync(join(tmpdir(), "isotel-init-"));
  try {
    const path = join(folder, "wrangler.json");
    writeFileSync(path, JSON.stringify({ name: "shop" }));
    execFileSync(execPath, [join(root, "dist/cli/main.js"), "init", "--write"], { cwd: folder });
    return JSON.parse(readFileSync(path, "utf8")) as Initialized;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The configuration with its telemetry queue out of patience, and its dead letters consumed by the same Worker. */
function configOf(dead: string | undefined, vars: Record<string, string>) {
  const { queues, ...config } = initialized();
  const [consumer] = queues.consumers;
  const deadLetters = dead ?? consumer.dead_letter_queue;
  const hasty = { max_batch_timeout: 0, max_retries: 0, dead_letter_queue: deadLetters };
  const worker: WorkerConfig = {
    ...config,
    main: "tests/workerd/apps/dead_letters/index.ts",
    kv_namespaces: [],
    vars,
    queues: {
      producers: [...queues.producers, { binding: "ORDERS", queue: "orders" }],
      consumers: [
        { ...consumer, ...hasty },
        { queue: "orders", ...hasty },
        { queue: deadLetters, max_batch_timeout: 0, max_retries: 20 },
      ],
    },
  };
  return { worker, queue: consumer.queue, deadLetters };
}

describe("dead letters of a Worker that isotel init has configured", () => {
  const named = { QUEUE_NAME: "shop-telemetry" };
  for (const [what, dead, vars] of [
    ["in the queue that init names", undefined, {}],
    ["in that queue, with a name for the telemetry queue", undefined, named],
    ["in the queue that earlier versions named", "shop-telemetry-dead", named],
    ["in a queue of any name", "lost-and-found", named],
  ] as const) {
    test(`${what}, are added up and never reach its own handler`, async () => {
      const { worker, deadLetters } = configOf(dead, vars);
      const app = await startWorkers([worker]);
      try {
        const ask = async (path: string) =>
          (await (await app.fetch(path)).json()) as { delivered: string[]; own: unknown[] };
        await ask("/count?count=7");
        await eventually(async () => {
          assert.ok((await ask("/")).delivered.includes(deadLetters), "telemetry's dead letter");
        });
        await ask("/order");
        await eventually(async () => {
          const told = await ask("/");
          assert.deepEqual(told.own, [[1, 2, 3]], JSON.stringify(told));
        });
        await ask("/repair");
        await eventually(async () => {
          const samples = samplesOf(await (await app.fetch("/metrics")).text());
          assert.equal(samples.get("orders_total"), 7);
        }, 20_000);
        assert.deepEqual((await ask("/")).own, [[1, 2, 3]]);
      } finally {
        await app.close();
      }
    });
  }
});
