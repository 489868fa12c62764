import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { measure } from "../cost/measure.ts";
import { usdPerMillionRequests } from "../cost/prices.ts";

describe("at 100 requests a second an isolate", () => {
  for (const transport of ["queue", "aggregator"] as const) {
    test(`metrics cost no more than 0.05 USD for a million requests by ${transport}`, async () => {
      const measured = await measure({ transport, isolates: 1, rate: 100, seconds: 60 });
      assert.equal(measured.requests, 6000);
      assert.equal(measured.messages, transport === "queue" ? 6 : 0);
      assert.equal(measured.consumerInvocations, measured.messages);
      assert.equal(measured.aggregatorCalls, 6, "one for each flush");
      assert.equal(measured.kvWrites, 6, "one for each flush");
      assert.equal(measured.scrapes, 4);
      assert.ok(measured.rowsWritten > 0);
      const usd = usdPerMillionRequests(measured);
      assert.ok(usd > 0.005 && usd <= 0.05, JSON.stringify({ usd, ...measured }));
    });
  }
});
