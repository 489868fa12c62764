import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createOpenTelemetryObserver } from "isotel/flue";
import {
  type EventContext,
  type ReferenceSpan,
  readEvents,
  readReference,
  scenariosV1,
  scenariosV3,
} from "../flue/recordings.ts";
import type { Span } from "../harness/spans.ts";
import type { LocalWorker } from "../harness/start.ts";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../otlp_receiver/requests.ts";
import { KeepingTracer } from "../unit/support/flue.ts";
import { startApp } from "./harness/app.ts";
import { assertAllClosed, describeSpans, spanNamed } from "./harness/assertions.ts";
import { eventually } from "./harness/eventually.ts";
import { pause } from "./harness/export_counts.ts";
import { samplesOf } from "./harness/metrics_app.ts";

/** A span as the native projection has it. */
interface Projected {
  readonly name: string;
  readonly parent: string | undefined;
  readonly status: string;
  readonly message: string | undefined;
  readonly exceptions: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
}

const byText = (a: object, b: object) => JSON.stringify(a).localeCompare(JSON.stringify(b));

function projected(spans: readonly ReferenceSpan[]): Projected[] {
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  return spans
    .map(({ name, parentSpanId, status, attributes, events }) => ({
      name,
      parent: parentSpanId ? names.get(parentSpanId) : undefined,
      status: status.code === 2 ? "error" : "unset",
      message: status.message,
      exceptions: events
        .filter((event) => event.name === "exception")
        .map((event) => String(event.attributes["exception.message"])),
      attributes: sorted(attributes),
    }))
    .sort(byText);
}

/** What the tail received, less the request. */
function received(spans: readonly Span[]): Projected[] {
  const flue = spans.filter(({ isInvocation }) => !isInvocation);
  const names = new Map(flue.map(({ spanId, name }) => [spanId, name]));
  return flue
    .map(({ name, parentSpanId = "", status, statusMessage, exceptions, attributes }) => ({
      name,
      parent: names.get(parentSpanId),
      status,
      message: statusMessage,
      exceptions: exceptions.map(({ message }) => message),
      attributes: sorted(attributes),
    }))
    .sort(byText);
}

/** Lists become JSON. */
function sorted(attributes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(attributes).map(([key, value]): [string, unknown] => [
    key,
    Array.isArray(value) ? JSON.stringify(value) : value,
  ]);
  return Object.fromEntries(entries.sort(([a], [b]) => a.localeCompare(b)));
}

/** What an OpenTelemetry tracer gets, which other tests compare with the original adapter. */
function traced(events: readonly EventContext[]): ReferenceSpan[] {
  const tracer = new KeepingTracer();
  const observe = createOpenTelemetryObserver({ tracer });
  for (const { event, ctx } of events) observe(event, ctx);
  return tracer.ended;
}

async function replay(app: LocalWorker, events: readonly EventContext[], content = false) {
  const body = JSON.stringify({ events, content });
  const response = await app.fetch("/replay", { method: "POST", body });
  const { open_spans, swallowed_errors, traps } = (await response.json()) as Record<string, number>;
  assert.deepEqual(
    { open_spans, swallowed_errors, traps },
    { open_spans: 0, swallowed_errors: 0, traps: 0 },
  );
}

describe("recordings of Flue as native spans", () => {
  let app: LocalWorker;
  before(async () => {
    app = await startApp("flue");
  });
  after(() => app.close());

  for (const scenario of scenariosV1) {
    for (const mode of ["metadata", "content"] as const) {
      test(`version 1, ${scenario}, ${mode}: the spans of the original adapter`, async () => {
        await replay(app, readEvents("v1beta1", scenario), mode === "content");
        const spans = await app.takeSpans();
        assertAllClosed(spans);
        assert.deepEqual(received(spans), projected(readReference(scenario, mode)));
      });
    }
  }

  for (const scenario of scenariosV3) {
    test(`version 3, ${scenario}: the spans an OpenTelemetry tracer gets`, async () => {
      const events = readEvents("v2.1.0", scenario);
      await replay(app, events);
      const spans = await app.takeSpans();
      assertAllClosed(spans);
      assert.deepEqual(received(spans), projected(traced(events)));
    });
  }

  test("content is cut to what the runtime keeps of a span, and usage is kept", async () => {
    const turn = { v: 1, turnId: "t", model: "m" };
    const text = "\u00fc".repeat(50_000);
    const events = [
      { ...turn, type: "turn_request", input: text },
      { ...turn, type: "turn", output: text, usage: { input: 7, output: 1 }, durationMs: 3 },
    ].map((event) => ({ event, ctx: { id: "a" } }));
    await replay(app, events, true);
    const span = spanNamed(await app.takeSpans(), "chat m");
    const { attributes } = span;
    assert.equal(attributes["cloudflare.warning.type"], undefined);
    assert.match(String(attributes["flue.turn.input"]), /^\u00fc{10000,}$/);
    assert.match(String(attributes["flue.turn.output"]), /^\u00fc{10000,}$/);
    assert.equal(attributes["gen_ai.usage.input_tokens"], 7);
    assert.equal(attributes["isotel.cut_attributes_count"], 2);
  });
});

