// What the OpenTelemetry entry needs of the runtime.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Printed, startPlainWorkers } from "./harness/plain_workerd.ts";

const start = (flags: readonly string[], printed?: Printed) =>
  startPlainWorkers(
    [
      {
        name: "otel_flags",
        main: "tests/workerd/apps/otel_flags/index.ts",
        compatibility: { date: "2026-06-01", flags },
      },
    ],
    printed,
  );

describe("the OpenTelemetry entry in workerd", () => {
  for (const flag of ["nodejs_compat", "nodejs_als"]) {
    test(`keeps contexts across await with ${flag}`, async (t) => {
      const workers = await start([flag]);
      t.after(() => workers.close());
      const answer = await (await workers.fetchFrom("otel_flags", "/")).json();
      assert.deepEqual(answer, [true, true, true]);
    });
  }

  test("names the module that is missing without either flag", async () => {
    const printed = { stdout: "", stderr: "" };
    await assert.rejects(start([], printed), /workerd ended/);
    assert.match(printed.stderr, /No such module "node:async_hooks"/);
  });
});
