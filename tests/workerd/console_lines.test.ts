import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { type LocalWorker, startWorkers } from "../harness/start.ts";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../otlp_receiver/requests.ts";
import { collectorConfig, collectorName } from "./harness/collector_config.ts";
import { eventually } from "./harness/eventually.ts";
import { type PlainWorkers, type Printed, startPlainWorkers } from "./harness/plain_workerd.ts";

const main = "tests/workerd/apps/console_lines/index.ts";
const name = "console_lines";
const [debug, info, warn, error] = [5, 9, 13, 17];

function logsOf({ requests }: Receiver): ReceivedItem[] {
  return requests.filter(({ path }) => path.endsWith("/logs")).flatMap(({ items }) => items);
}

/** Waits for the record that the route /log sends last, and returns the ones before it. */
async function logsUntilLast(receiver: Receiver): Promise<readonly ReceivedItem[]> {
  await receiver.item("last record", (item) => item.name === "emitted");
  return logsOf(receiver).filter((item) => item.name !== "emitted");
}

const bodiesOf = (logs: readonly ReceivedItem[]) => logs.map((log) => log.name);

/** A Worker with the option, and what it printed and sent. */
interface Started {
  readonly workers: PlainWorkers;
  readonly printed: Printed;
  readonly receiver: Receiver;
  /** Asks a route. Returns its answer, and the records that it sent. */
  ask(path: string): Promise<{ answer: unknown; logs: readonly ReceivedItem[] }>;
  close(): Promise<void>;
}

async function start(
  options: object,
  compatibility?: { readonly date: string; readonly flags: readonly string[] },
): Promise<Started> {
  const receiver = await startReceiver();
  const printed = { stdout: "", stderr: "" };
  const OTLP = JSON.stringify({ backend: "custom", endpoint: receiver.url, ...options });
  const config = { name, main, vars: { OTLP }, ...(compatibility && { compatibility }) };
  const workers = await startPlainWorkers([config], printed).catch(async (cause: unknown) => {
    await receiver.close();
    throw cause;
  });
  const fetchJson = async (path: string): Promise<unknown> =>
    (await workers.fetchFrom(name, path)).json();
  return {
    workers,
    printed,
    receiver,
    async ask(path) {
      receiver.requests.length = 0;
      const answer = await fetchJson(path);
      await fetchJson("/log");
      return { answer, logs: await logsUntilLast(receiver) };
    },
    async close() {
      await workers.close();
      await receiver.close();
    },
  };
}

const routesWithLines = ["/texts", "/errors", "/formatted"] as const;

