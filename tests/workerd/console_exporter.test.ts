import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import { eventually } from "./harness/eventually.ts";
import { type PlainWorkers, type Printed, startPlainWorkers } from "./harness/plain_workerd.ts";

const name = "console_exporter";

const order = `of the program
GET                              0 ms  status 200
└─ place_order                   0 ms  app.plan=pro
   ├─ reserve                    0 ms
   └─ invoke_agent shop          0 ms  given-1, 14 → 6 tokens, stop
      ├─ chat given-1            0 ms  7 → 3 tokens, tool-calls
      ├─ execute_tool lookup     0 ms  ERROR RangeError, call_lookup
      └─ chat given-1            0 ms  7 → 3 tokens, stop
`;

/** Returns the text with the same columns, and 0 ms in place of each duration. */
function withoutTimes(text: string): string {
  return text.replace(/ {2}[ \d.]+ m?s(?= {2}|$)/gm, (shown) => "0 ms".padStart(shown.length));
}

describe("spans on the console of a Worker", () => {
  const printed: Printed = { stdout: "", stderr: "" };
  let app: PlainWorkers;
  let receiver: Receiver;
  before(async () => {
    const main = `tests/workerd/apps/${name}/index.ts`;
    receiver = await startReceiver();
    const OTLP = JSON.stringify({ backend: "custom", endpoint: receiver.url });
    app = await startPlainWorkers([{ name, main, vars: { OTLP } }], printed);
  });
  after(async () => {
    await app.close();
    await receiver.close();
  });
  afterEach(() => {
    printed.stdout = "";
    receiver.requests.length = 0;
  });

  async function printedFor(path: string, isWhole: (text: string) => boolean): Promise<string> {
    await (await app.fetchFrom(name, path)).text();
    await eventually(async () => assert.ok(isWhole(printed.stdout), printed.stdout));
    return withoutTimes(printed.stdout);
  }

  test("a request is one tree, printed when it is over", async () => {
    assert.equal(await printedFor("/order", (text) => text.includes("GET ")), order);
  });

  test("the lines are no log records, unlike those of the program", async () => {
    await printedFor("/order", (text) => text.includes("GET "));
    await receiver.item("span", (item) => item.name === "place_order");
    await printedFor("/order", (text) => text.split("GET ").length === 3);
    const logs = () =>
      receiver.requests
        .filter(({ path }) => path.endsWith("/logs"))
        .flatMap(({ items }) => items.map((item) => item.name));
    await eventually(async () => assert.equal(logs().length, 2));
    assert.deepEqual(logs(), ["of the program", "of the program"]);
  });

  test("a handler that throws is a failed line", async () => {
    const text = await printedFor("/throws", (shown) => shown.endsWith("\n"));
    assert.equal(text, "GET     0 ms  ERROR TypeError\n");
  });

  test("the tree of a streamed response is printed when the stream has ended", async () => {
    const text = await printedFor("/streamed", (shown) => shown.includes("streamed"));
    assert.equal(
      text,
      "GET             0 ms  status 200\n├─ streamed     0 ms\n└─ chunk        0 ms\n",
    );
  });

  test("nothing waits, and isotel reports nothing", async () => {
    await eventually(async () => {
      const counts = (await (await app.fetchFrom(name, "/diagnostics")).json()) as object;
      const { otlp_queued, otlp_failures, swallowed_errors } = counts as Record<string, number>;
      assert.deepEqual([otlp_queued, otlp_failures, swallowed_errors], [0, 0, 0]);
    });
    assert.doesNotMatch(printed.stderr, /isotel/);
  });
});
