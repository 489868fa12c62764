import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type LocalWorker, startWorkers, type WorkerConfig } from "../harness/start.ts";
import { Producer } from "../wasm/support/producer.ts";
import { Random } from "../wasm/support/random.ts";
import type { Delivery, Step, TestMessage } from "./apps/mixed_batches/index.ts";
import { base64, type QueueResult, samplesOf } from "./harness/metrics_app.ts";

const kinds = ["WITH_TELEMETRY", "WITHOUT_HANDLER", "PLAIN"] as const;
const aggregator = { name: "TELEMETRY", class_name: "TelemetryAggregator" };
const nameOf = (kind: Delivery["to"]) => kind.toLowerCase().replace("_", "-");
const [first] = kinds;

/** A Worker of each kind. The first has the aggregator and calls the queue handlers of all, as the runtime does. */
const workers: WorkerConfig[] = kinds.map((kind) => ({
  name: nameOf(kind),
  main: "tests/workerd/apps/mixed_batches/index.ts",
  compatibility_flags: ["nodejs_compat", "service_binding_extra_handlers"],
  vars: { KIND: kind },
  services: kinds.map((binding) => ({ binding, service: nameOf(binding) })),
  durable_objects: {
    bindings: [kind === first ? aggregator : { ...aggregator, script_name: nameOf(first) }],
  },
  ...(kind === first && {
    migrations: [{ tag: "v1", new_sqlite_classes: ["TelemetryAggregator"] }],
  }),
}));

/** What the runtime does with a message after a batch. */
function fateOf(
  { outcome, ackAll, retryBatch, explicitAcks, retryMessages }: QueueResult,
  id: number,
): string {
  const retry = retryMessages.find(({ msgId }) => msgId === String(id));
  if (retry !== undefined) return `retried after ${retry.delaySeconds}`;
  if (explicitAcks.includes(String(id))) return "acknowledged";
  if (ackAll) return "acknowledged";
  if (retryBatch.retry) return `retried after ${retryBatch.delaySeconds}`;
  return outcome === "ok" ? "acknowledged" : "retried after undefined";
}

describe("a Worker's own messages in a batch with telemetry", () => {
  let app: LocalWorker;
  before(async () => {
    app = await startWorkers(workers);
  });
  after(() => app.close());

  const producer = new Producer(7);
  let sent = 0;
  const frame = (): TestMessage => {
    sent += 1;
    return { bytes: base64(producer.count({ name: "orders" }, 1, Date.now())) };
  };
  const deliver = async (delivery: Delivery) => {
    const response = await app.fetch("/", { method: "POST", body: JSON.stringify(delivery) });
    const result = (await response.json()) as QueueResult;
    const given = (await (await app.fetchFrom(nameOf(delivery.to), "/")).json()) as string[];
    return { result, given };
  };
  const assertAllAdded = async () => {
    const samples = samplesOf(await (await app.fetch("/metrics")).text());
    assert.equal(samples.get("orders_total"), sent);
  };

  test("are acknowledged and retried as in a batch of their own, whatever their handler does", async () => {
    const random = new Random(5);
    const names = ["ack", "retry", "ackAll", "retryAll", "wait", "throw"] as const;
    const stepOf = (count: number): Step => {
      const does = names[random.below(names.length)] as Step["does"];
      const delay = random.below(2) === 0 ? {} : { delaySeconds: random.below(9) };
      return { does, at: random.below(count), ...delay } as Step;
    };
    for (let run = 0; run < 150; run += 1) {
      const own = Array.from({ length: 1 + random.below(3) }, (_, at) => ({ text: `own ${at}` }));
      const messages: TestMessage[] = [frame()];
      const places = own.map((message) => {
        if (random.below(2) === 0) messages.push(frame());
        return messages.push(message) - 1;
      });
      const steps = Array.from({ length: random.below(5) }, () => stepOf(own.length));
      const plain = await deliver({ to: "PLAIN", messages: own, steps });
      const mixed = await deliver({ to: "WITH_TELEMETRY", messages, steps });
      const what = JSON.stringify({ steps, mixed: mixed.result, plain: plain.result });
      assert.equal(mixed.result.outcome, plain.result.outcome, what);
      assert.deepEqual(mixed.given, places.map(String));
      messages.forEach((_, at) => {
        const place = places.indexOf(at);
        const expected = place < 0 ? "acknowledged" : fateOf(plain.result, place);
        assert.equal(fateOf(mixed.result, at), expected, `message ${at} of ${what}`);
      });
    }
    await assertAllAdded();
  });

  test("are delivered again where there is no handler for them", async () => {
    const messages = [{ text: "own" }, frame(), { bytes: base64(new Uint8Array([1, 2, 3])) }];
    const { result } = await deliver({ to: "WITHOUT_HANDLER", messages, steps: [] });
    const fates = messages.map((_, at) => fateOf(result, at));
    assert.deepEqual(fates, ["retried after undefined", "acknowledged", "retried after undefined"]);
    await assertAllAdded();
  });

  test("reach their handler if they are text that begins with the letters of a frame", async () => {
    const texts = ["ISF", "ISF\n1\n", "ISF\r\n", "ISF\t1\t2", "ISFAHAN"];
    const messages = texts.map((text) => ({ bytes: base64(new TextEncoder().encode(text)) }));
    const batch = [...messages, frame()];
    const { given } = await deliver({ to: "WITH_TELEMETRY", messages: batch, steps: [] });
    assert.deepEqual(given, ["0", "1", "2", "3", "4"]);
    await assertAllAdded();
  });
});
