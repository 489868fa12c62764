import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { consumeTelemetry } from "../../../bindings/aggregate/consume_telemetry.ts";
import { metricsResponse } from "../../../bindings/aggregate/metrics_response.ts";
import { isPrinting, print, report, reportOnce } from "../../../bindings/base/report_once.ts";

describe("what isotel says on the console", () => {
  let said: unknown[][];
  let log: (...parts: unknown[]) => void;
  beforeEach(() => {
    said = [];
    log = (...parts) => void said.push(parts);
    mock.method(console, "error", (...parts: unknown[]) => log(...parts));
  });
  afterEach(() => mock.restoreAll());

  test("is said once, with its cause where one is given", () => {
    const cause = new Error("why");
    for (let times = 0; times < 3; times += 1) {
      reportOnce("first");
      reportOnce("second", cause);
      report("every time");
    }
    assert.deepEqual(said, [
      ["first"],
      ["second", cause],
      ["every time"],
      ["every time"],
      ["every time"],
    ]);
  });

  test("is marked while it is printed, by each method", () => {
    const marks: boolean[] = [];
    const methods = ["error", "warn", "log"] as const;
    for (const method of methods) {
      mock.method(console, method, () => {
        marks.push(isPrinting());
        print(method, "inside of the console");
      });
    }
    for (const method of methods) print(method, "outside", 1);
    report("outside");
    assert.deepEqual(marks, [true, true, true, true]);
    assert.equal(isPrinting(), false);
  });

  test("never reaches the program as an error of the console", () => {
    log = () => {
      throw new Error("the console fails");
    };
    reportOnce("third");
    report("third");
  });

  test("does not call a console from within itself, and is said the next time", () => {
    log = (...parts) => {
      said.push(parts);
      reportOnce("from within");
      report("from within");
    };
    reportOnce("from without");
    assert.deepEqual(said, [["from without"]]);
    reportOnce("from within");
    assert.deepEqual(said.slice(1), [["from within"]]);
  });

  test("a console that throws keeps no message from its retry and no scrape from its answer", async () => {
    log = () => {
      throw new Error("the console fails");
    };
    const outcomes: string[] = [];
    const message = {
      attempts: 1,
      body: new Uint8Array(3),
      ack: () => void outcomes.push("ack"),
      retry: () => void outcomes.push("retry"),
    };
    const failing = {
      idFromName: () => ({}),
      get: () => ({ apply: () => Promise.reject(new Error("broken")) }),
    };
    const batch = { queue: "telemetry", messages: [message] } as unknown as MessageBatch;
    await consumeTelemetry(batch, { aggregator: failing as never });
    assert.deepEqual(outcomes, ["retry"]);
    const scrape = new Request("https://shop.example/metrics");
    assert.equal((await metricsResponse(scrape, { public: true })).status, 503);
  });

  test("is at most a hundred different messages that are said once", () => {
    for (let number = 0; number < 300; number += 1) reportOnce(`message ${number}`);
    assert.ok(said.length <= 100);
    assert.match(String(said.at(-1)?.[0]), /100 different messages have been logged once/);
    assert.equal(new Set(said.flat()).size, said.length);
    report("still");
    assert.deepEqual(said.at(-1), ["still"]);
  });
});
