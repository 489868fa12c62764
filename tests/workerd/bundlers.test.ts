import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import { edges } from "../unit/support/exporting.ts";
import { startPlainWorkers } from "./harness/plain_workerd.ts";

interface State {
  readonly lines: readonly string[];
  readonly diagnostics: Readonly<Record<string, number>>;
}

describe("a Worker bundled by esbuild with the export conditions", () => {
  let receiver: Receiver;
  before(async () => {
    receiver = await startReceiver();
  });
  after(() => receiver.close());

  /** Requests a Worker a few times: its answers and its state afterwards. */
  async function run(conditions: readonly string[]): Promise<State> {
    receiver.requests.length = 0;
    const OTLP = JSON.stringify({ backend: "custom", endpoint: receiver.url, signals: ["traces"] });
    const worker = await startPlainWorkers([
      { name: "bundled", main: "tests/workerd/apps/bundled/index.ts", conditions, vars: { OTLP } },
    ]);
    try {
      for (let i = 0; i < 3; i += 1) {
        const response = await worker.fetchFrom("bundled", "/");
        assert.deepEqual([response.status, await response.text()], [200, "worked"]);
      }
      return (await (await worker.fetchFrom("bundled", "/state")).json()) as State;
    } finally {
      await worker.close();
    }
  }

  test("workerd: exports its spans and logs nothing", async () => {
    const { lines } = await run(["workerd"]);
    assert.deepEqual(lines, []);
    await receiver.arrived(3);
    const spans = receiver.requests.flatMap(({ items }) => items);
    assert.ok(edges(spans).includes("work < GET"));
  });

  for (const conditions of [["node"], [], ["browser"], ["import", "module", "node"]]) {
    test(`${conditions.join(", ") || "none"}: answers, and says once for each module what to change`, async () => {
      const { lines, diagnostics } = await run(conditions);
      // The spans that cannot be encoded are reported as dropped.
      const missing = lines.filter((line) => !line.includes("are dropped (not_encoded"));
      const modules = missing.map(
        (line) => /^isotel: (\w+\.wasm) could not be loaded/.exec(line)?.[1],
      );
      assert.deepEqual(modules.sort(), ["core.wasm", "otlp.wasm"], lines.join("\n"));
      for (const line of missing) assert.match(line, /--conditions=workerd --loader:\.wasm=copy/);
      assert.equal(diagnostics["traps"], 0);
    });
  }
});