describe("recordings of Flue as native spans and over OTLP at once", () => {
  let receiver: Receiver;
  let app: LocalWorker;
  before(async () => {
    receiver = await startReceiver();
    const OTLP = JSON.stringify({ backend: "custom", endpoint: receiver.url });
    app = await startApp("flue", { config: { vars: { OTLP } } });
  });
  after(async () => {
    await app.close();
    await receiver.close();
  });

  async function arrived(count: number): Promise<ReceivedItem[]> {
    for (let i = 0; i < 200; i += 1) {
      const traces = receiver.requests.filter(({ path }) => path.endsWith("/traces"));
      const spans = traces.flatMap(({ items }) => items);
      if (spans.length >= count) return spans;
      await pause(25);
    }
    throw new Error(`${receiver.requests.length} requests arrived`);
  }

  for (const path of ["/replay", "/inside"]) {
    test(`${path}: one tree with the same ids, in full where there is room`, async () => {
      receiver.requests.length = 0;
      const reference = readReference("workflow-tool-task", "metadata");
      const body = JSON.stringify({ events: readEvents("v1beta1", "workflow-tool-task") });
      await app.fetch(path, { method: "POST", body });
      const native = await app.takeSpans();
      // The runtime has spans of its own for the requests that send ours.
      const own = native.filter(({ name }) => /^(flue\.|chat |inside)/.test(name));
      const exported = await arrived(own.length);
      const parents = new Map(exported.map((span) => [span.spanId, span]));
      assert.equal(own.length, reference.length + (path === "/inside" ? 1 : 0));
      for (const { name, spanId, traceId, parentSpanId } of own) {
        const span = parents.get(spanId);
        assert.deepEqual(
          [span?.name, span?.traceId, span?.parentSpanId],
          [name, traceId, parentSpanId],
          describeSpans(native),
        );
      }
      // Kinds, events and the times of the recording are OTLP's alone.
      const chats = exported.filter(({ name }) => name.startsWith("chat "));
      assert.ok(chats.length > 0 && chats.every(({ kind }) => kind === 3));
      const logs = exported.flatMap(({ events }) => events.filter((name) => name === "flue.log"));
      assert.ok(logs.length > 1);
      const workflow = exported.find(({ name }) => name.startsWith("flue.workflow"));
      const [root] = reference.filter(({ parentSpanId }) => !parentSpanId);
      const [s = 0, ns = 0] = root?.start ?? [];
      const [endS = 0, endNs = 0] = root?.end ?? [];
      assert.equal(workflow?.durationMs, (endS - s) * 1e3 + (endNs - ns) / 1e6);
      const records = receiver.requests.filter((request) => request.path.endsWith("/logs"));
      assert.equal(records.flatMap(({ items }) => items).length, logs.length);
    });
  }
});

const chat = 'gen_ai_operation_name="chat",gen_ai_provider_name="faux"';
const tool = 'gen_ai_tool_type="function"';
const measured = {
  [`gen_ai_client_inference_duration_seconds_count{${chat},gen_ai_request_model="child"}`]: 1,
  [`gen_ai_client_inference_duration_seconds_count{${chat},gen_ai_request_model="parent"}`]: 4,
  [`gen_ai_client_operation_duration_seconds_count{${chat},gen_ai_request_model="child"}`]: 1,
  [`gen_ai_client_operation_duration_seconds_count{${chat},gen_ai_request_model="parent"}`]: 4,
  [`gen_ai_client_token_usage_count{${chat},gen_ai_request_model="child",gen_ai_token_type="input"}`]: 1,
  [`gen_ai_client_token_usage_count{${chat},gen_ai_request_model="child",gen_ai_token_type="output"}`]: 1,
  [`gen_ai_client_token_usage_count{${chat},gen_ai_request_model="parent",gen_ai_token_type="input"}`]: 4,
  [`gen_ai_client_token_usage_count{${chat},gen_ai_request_model="parent",gen_ai_token_type="output"}`]: 4,
  [`gen_ai_execute_tool_duration_seconds_count{error_type="Error",gen_ai_agent_name="Reporter",gen_ai_tool_name="boom",${tool}}`]: 1,
  [`gen_ai_execute_tool_duration_seconds_count{gen_ai_agent_name="Reporter",gen_ai_tool_name="lookup",${tool}}`]: 2,
  'gen_ai_invoke_agent_duration_seconds_count{gen_ai_agent_name="Reporter",gen_ai_operation_name="invoke_agent"}': 2,
  'gen_ai_invoke_agent_duration_seconds_count{gen_ai_agent_name="summarizer",gen_ai_operation_name="invoke_agent"}': 1,
};

const aggregator = {
  durable_objects: { bindings: [{ name: "TELEMETRY", class_name: "TelemetryAggregator" }] },
  migrations: [{ tag: "v1", new_sqlite_classes: ["TelemetryAggregator"] }],
};

for (const [what, tail] of [
  ["nobody traces", "none"],
  ["that is traced", "sink"],
] as const) {
  test(`recordings of Flue in a Worker ${what} are measured, each turn once`, async () => {
    const app = await startApp("flue", { tail, config: aggregator });
    try {
      await replay(app, readEvents("v2.1.0", "tool-task"));
      await replay(app, readEvents("v2.1.0", "failing-tool"));
      await eventually(async () => {
        const text = await (await app.fetch("/metrics")).text();
        const samples = [...samplesOf(text)].filter(([name]) =>
          /^gen_ai_\w+_(duration_seconds|token_usage)_count/.test(name),
        );
        assert.deepEqual(Object.fromEntries(samples), measured);
      });
    } finally {
      await app.close();
    }
  });
}
