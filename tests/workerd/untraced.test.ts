import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { LocalWorker } from "../harness/start.ts";
import { startApp } from "./harness/app.ts";

describe("a Worker nobody observes", () => {
  let app: LocalWorker;
  before(async () => {
    app = await startApp("untraced", { tail: "none" });
  });
  after(() => app.close());

  test("has no traced spans", async () => {
    assert.equal(await (await app.fetch("/traced")).json(), false);
  });

  for (const sdk of ["v7", "v6"]) {
    test(`passes the original parameters to ai ${sdk} and looks at nothing in them`, async () => {
      const response = await app.fetch(`/${sdk}`);
      const untouched = { gotOriginal: true, returnedOriginal: true, touched: [] };
      assert.deepEqual(await response.json(), [untouched, untouched]);
    });
  }
});
