import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Span } from "../harness/spans.ts";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../otlp_receiver/requests.ts";
import { edges, received } from "../unit/support/exporting.ts";
import { assertAllClosed } from "./harness/assertions.ts";
import { type CollectedApp, startCollected } from "./harness/collected_app.ts";
import { eventually } from "./harness/eventually.ts";
import { pause } from "./harness/export_counts.ts";

const kindNames = ["", "internal", "server", "client", "producer", "consumer"];
const [unset, failed] = [0, 2];

const spansOfAlarmAndQueue = 2 + 3;

/** Of a request to /order: the request's own, two of the object, the stock's, three of the provider, alarm and queue. */
const invocationsOfOrder = 9;

let receiver: Receiver;
let app: CollectedApp;
before(async () => {
  receiver = await startReceiver();
  app = await startCollected(receiver.url);
});
after(async () => {
  await app.worker.close();
  await receiver.close();
});

function itemsOf(signal: "traces" | "logs"): ReceivedItem[] {
  return receiver.requests
    .filter(({ path }) => path.endsWith(`/v1/${signal}`))
    .flatMap(({ items }) => items);
}

/** What the runtime opened, once all of it has ended, and what the collector made of it. */
async function both(invocations: number): Promise<{ native: Span[]; sent: ReceivedItem[] }> {
  const native = await app.worker.takeSpans({ invocations });
  await eventually(async () => assert.equal(itemsOf("traces").length, native.length));
  return { native, sent: itemsOf("traces") };
}

function clear(): void {
  receiver.requests.length = 0;
}

