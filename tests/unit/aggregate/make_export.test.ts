import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { makeExport } from "../../../bindings/aggregate/telemetry_aggregator.ts";
import { makeMetricsExport } from "../../../bindings/metrics_export/metrics_exporter.ts";
import { type ExportHost, provideMetricsExport } from "../../../bindings/slots/metrics_export.ts";
import { MemoryStorage } from "../support/runtime_doubles.ts";

const host = { storage: new MemoryStorage() } as unknown as ExportHost;
const backend = () => ({ backend: "custom", endpoint: "https://otel.example" }) as const;
const sending = { clock: Date.now, fetch, sleep: async () => {}, random: Math.random };

describe("the export an aggregator asks for", () => {
  let errors: string[];
  beforeEach(() => {
    errors = [];
    mock.method(console, "error", (message: string) => errors.push(message));
  });
  afterEach(() => mock.restoreAll());

  test("is none in a Worker that does not carry it, which is told", () => {
    assert.equal(makeExport(backend, {}, host), undefined);
    assert.match(errors.join("\n"), /does not carry it\. Add import "isotel\/otlp\/metrics";/);
  });

  describe("in a Worker that carries it", () => {
    beforeEach(() =>
      provideMetricsExport((options, env, whose) =>
        makeMetricsExport(options, env, whose, sending),
      ),
    );

    test("is what its option says of the env", () => {
      const asked: unknown[] = [];
      const env = { name: "production" };
      const otlp = (given: unknown) => {
        asked.push(given);
        return backend();
      };
      assert.deepEqual(
        makeExport(otlp, env, host)
          ?.counts()
          .map((counts) => counts.backend),
        ["custom"],
      );
      assert.deepEqual([asked, errors], [[env], []]);
    });

    test("is none without the option, and where it gives undefined", () => {
      assert.equal(makeExport(undefined, {}, host), undefined);
      assert.equal(
        makeExport(() => undefined, {}, host),
        undefined,
      );
      assert.deepEqual(errors, []);
    });

    test("is none with options that are wrong, which are told", () => {
      const wrong = () => ({ backend: "newrelic" }) as never;
      assert.equal(makeExport(wrong, {}, host), undefined);
      assert.match(errors.join("\n"), /backend is .*; it has to be one of/);
    });

    test("is none where the option throws, and nothing of the cause is told", () => {
      const throwing = () => {
        throw new Error("s3cret");
      };
      assert.equal(makeExport(throwing, {}, host), undefined);
      assert.deepEqual(errors, [
        "isotel: the option otlp cannot be read (Error); nothing is sent over OTLP.",
      ]);
    });
  });
});
