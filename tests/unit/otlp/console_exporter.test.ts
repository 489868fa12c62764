import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { readMetricsOptions } from "../../../bindings/metrics_export/read_metrics_options.ts";
import { consoleExporter } from "../../../bindings/otlp/console/console_exporter.ts";
import type { OtlpOptions } from "../../../bindings/otlp/pipeline/options.ts";
import { noopRuntime } from "../../../bindings/trace/span_runtime.ts";
import { plainSpan } from "../../otlp/plain_span.ts";
import { receiverOfFile } from "../../otlp_receiver/receiver.ts";
import { exportingOver } from "../support/exporting.ts";

const receiver = await receiverOfFile();

describe("an exporter that prints spans", () => {
  let printed: string[];
  beforeEach(() => {
    printed = [];
    mock.method(console, "log", (text: string) => printed.push(text));
  });
  afterEach(() => mock.restoreAll());

  const start = (options: Partial<OtlpOptions> = {}) =>
    exportingOver(noopRuntime, receiver, { backend: consoleExporter(), ...options });

  test("draws the tree of a trace with durations, failures and what matters of AI calls", async () => {
    const exporting = start({ backend: consoleExporter({ attributes: ["app.plan", "app.ids"] }) });
    const { tracer, clock } = exporting;
    tracer.withSpan("POST /chat", { "app.plan": "pro", "app.other": "hidden" }, () => {
      clock.now += 20;
      const agent = {
        "gen_ai.request.model": "gpt-5.2",
        "gen_ai.usage.input_tokens": 220,
        "gen_ai.usage.output_tokens": 40,
      };
      tracer.withSpan("invoke_agent shop", agent, () => {
        const chat = { ...agent, "gen_ai.response.time_to_first_chunk": 0.75 };
        tracer.withSpan("chat gpt-5.2", chat, () => {
          clock.now += 1_230;
        });
        const tool = { "gen_ai.tool.name": "get_weather", "gen_ai.tool.call.id": "call_1" };
        const run = () =>
          tracer.withSpan("execute_tool get_weather", tool, () => {
            clock.now += 12;
            throw new RangeError("No such city.");
          });
        assert.throws(run, RangeError);
      });
      tracer.withSpan(
        "write",
        { "app.ids": ["a", "b"], "app.plan": "x\n\u001b[31m".repeat(40) },
        () => {
          clock.now += 12_000;
        },
      );
    });
    assert.deepEqual(await exporting.spans(), []);
    assert.deepEqual(printed, [
      [
        "POST /chat                       13.3 s  app.plan=pro",
        "├─ invoke_agent shop             1.24 s  gpt-5.2, 220 → 40 tokens",
        "│  ├─ chat gpt-5.2               1.23 s  220 → 40 tokens, first chunk 750 ms",
        "│  └─ execute_tool get_weather    12 ms  ERROR RangeError, call_1",
        `└─ write                         12.0 s  app.plan=${"x [31m".repeat(10)}x …, app.ids=a b`,
      ].join("\n"),
    ]);
  });

  test("waits for the end of the trace, and counts what it printed", async () => {
    const exporting = start();
    const { tracer, pipeline } = exporting;
    await tracer.withSpan("outer", {}, async () => {
      tracer.withSpan("inner", {}, () => {});
      await pipeline.flush();
      assert.deepEqual(printed, []);
      assert.deepEqual(pipeline.hasWork, false);
    });
    await exporting.spans();
    assert.deepEqual(printed, ["outer        0 ms\n└─ inner     0 ms"]);
    const [counts] = pipeline.counts();
    assert.deepEqual(
      [counts?.backend, counts?.made, counts?.accepted, counts?.queued],
      ["console", 2, 2, 0],
    );
  });

  test("prints the oldest spans when too many wait", async () => {
    const exporting = start();
    const { tracer } = exporting;
    tracer.withSpan("outer", {}, () => {
      for (let i = 0; i < 2_049; i += 1) tracer.withSpan("one", {}, () => {});
      assert.equal(printed.length, 1);
      assert.equal(printed[0]?.split("\n").length, 2_049);
    });
    await exporting.spans();
    assert.deepEqual(printed.slice(1), ["outer     0 ms"]);
  });

  test("a console that throws, or that opens spans, disturbs nothing", async () => {
    const exporting = start();
    mock.method(console, "log", () =>
      exporting.tracer.withSpan("again", {}, () => {
        throw new Error("the console fails");
      }),
    );
    assert.equal(
      exporting.tracer.withSpan("outer", {}, () => 7),
      7,
    );
    await exporting.spans();
    const [counts] = exporting.pipeline.counts();
    assert.equal(counts?.accepted, counts?.made);
  });

  test("works beside a backend", async () => {
    const to = { backend: "custom", endpoint: receiver.url, format: "json" } as const;
    const backends = [to, { backend: consoleExporter() }];
    const exporting = start({ backends } as never);
    exporting.tracer.withSpan("both", {}, () => {});
    assert.deepEqual(
      (await exporting.spans()).map(({ name }) => name),
      ["both"],
    );
    assert.deepEqual(printed, ["both     0 ms"]);
  });

  test("spans of other Workers, which a collector receives, are trees by trace", async () => {
    const { pipeline } = start();
    pipeline.addSpan({ ...plainSpan, name: "first" }, true);
    pipeline.addSpan({ ...plainSpan, traceId: "2".repeat(32), name: "second" }, true);
    assert.equal(pipeline.hasWork, true);
    await pipeline.flush();
    assert.deepEqual(
      printed.map((text) => text.split(" ")[0]),
      ["first", "second"],
    );
  });

  test("takes part in sampling", async () => {
    const exporting = start({ tail: { ratio: 0 } });
    const fails = () => {
      throw new RangeError("not shown");
    };
    assert.throws(() => exporting.tracer.withSpan("kept", {}, fails), RangeError);
    exporting.tracer.withSpan("left out", {}, () => {});
    await exporting.spans();
    assert.deepEqual(printed, ["kept     0 ms  ERROR RangeError"]);
  });

  test("an export of metrics leaves it out", () => {
    const backend = { backend: consoleExporter() };
    const to = { backend: "custom", endpoint: receiver.url } as const;
    const { targets } = readMetricsOptions({ backends: [to, backend] }, {});
    assert.deepEqual(
      targets.map((target) => target.backend),
      ["custom"],
    );
    assert.throws(() => readMetricsOptions(backend, {}), /no backend is given that takes metrics/);
  });

  test("refuses options that are not keys, and a backend that is none", () => {
    assert.throws(
      () => consoleExporter({ attributes: "app.plan" as never }),
      /consoleExporter: attributes is a string of 8 characters; it has to be a list of keys/,
    );
    assert.throws(() => start({ backend: consoleExporter as never }), /backend is a function/);
    assert.throws(() => start({ backend: {} as never }), /backend is an object/);
  });
});