describe("a request through everything a Worker can call", () => {
  let native: Span[];
  let sent: ReceivedItem[];
  before(async () => {
    clear();
    const answer = await app.worker.fetch("/order");
    assert.match(await answer.text(), /^"It is 20 degrees Celsius in Lisbon/);
    ({ native, sent } = await both(invocationsOfOrder));
  });

  test("every span arrives once, with the ids, the name and the times the runtime gave it", () => {
    assertAllClosed(native);
    const wanted = native.map(({ spanId }) => spanId).sort();
    assert.deepEqual(sent.map(({ spanId }) => spanId).sort(), wanted);
    for (const span of native) {
      const item = sent.find(({ spanId }) => spanId === span.spanId) as ReceivedItem;
      assert.equal(item.traceId, span.traceId);
      assert.equal(item.parentSpanId, span.parentSpanId ?? "");
      if (!span.isInvocation) assert.equal(item.name, span.name);
      assert.equal(item.startUnixMs, span.startMs);
      assert.equal(item.durationMs, span.durationMs);
    }
  });

  test("its trace is one complete tree across five Workers, classes and entrypoints", () => {
    const root = sent.find(({ name, parentSpanId }) => name === "GET" && parentSpanId === "");
    const trace = sent.filter(({ traceId }) => traceId === root?.traceId);
    assert.deepEqual(edges(trace), treeOfOrder.toSorted());
  });

  test("what a queue and an alarm start later are traces of their own", () => {
    const traces = new Set(sent.map(({ traceId }) => traceId));
    assert.equal(traces.size, 3);
    const ofTrace = (name: string) => {
      const { traceId } = received(sent, name);
      return edges(sent.filter((span) => span.traceId === traceId));
    };
    assert.deepEqual(ofTrace("expire"), ["alarm", "expire < alarm"]);
    assert.deepEqual(ofTrace("ship"), [
      "kv_get < ship",
      "process shipping",
      "ship < process shipping",
    ]);
  });

  test("kinds say who asked whom", () => {
    const kinds = new Set(sent.map(({ name, kind }) => `${name}: ${kindNames[kind]}`));
    assert.deepEqual([...kinds].sort(), [
      "Basket/reserve: server",
      "GET: server",
      "POST: server",
      "alarm: internal",
      "chat scripted-1: client",
      "durable_object_storage_exec: client",
      "durable_object_storage_put: client",
      "durable_object_storage_setAlarm: client",
      "durable_object_subrequest: internal",
      "execute_tool convert_temperature: internal",
      "execute_tool lookup_weather: internal",
      "expire: internal",
      "fetch: client",
      "invoke_agent shop-assistant: internal",
      "jsRpcCall: client",
      "jsRpcCall: internal",
      "jsRpcSession: internal",
      "kv_get: client",
      "kv_put: client",
      "mark: internal",
      "place_order: internal",
      "process shipping: consumer",
      "queue_send: producer",
      "ship: internal",
      "take_from_stock: internal",
      "weigh: internal",
    ]);
  });

  test("what failed has failed, and nothing else", () => {
    const failures = sent.filter(({ status }) => status !== unset);
    assert.deepEqual(
      failures.map(({ name, status, attributes }) => [name, status, attributes["error.type"]]),
      [["execute_tool convert_temperature", failed, "RangeError"]],
    );
  });

  test("attributes are those the runtime tells of, but for the queries of addresses", () => {
    for (const span of native) {
      const item = sent.find(({ spanId }) => spanId === span.spanId) as ReceivedItem;
      for (const [key, value] of Object.entries(span.attributes)) {
        const expected = key === "url.full" ? String(value).replace("?item=lamp", "") : value;
        assert.deepEqual(item.attributes[key], expected, `${key} of ${item.name}`);
      }
    }
    assert.deepEqual(received(sent, "place_order").attributes, {
      "app.plan": "pro",
      "app.words": 27,
      "app.gift": true,
    });
  });

  test("an invocation says what started it", () => {
    const root = sent.find(({ name, parentSpanId }) => name === "GET" && parentSpanId === "");
    assert.equal(root?.attributes["http.request.method"], "GET");
    assert.equal(root?.attributes["url.path"], "/order");
    assert.equal(root?.attributes["http.response.status_code"], 200);
    const { attributes } = received(sent, "process shipping");
    assert.equal(attributes["messaging.destination.name"], "shipping");
    assert.equal(attributes["messaging.batch.message_count"], 1);
  });

  test("a log is a record in the span that was active", async () => {
    await eventually(async () => assert.equal(itemsOf("logs").length, 1));
    const [log] = itemsOf("logs");
    const { traceId, spanId } = received(sent, "place_order");
    assert.deepEqual([log?.traceId, log?.spanId], [traceId, spanId]);
    assert.match(log?.name ?? "", /ordered.*lamp/);
  });
});

describe("a request that fails", () => {
  test("an error nobody caught is the status and an event of the request's span", async () => {
    clear();
    assert.equal((await app.worker.fetch("/rejects")).status, 200);
    const { sent } = await both(1);
    const root = received(sent, "GET");
    assert.deepEqual([root.status, root.attributes["error.type"]], [failed, "RangeError"]);
    assert.deepEqual(root.events, ["exception"]);
  });

  test("a request that is answered with an error has failed", async () => {
    clear();
    await app.worker.fetch("/throws").catch(() => {});
    const { sent } = await both(1);
    const root = received(sent, "GET");
    assert.deepEqual([root.status, root.attributes["error.type"]], [failed, "500"]);
    assert.equal(root.attributes["http.response.status_code"], 500);
  });

  test("an error that was caught is that of its span alone", async () => {
    clear();
    await app.worker.fetch("/failed_span");
    const { sent } = await both(1);
    assert.deepEqual([received(sent, "GET").status, received(sent, "charge").status], [0, failed]);
    assert.equal(received(sent, "charge").attributes["error.type"], "TypeError");
  });
});

describe("metrics of what was followed", () => {
  let samples: Map<string, number>;
  before(async () => {
    await eventually(async () => {
      samples = await app.scrape();
      assert.equal(samples.get('isotel_collector_invocations_total{result="followed"}'), 12);
    });
  });

  /** The samples of a family but for its buckets and sums of seconds, which are a matter of time. */
  const steady = (prefix: string) =>
    Object.fromEntries(
      [...samples].filter(
        ([name]) => name.startsWith(prefix) && !/_bucket\{|_seconds_sum\{/.test(name),
      ),
    );

  test("requests are counted by what was asked and answered", () => {
    const name = "http_server_request_duration_seconds_count";
    const get = 'http_request_method="GET",http_response_status_code';
    const post = 'http_request_method="POST",http_response_status_code';
    assert.deepEqual(steady("http_server_"), {
      [`${name}{${get}="200",url_scheme="http"}`]: 2,
      [`${name}{error_type="RangeError",${get}="200",url_scheme="http"}`]: 1,
      [`${name}{error_type="500",${get}="500",url_scheme="http"}`]: 1,
      [`${name}{${get}="200",url_scheme="https"}`]: 1,
      [`${name}{${post}="200",url_scheme="https"}`]: 3,
    });
  });

  test("invocations are counted by what started them", () => {
    const series = (handler: string, trigger: string) =>
      `faas_invoke_duration_seconds_count{cloudflare_handler_type="${handler}",` +
      `cloudflare_outcome="ok",faas_trigger="${trigger}",service_name="unknown_service"}`;
    assert.deepEqual(steady("faas_invoke_duration"), {
      [series("fetch", "http")]: 9,
      [series("jsrpc", "other")]: 1,
      [series("alarm", "timer")]: 1,
      [series("queue", "pubsub")]: 1,
    });
  });

  test("calls of models, tokens and tools are counted as the Worker itself would", () => {
    const model =
      'gen_ai_operation_name="chat",gen_ai_provider_name="scripted",' +
      'gen_ai_request_model="scripted-1",gen_ai_response_model="scripted-1"';
    const agent = 'gen_ai_agent_name="shop-assistant"';
    const inference = "gen_ai_client_inference";
    const tool = "gen_ai_execute_tool_duration_seconds_count";
    const usage = (kind: string) =>
      `${inference}_usage_${kind}_tokens_total{${model},gen_ai_token_modality="unknown"}`;
    assert.deepEqual(steady("gen_ai_"), {
      [`${inference}_duration_seconds_count{${model}}`]: 3,
      [`${inference}_operation_input_tokens_count{${model}}`]: 3,
      [`${inference}_operation_input_tokens_sum{${model}}`]: 360,
      [`${inference}_operation_output_tokens_count{${model}}`]: 3,
      [`${inference}_operation_output_tokens_sum{${model}}`]: 78,
      [usage("input")]: 360,
      [usage("output")]: 78,
      [usage("cache_read_input")]: 128,
      [usage("cache_write_input")]: 64,
      [usage("reasoning_output")]: 24,
      [`${tool}{${agent},gen_ai_tool_name="lookup_weather",gen_ai_tool_type="function"}`]: 1,
      [`${tool}{error_type="RangeError",${agent},gen_ai_tool_name="convert_temperature",gen_ai_tool_type="function"}`]: 1,
      [`gen_ai_invoke_agent_duration_seconds_count{${agent},gen_ai_operation_name="invoke_agent",gen_ai_request_model="scripted-1"}`]: 1,
      [`gen_ai_invoke_agent_inference_calls_count{${agent}}`]: 1,
      [`gen_ai_invoke_agent_inference_calls_sum{${agent}}`]: 3,
      [`gen_ai_invoke_agent_tool_calls_count{${agent}}`]: 1,
      [`gen_ai_invoke_agent_tool_calls_sum{${agent}}`]: 2,
    });
  });

  test("every span the runtime opened was exported, and none was lost on the way", () => {
    const opened = treeOfOrder.length + spansOfAlarmAndQueue + 4;
    assert.deepEqual(steady("isotel_collector_spans_total{"), {
      'isotel_collector_spans_total{result="exported"}': opened,
      'isotel_collector_spans_total{result="sampled_out"}': 0,
      'isotel_collector_spans_total{result="limit"}': 0,
      'isotel_collector_spans_total{result="unopened"}': 0,
      'isotel_collector_spans_total{result="late"}': 0,
      'isotel_collector_spans_total{result="no_export"}': 0,
      'isotel_collector_spans_total{result="failed"}': 0,
    });
  });
});

describe("a collector that is told to follow itself", () => {
  test("comes to rest, and leaves its telemetry's own work alone", async () => {
    await app.worker.close();
    clear();
    const itself = [{ service: "isotel-collector" }];
    app = await startCollected(receiver.url, { config: { streaming_tail_consumers: itself } });
    await (await app.worker.fetch("/look?item=lamp")).text();
    await eventually(async () => {
      const samples = await app.scrape();
      assert.ok((samples.get('isotel_collector_spans_total{result="exported"}') ?? 0) > 0);
      assert.ok(itemsOf("traces").some(({ name }) => name === "take_from_stock"));
    });
    // What it would tell about itself would be sent, and told again, every second.
    await pause(1_200);
    const { length } = receiver.requests;
    await pause(1_600);
    assert.equal(receiver.requests.length, length);
    const roots = itemsOf("traces").filter(({ parentSpanId }) => parentSpanId === "");
    // Locally Workers have no names: scrapes look like anybody's requests.
    assert.deepEqual([...new Set(roots.map(({ name }) => name))], ["GET"]);
  });
});

const treeOfOrder = [
  "GET",
  "place_order < GET",
  "kv_put < place_order",
  "kv_get < place_order",
  "durable_object_subrequest < place_order",
  "fetch < durable_object_subrequest",
  "GET < fetch",
  "durable_object_storage_exec < GET",
  "durable_object_storage_exec < GET",
  "durable_object_storage_put < GET",
  "weigh < GET",
  "durable_object_subrequest < place_order",
  "jsRpcSession < durable_object_subrequest",
  "jsRpcCall < jsRpcSession",
  "Basket/reserve < jsRpcCall",
  "jsRpcCall < Basket/reserve",
  "mark < jsRpcCall",
  "durable_object_storage_setAlarm < jsRpcCall",
  "fetch < place_order",
  "GET < fetch",
  "take_from_stock < GET",
  "invoke_agent shop-assistant < place_order",
  "chat scripted-1 < invoke_agent shop-assistant",
  "chat scripted-1 < invoke_agent shop-assistant",
  "chat scripted-1 < invoke_agent shop-assistant",
  "execute_tool lookup_weather < invoke_agent shop-assistant",
  "execute_tool convert_temperature < invoke_agent shop-assistant",
  "fetch < chat scripted-1",
  "fetch < chat scripted-1",
  "fetch < chat scripted-1",
  "POST < fetch",
  "POST < fetch",
  "POST < fetch",
  "queue_send < place_order",
];
