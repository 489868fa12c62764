import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type LocalWorker, startWorkers, type WorkerConfig } from "../harness/start.ts";
import type { Release } from "./apps/rolling/index.ts";
import { eventually } from "./harness/eventually.ts";
import { samplesOf } from "./harness/metrics_app.ts";
import { buildNext, type NextBuild } from "./harness/next_build.ts";

const main = "tests/workerd/apps/rolling/index.ts";
const waitMs = 25_000;

/** Workers that send to one aggregator: the one that has it, and with `count` 2 another. */
function workersOf(
  alias: Readonly<Record<string, string>>,
  transport: "queue" | "aggregator",
  count: 1 | 2,
): WorkerConfig[] {
  const shared = {
    main,
    alias: { ...alias },
    vars: { TRANSPORT: transport },
    kv_namespaces: [{ binding: "TELEMETRY_KV", id: "telemetry" }],
  };
  const producers = [{ binding: "TELEMETRY_QUEUE", queue: "telemetry" }];
  const aggregator = { name: "TELEMETRY", class_name: "Aggregator" };
  const adding: WorkerConfig = {
    ...shared,
    name: "adding",
    durable_objects: { bindings: [aggregator] },
    migrations: [{ tag: "v1", new_sqlite_classes: ["Aggregator"] }],
    queues: {
      producers,
      consumers: [{ queue: "telemetry", max_batch_timeout: 0, max_retries: 20 }],
    },
  };
  const sending: WorkerConfig = {
    ...shared,
    name: "sending",
    durable_objects: { bindings: [{ ...aggregator, script_name: "adding" }] },
    queues: { producers },
  };
  return count === 1 ? [adding] : [adding, sending];
}

for (const transport of ["queue", "aggregator"] as const) {
  for (const count of [1, 2] as const) {
    const what = count === 1 ? "in one Worker" : "in two Workers that share an aggregator";
    describe(`releases with different formats, by ${transport}, ${what}`, () => {
      let workers: LocalWorker;
      let next: NextBuild;
      before(async () => {
        next = buildNext();
        workers = await startWorkers(workersOf(next.alias, transport, count));
      });
      after(async () => {
        await workers.close();
        next.remove();
      });

      const sender = count === 1 ? "adding" : "sending";
      const ask = async (worker: string, path: string): Promise<string> => {
        const response = await workers.fetchFrom(worker, path);
        const text = await response.text();
        assert.equal(response.status, 200, text);
        return text;
      };
      const record = (release: Release, value: number) =>
        ask(sender, `/count?release=${release}&count=${value}`);
      const deploy = async (release: Release) => {
        await ask("adding", `/deploy?release=${release}`);
        await workers.evict("TELEMETRY", "isotel-0");
      };
      const samples = async () => samplesOf(await ask("adding", "/metrics"));
      const expectTotal = (total: number) =>
        eventually(async () => {
          // A send that failed is repeated by the next invocation.
          await ask(sender, "/");
          assert.equal((await samples()).get("orders_total"), total);
        }, waitMs);
      const saidOnce = async (worker: string, message: RegExp) => {
        const said = JSON.parse(await ask(worker, "/said")) as string[];
        const matching = said.filter((one) => message.test(one));
        assert.equal(matching.length, 1, JSON.stringify(said, null, 1));
      };

      test("frames of the release after wait for it, and hold no others back", async () => {
        await record("now", 1);
        await expectTotal(1);
        await record("next", 10);
        await record("now", 100);
        await expectTotal(101);
        await eventually(async () => {
          const newer = (await samples()).get("isotel_frames_newer_total") ?? 0;
          assert.ok(newer > 0, "the frame has come");
        });
        await record("now", 1_000);
        await expectTotal(1_101);
        if (transport === "queue") await saidOnce("adding", /metrics of a newer version of isotel/);
        else await saidOnce(sender, /runs an older version of isotel/);

        await deploy("next");
        await expectTotal(1_111);
      });

      test("frames of the release before are added by the one after", async () => {
        await record("now", 10_000);
        await record("next", 100_000);
        await expectTotal(111_111);
      });

      test("a snapshot of the release after is no empty exposition to the one before", async () => {
        await eventually(async () => {
          const text = await ask("adding", "/metrics?kv");
          assert.equal(samplesOf(text).get("orders_total"), 111_111);
        });
        await ask("adding", "/deploy?release=now");
        const response = await workers.fetchFrom("adding", "/metrics?kv");
        assert.equal(response.status, 503);
        assert.match(await response.text(), /unknownVersion.*a newer version of isotel wrote it/);
      });

      test("rolled back, the totals stay as they are stored, and frames wait for the way forward", async () => {
        const before = await ask("adding", "/stored");
        await deploy("now");
        await record("now", 1_000_000);
        await record("next", 10_000_000);
        await eventually(async () => {
          const response = await workers.fetchFrom("adding", "/metrics");
          assert.equal(response.status, 503);
          assert.match(await response.text(), /stored totals .*a newer version of isotel wrote it/);
        });
        await saidOnce("adding", /the aggregator isotel-0 failed.*stored totals cannot be read/);
        assert.equal(await ask("adding", "/stored"), before);

        await deploy("next");
        await expectTotal(11_111_111);
        const found = await samples();
        assert.equal(found.get("isotel_frames_rejected_total"), 0);
        assert.equal(found.get("isotel_sequences_given_up_total"), 0);
        assert.equal(found.get("isotel_frames_too_old_total"), 0);
      });
    });
  }
}