describe("console lines of workerd as log records", () => {
  let app: Started;
  before(async () => {
    app = await start({ consoleLogs: true });
  });
  after(() => app.close());
  afterEach(() => {
    app.printed.stdout = "";
    app.printed.stderr = "";
  });

  for (const route of routesWithLines) {
    test(`${route}: a body is the line that the console prints`, async () => {
      const { logs } = await app.ask(route);
      assert.ok(logs.length > 0);
      const linesFrom = (least: number, below: number) =>
        logs
          .filter(({ severity: [number] }) => number >= least && number < below)
          .map((log) => `${log.name}\n`)
          .join("");
      const secret = "https://user:password@host.example/path?token=abc";
      const clean = (text: string) =>
        text.replaceAll(secret, "https://REDACTED:REDACTED@host.example/path?token=REDACTED");
      await eventually(async () => {
        assert.equal(linesFrom(0, warn), clean(app.printed.stdout));
        // workerd may have printed a line when it started.
        const { stderr } = app.printed;
        const lines = linesFrom(warn, 25);
        assert.equal(stderr.slice(Math.max(stderr.length - lines.length, 0)), lines);
      });
    });
  }

  test("a line has the severity of its method and the ids of the active span", async () => {
    const { logs } = await app.ask("/texts");
    assert.deepEqual(
      logs.map(({ severity }) => severity),
      [
        [debug, "debug"],
        [info, "log"],
        [info, "info"],
        [warn, "warn"],
        [error, "error"],
        [info, "log"],
        [info, "log"],
      ],
    );
    const { answer, logs: nested } = await app.ask("/spans");
    const { outer, inner } = answer as Record<
      "outer" | "inner",
      { traceId: string; spanId: string }
    >;
    const [request, ...inSpans] = nested;
    assert.equal(request?.traceId, outer.traceId);
    assert.match(request?.spanId ?? "", /^[\da-f]{16}$/);
    assert.deepEqual(
      inSpans.map((log) => [log.name, log.traceId, log.spanId]),
      [
        ["in outer", outer.traceId, outer.spanId],
        ["in inner", inner.traceId, inner.spanId],
      ],
    );
  });

  test("a console that was replaced before is called as without isotel", async () => {
    const { answer, logs } = await app.ask("/calls");
    assert.deepEqual(answer, {
      results: ["returned", "returned"],
      calls: 2,
      selves: [true, true],
      args: true,
      value: { a: 1 },
    });
    assert.deepEqual(bodiesOf(logs), ["{ a: 1 } x", "y"]);
  });

  test("an error of the console reaches the program, and its line is not sent", async () => {
    const { answer, logs } = await app.ask("/throws");
    assert.equal(answer, "RangeError: the console fails");
    assert.deepEqual(logs, []);
    assert.deepEqual(bodiesOf((await app.ask("/mutated")).logs), ["{ a: 1 }"]);
  });

  test("a line that a console prints through another method is one record", async () => {
    const { logs } = await app.ask("/nested");
    assert.deepEqual(
      logs.map((log) => [log.name, log.severity[0]]),
      [["nested 1", debug]],
    );
    await eventually(async () => assert.equal(app.printed.stdout, "from debug: 1\n"));
  });

  test("a console that is replaced later is called, and lines that it passes on are sent", async () => {
    const { answer, logs } = await app.ask("/replaced");
    assert.deepEqual(answer, ["object"]);
    assert.deepEqual(bodiesOf(logs), ["[app] method", "after"]);
  });

  test("values with methods that throw or print change nothing", async () => {
    const { answer, logs } = await app.ask("/hostile");
    const alone = await start({});
    try {
      assert.deepEqual(answer, (await alone.ask("/hostile")).answer);
    } finally {
      await alone.close();
    }
    assert.ok(bodiesOf(logs).includes("<prints>"));
    assert.ok(!bodiesOf(logs).includes("from inspect"));
    const kept = logs.find(({ attributes }) => "exception.type" in attributes);
    assert.deepEqual(kept?.attributes, {
      "exception.type": "Error",
      "exception.message": "kept",
    });
  });

  test("isotel's own lines are printed and not sent", async () => {
    const { logs } = await app.ask("/own");
    assert.deepEqual(bodiesOf(logs), ["of the program"]);
    await eventually(async () => assert.match(app.printed.stderr, /^isotel: a request was sent/m));
  });

  test("a handler without the option sends none", async () => {
    assert.deepEqual((await app.ask("/unwrapped")).logs, []);
    await eventually(async () => assert.equal(app.printed.stdout, "outside of the export\n"));
  });

  test("a line after the response is sent", async () => {
    await app.ask("/after");
    await app.receiver.item("line", (item) => item.name === "after the response");
  });

  test("a long line is cut", async () => {
    const { logs } = await app.ask("/long");
    assert.equal(logs[0]?.name, "x".repeat(65_536));
  });

  test("of an invocation, 1,000 lines are sent and the others are counted", async () => {
    const { logs } = await app.ask("/many?count=1200");
    const sent = Array.from({ length: 1_000 }, (_, i) => String(i));
    assert.deepEqual(bodiesOf(logs), sent);
    const { answer } = await app.ask("/diagnostics");
    assert.equal((answer as Record<string, number>)["otlp_dropped_too_many"], 200);
    await eventually(async () => {
      assert.equal(app.printed.stdout.match(/^\d+$/gm)?.length, 1_200);
      assert.match(app.printed.stderr, /logs for custom: items are dropped \(too_many\)/);
    });
  });
});

