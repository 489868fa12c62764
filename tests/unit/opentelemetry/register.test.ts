// The rules of the API's global registrations.
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import api, { createNoopMeter } from "@opentelemetry/api";
import { registerOver } from "../../../bindings/opentelemetry/register.ts";
import { logs } from "../../opentelemetry/sdk.ts";
import { recording } from "../support/tracing.ts";

const { context, metrics, propagation, trace } = api;
const key = Symbol.for("opentelemetry.js.api.1");
const globals = globalThis as unknown as Record<symbol, Record<string, unknown> | undefined>;
const names = () => Object.keys(globals[key] ?? {}).filter((name) => name !== "version");
const meterProvider = { getMeter: () => createNoopMeter() };

afterEach(() => {
  for (const part of [trace, context, propagation, metrics, api.logs, logs]) part.disable();
});

describe("registration with the OpenTelemetry API", () => {
  test("registers every part, and unregister removes them", () => {
    const { unregister, ...done } = registerOver(recording().telemetry, meterProvider);
    assert.deepEqual(done, {
      traces: true,
      contexts: true,
      propagation: true,
      metrics: true,
      logs: true,
    });
    assert.deepEqual(names().sort(), ["context", "logs", "metrics", "propagation", "trace"]);
    const isOurs = (provider: object) => provider.constructor.name === "OtelLoggerProvider";
    assert.ok(isOurs(logs.getLoggerProvider()));
    unregister();
    assert.deepEqual(names(), []);
    assert.ok(!isOurs(logs.getLoggerProvider()));
    unregister();
  });

  test("unregister leaves a logger provider that was registered since", () => {
    const { unregister } = registerOver(recording().telemetry);
    const next = { getLogger: () => ({ emit() {}, enabled: () => false }) };
    logs.disable();
    logs.setGlobalLoggerProvider(next);
    unregister();
    assert.equal(logs.getLoggerProvider(), next);
  });

  test("leaves out metrics if no meter provider is imported", () => {
    const { metrics: isMetrics, unregister } = registerOver(recording().telemetry);
    assert.equal(isMetrics, false);
    assert.ok(!names().includes("metrics"));
    unregister();
  });

  test("leaves each part that is taken, and names them on the console once", (t) => {
    const lines = t.mock.method(console, "error", () => {});
    const first = { getLogger: () => ({ emit() {}, enabled: () => false }) };
    const propagator = { inject() {}, extract: () => context.active(), fields: () => [] };
    propagation.setGlobalPropagator(propagator);
    logs.setGlobalLoggerProvider(first);
    metrics.setGlobalMeterProvider(meterProvider);
    for (let i = 0; i < 2; i += 1) {
      const { unregister, ...done } = registerOver(recording().telemetry, meterProvider);
      assert.deepEqual(done, {
        traces: true,
        contexts: true,
        propagation: false,
        metrics: false,
        logs: true,
      });
      unregister();
      assert.equal(globals[key]?.["propagation"], propagator);
      assert.equal(globals[key]?.["metrics"], meterProvider);
      assert.equal(logs.getLoggerProvider(), first);
    }
    const said = lines.mock.calls.map(({ arguments: [line] }) => String(line));
    assert.equal(said.length, 1);
    assert.match(
      said[0] ?? "",
      /has a propagator, a meter provider, a logger provider, which stay/,
    );
  });

  test("registers neither contexts nor propagation next to another tracer provider", (t) => {
    t.mock.method(console, "error", () => {});
    trace.setGlobalTracerProvider({ getTracer: () => trace.getTracer("first") });
    const { unregister, ...done } = registerOver(recording().telemetry);
    assert.deepEqual(
      [done.traces, done.contexts, done.propagation, done.logs],
      [false, false, false, true],
    );
    assert.ok(!names().includes("context") && !names().includes("propagation"));
    unregister();
    assert.ok(names().includes("trace"));
  });

  test("names the version of the API that is in use if it is another one", (t) => {
    const lines = t.mock.method(console, "error", () => {});
    const known = globals[key];
    globals[key] = Object.defineProperty({}, "version", { value: "1.9.1" });
    t.after(() => {
      globals[key] = known;
    });
    const { unregister, ...done } = registerOver(recording().telemetry, meterProvider);
    unregister();
    assert.deepEqual(done, {
      traces: false,
      contexts: false,
      propagation: false,
      metrics: false,
      // The package @opentelemetry/api-logs has a registry of its own.
      logs: true,
    });
    assert.match(
      String(lines.mock.calls.at(-1)?.arguments[0]),
      /@opentelemetry\/api 1\.9\.1 .*dedupe/,
    );
  });
});
