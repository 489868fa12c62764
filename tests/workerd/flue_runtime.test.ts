import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Scenario } from "../flue/agents.ts";
import { expectedEdges, expectedFailures } from "../flue/expected.ts";
import type { Span } from "../harness/spans.ts";
import type { LocalWorker } from "../harness/start.ts";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../otlp_receiver/requests.ts";
import { startApp } from "./harness/app.ts";
import { assertAllClosed, assertAttributes, describeSpans } from "./harness/assertions.ts";
import { pause } from "./harness/export_counts.ts";

const classes = ["Reporter", "Compactor", "WithinRequest"];

const answers: Readonly<Record<Scenario, string>> = {
  toolAndTask: "done",
  failingTool: "done",
  aborted: "aborted",
  compaction: "done",
};
const all = Object.keys(answers) as Scenario[];

function start(vars: Readonly<Record<string, string>>): Promise<LocalWorker> {
  return startApp("flue_runtime", {
    config: {
      main: "tests/workerd/agents/flue.ts",
      vars,
      durable_objects: { bindings: classes.map((name) => ({ name, class_name: name })) },
      migrations: [{ tag: "v1", new_sqlite_classes: classes }],
    },
  });
}

const isFlue = ({ name }: { readonly name: string }) => /^(flue\.|chat )/.test(name);

function edgesOf(spans: readonly Pick<Span, "name" | "spanId" | "parentSpanId">[]): string[] {
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  return spans
    .map(({ name, parentSpanId = "" }) => {
      const parent = names.get(parentSpanId);
      return parent === undefined ? name : `${name} < ${parent}`;
    })
    .sort();
}

async function assertCounts(app: LocalWorker): Promise<void> {
  const counts = (await (await app.fetch("/diagnostics")).json()) as Record<string, number>;
  const { open_spans, swallowed_errors, traps } = counts;
  assert.deepEqual(
    { open_spans, swallowed_errors, traps },
    { open_spans: 0, swallowed_errors: 0, traps: 0 },
  );
}

describe("Flue itself within a request, as native spans", () => {
  let app: LocalWorker;
  before(async () => {
    app = await start({});
  });
  after(() => app.close());

  async function run(scenario: Scenario): Promise<Span[]> {
    const answer = await app.fetch(`/within/${scenario}`);
    assert.equal(await answer.text(), answers[scenario]);
    return (await app.takeSpans({ invocations: 2 })).filter(
      ({ name }) => !name.startsWith("durable"),
    );
  }

  for (const scenario of all) {
    test(`${scenario}: names, parents and failures, all closed, and the answer is the same`, async () => {
      const spans = (await run(scenario)).filter(isFlue);
      assert.deepEqual(edgesOf(spans), expectedEdges[scenario], describeSpans(spans));
      assertAllClosed(spans);
      const failures = spans
        .filter(({ status }) => status === "error")
        .map(({ name, statusMessage }) => `${name}: ${statusMessage}`);
      assert.deepEqual(failures.sort(), expectedFailures[scenario]);
      await assertCounts(app);
      await app.takeSpans();
    });
  }

  test("they stand in the invocation that did the work, and say what it was", async () => {
    const spans = await run("toolAndTask");
    const isMain = ({ attributes }: Span) =>
      attributes["flue.operation.kind"] === "prompt" && !("flue.task.id" in attributes);
    const operation = spans.find(isMain);
    const invocation = spans.find(({ spanId }) => spanId === operation?.parentSpanId);
    assert.ok(operation && invocation?.isInvocation, describeSpans(spans));
    assertAttributes(operation, { "flue.agent.name": "Reporter", "flue.duration_ms": /^\d+$/ });
    const chat = spans.find(({ name }) => name === "chat child");
    assert.ok(chat);
    assertAttributes(chat, {
      "gen_ai.provider.name": "faux",
      "gen_ai.request.model": "child",
      "gen_ai.response.finish_reasons": '["stop"]',
      "gen_ai.usage.input_tokens": /^[1-9]\d*$/,
      "flue.turn.input": undefined,
    });
    const tool = spans.find(({ name }) => name === "flue.tool lookup");
    assert.ok(tool && tool.durationMs >= 1);
  });
});

// Work that goes on when its object's alarm has answered: the runtime keeps no span past that, OTLP keeps them all.
describe("Flue itself in Durable Objects, over OTLP", () => {
  let receiver: Receiver;
  let app: LocalWorker;
  before(async () => {
    receiver = await startReceiver();
    app = await start({ OTLP: JSON.stringify({ backend: "custom", endpoint: receiver.url }) });
  });
  after(async () => {
    await app.close();
    await receiver.close();
  });

  // How often an object looks after its submissions depends on time.
  const coordinator = "flue.coordinator";
  let hasCoordinated = false;

  async function arrived(count: number): Promise<ReceivedItem[]> {
    for (let i = 0; ; i += 1) {
      const traces = receiver.requests.filter(({ path }) => path.endsWith("/traces"));
      const spans = traces.flatMap(({ items }) => items).filter(isFlue);
      const work = spans.filter(({ name }) => name !== coordinator);
      if (spans.length > work.length) hasCoordinated = true;
      if (work.length >= count || i > 400) return work;
      await pause(25);
    }
  }

  for (const scenario of all) {
    test(`${scenario}: names, parents and failures, and the answer is the same`, async () => {
      receiver.requests.length = 0;
      const answer = await app.fetch(`/${scenario}`);
      assert.equal(await answer.text(), answers[scenario]);
      const spans = await arrived(expectedEdges[scenario].length);
      assert.deepEqual(edgesOf(spans), expectedEdges[scenario]);
      const failed = expectedFailures[scenario].map((text) => text.replace(/:.*/, ""));
      assert.deepEqual(
        spans
          .filter(({ status }) => status === 2)
          .map(({ name }) => name)
          .sort(),
        failed,
      );
      const chats = spans.filter(({ name }) => name.startsWith("chat "));
      assert.ok(chats.every(({ kind }) => kind === 3));
      await assertCounts(app);
    });
  }

  test("what an object does to look after its submissions is told as well", () => {
    assert.equal(hasCoordinated, true);
  });
});