describe("the option consoleLogs", () => {
  test("is off by default: the console stays that of the runtime, and prints the same", async () => {
    const [off, on] = await Promise.all([start({}), start({ consoleLogs: true })]);
    try {
      for (const route of routesWithLines) {
        assert.deepEqual((await off.ask(route)).logs, []);
        await on.ask(route);
      }
      assert.equal((await off.ask("/is_native")).answer, true);
      assert.equal((await on.ask("/is_native")).answer, false);
      await eventually(async () => {
        assert.match(off.printed.stdout, /with a code/);
        assert.equal(on.printed.stdout, off.printed.stdout);
        assert.equal(on.printed.stderr, off.printed.stderr);
      });
    } finally {
      await Promise.all([off.close(), on.close()]);
    }
  });

  test("may be the least level", async () => {
    const app = await start({ consoleLogs: "warn" });
    try {
      const { logs } = await app.ask("/texts");
      assert.deepEqual(bodiesOf(logs), ["100% sure", "over\ntwo lines"]);
    } finally {
      await app.close();
    }
  });

  test("does not depend on the sampling of traces", async () => {
    const app = await start({ consoleLogs: true, sampleRatio: 0 });
    try {
      const { logs } = await app.ask("/texts");
      assert.equal(logs.length, 7);
      for (const { traceId, flags } of logs) {
        assert.match(traceId, /^[\da-f]{32}$/);
        assert.equal(flags, 0);
      }
      assert.deepEqual(
        [...new Set(app.receiver.requests.map(({ path }) => path))],
        ["POST /v1/logs"],
      );
    } finally {
      await app.close();
    }
  });

  test("works without nodejs_compat, with values as JSON", async () => {
    const app = await start({ consoleLogs: true }, { date: "2026-06-01", flags: ["nodejs_als"] });
    try {
      assert.deepEqual(bodiesOf((await app.ask("/mutated")).logs), ['{"a":1}']);
      assert.equal((await app.ask("/formatted")).logs.length, 12);
    } finally {
      await app.close();
    }
  });
});

describe("console lines beside a collector", () => {
  let app: LocalWorker;
  let own: Receiver;
  let collected: Receiver;
  before(async () => {
    process.env["X_LOCAL_OBSERVABILITY"] = "true";
    [own, collected] = await Promise.all([startReceiver(), startReceiver()]);
    const OTLP = JSON.stringify({ backend: "custom", endpoint: own.url, consoleLogs: true });
    app = await startWorkers([
      { name, main, vars: { OTLP }, streaming_tail_consumers: [{ service: collectorName }] },
      collectorConfig(collected.url, "token"),
    ]);
  });
  after(async () => {
    await app.close();
    await Promise.all([own.close(), collected.close()]);
  });

  /** The records of a route: those of the Worker, and those of the collector. */
  async function bothOf(route: string, count: number) {
    for (const { requests } of [own, collected]) requests.length = 0;
    await (await app.fetch(route)).text();
    await eventually(async () => {
      for (const receiver of [own, collected]) assert.equal(logsOf(receiver).length, count);
    });
    return [logsOf(own), logsOf(collected)] as const;
  }

  test("lines of texts are the records that the collector makes of them", async () => {
    const [sent, oracle] = await bothOf("/texts", 7);
    const shown = ({ name: body, severity, traceId, spanId, flags, attributes }: ReceivedItem) => ({
      body,
      severity,
      traceId,
      spanId,
      flags,
      attributes,
    });
    assert.deepEqual(sent.map(shown), oracle.map(shown));
  });

  test("values are formatted by the runtime, also if wrangler bundles the Worker", async () => {
    const [sent, oracle] = await bothOf("/mutated", 1);
    assert.deepEqual([bodiesOf(sent), bodiesOf(oracle)], [["{ a: 1 }"], ['{"a":1}']]);
  });

  test("errors have its attributes, with stacks that begin with name and message", async () => {
    const [sent, oracle] = await bothOf("/errors", 5);
    for (const [index, { attributes }] of sent.entries()) {
      const expected = oracle[index]?.attributes ?? {};
      const frames = String(expected["exception.stacktrace"]);
      assert.match(frames, /^ +at /);
      const stack = String(attributes["exception.stacktrace"]);
      assert.match(stack.slice(0, stack.indexOf("\n")), /^(\w+)(Error)?: \w+$/);
      assert.equal(stack.slice(stack.indexOf("\n") + 1), frames);
      assert.deepEqual({ ...attributes, "exception.stacktrace": frames }, expected);
    }
    assert.deepEqual(
      sent.map(({ attributes }) => attributes["exception.type"]),
      ["Error", "TypeError", "Error", "NamedError", "Error"],
    );
  });
});
