import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CollectedSpan } from "../../../bindings/collector/spans/collected_span.ts";
import type { CollectorCounts } from "../../../bindings/collector/spans/counts.ts";
import type { CollectedLog } from "../../../bindings/collector/spans/log_record.ts";
import {
  assertAccounted,
  type CollectingTo,
  collectingTo,
  handedOn,
  MadeInvocation,
  play,
} from "../support/collecting.ts";

type Info = TailStream.Onset["info"];

function attributesOf({ attributes: { keys, values } }: CollectedSpan): Record<string, unknown> {
  return Object.fromEntries(keys.map((key, index) => [key, values[index]]));
}

interface Collected {
  readonly spans: readonly CollectedSpan[];
  /** That of the invocation. */
  readonly root: CollectedSpan;
  readonly counts: CollectorCounts;
}

function collected(made: MadeInvocation, to: CollectingTo = collectingTo(undefined)): Collected {
  const spans = handedOn(to);
  play(to.collecting, made.events);
  assertAccounted(to);
  return { spans, root: spans.at(-1) as CollectedSpan, counts: to.counts };
}

const request = {
  type: "fetch",
  method: "GET",
  url: "https://shop.example:8443/users/7?token=secret",
  cfJson: { colo: "FRA", httpProtocol: "HTTP/3" },
  headers: [
    { name: "user-agent", value: "curl" },
    { name: "cf-ray", value: "8f-FRA" },
    { name: "cookie", value: "secret" },
  ],
} satisfies Info;

const time = new Date("2026-11-20T12:00:00.000Z");

/** Info of an onset, and the name, kind and some attributes of its span. */
const triggers: readonly [Info, string, number, Readonly<Record<string, unknown>>][] = [
  [
    request,
    "GET",
    2,
    {
      "faas.trigger": "http",
      "http.request.method": "GET",
      "url.scheme": "https",
      "url.path": "/users/7",
      "server.address": "shop.example",
      "server.port": 8443,
      "user_agent.original": "curl",
      "network.protocol.version": "3",
      "cloudflare.ray_id": "8f-FRA",
      "cloudflare.colo": "FRA",
    },
  ],
  [
    { ...request, method: "BREW" },
    "HTTP",
    2,
    { "http.request.method": "_OTHER", "http.request.method_original": "BREW" },
  ],
  [{ ...request, url: "nowhere" }, "GET", 2, { "url.path": undefined }],
  [{ type: "connect" }, "connect", 2, { "cloudflare.handler_type": "connect" }],
  [{ type: "jsrpc" }, "jsrpc", 2, { "rpc.system": "cloudflare_jsrpc" }],
  [
    { type: "scheduled", cron: "* * * * *", scheduledTime: time },
    "scheduled",
    2,
    {
      "faas.trigger": "timer",
      "faas.cron": "* * * * *",
      "faas.invocation.start_time": time.toISOString(),
    },
  ],
  [
    { type: "alarm", scheduledTime: time },
    "alarm",
    1,
    { "faas.invocation.start_time": time.toISOString() },
  ],
  [
    { type: "queue", queueName: "jobs", batchSize: 7 },
    "process jobs",
    5,
    { "faas.trigger": "pubsub", "messaging.batch.message_count": 7 },
  ],
  [
    { type: "email", mailFrom: "a@x.example", rcptTo: "b@x.example", rawSize: 12 },
    "email",
    5,
    { "cloudflare.email.size": 12 },
  ],
  [{ type: "trace", traces: ["a", null] }, "tail", 5, { "messaging.batch.message_count": 2 }],
  [
    { type: "hibernatableWebSocket", info: { type: "close", code: 1006, wasClean: false } },
    "websocket close",
    2,
    { "cloudflare.websocket.close_code": 1006 },
  ],
  [{ type: "hibernatableWebSocket", info: { type: "message" } }, "websocket message", 2, {}],
  [{ type: "onHibernate", reason: "inactive" }, "hibernate", 1, {}],
  [{ type: "custom" }, "custom", 1, { "faas.trigger": "other" }],
];

describe("the span of an invocation", () => {
  for (const [info, name, kind, attributes] of triggers) {
    test(`of ${info.type} is named ${name}`, () => {
      const { root } = collected(new MadeInvocation({ info }).outcome());
      assert.deepEqual([root.name, root.kind], [name, kind]);
      const all = attributesOf(root);
      for (const [key, value] of Object.entries(attributes)) assert.equal(all[key], value, key);
      assert.doesNotMatch(JSON.stringify(all), /secret/);
    });
  }

  test("carries where it ran, how long and how it ended", () => {
    const made = new MadeInvocation({
      executionModel: "durableObject",
      entrypoint: "Room",
      durableObjectId: "4ad7",
    });
    const { root } = collected(made.outcome("exceededCpu"));
    const all = attributesOf(root);
    assert.equal(all["cloudflare.execution_model"], "durableObject");
    assert.equal(all["cloudflare.entrypoint"], "Room");
    assert.equal(all["cloudflare.durable_object.id"], "4ad7");
    assert.equal(all["cloudflare.cpu_time_ms"], 3);
    assert.equal(all["cloudflare.wall_time_ms"], 12);
    assert.equal(all["cloudflare.outcome"], "exceededCpu");
    assert.equal(all["error.type"], "exceededCpu");
    assert.equal(root.status.code, 2);
  });

  test("continues a trace whose parent is of another process", () => {
    const context = { traceId: "d".repeat(32), spanId: "e".repeat(16) };
    const made = new MadeInvocation({}, context).span("inner");
    const { root, spans } = collected(made.outcome());
    assert.deepEqual([root.parentSpanId, root.isParentRemote], ["e".repeat(16), true]);
    assert.deepEqual([spans[0]?.parentSpanId, spans[0]?.isParentRemote], [root.spanId, false]);
    assert.ok(spans.every(({ traceId }) => traceId === context.traceId));
  });

  test("of a response that is a server's error has failed", () => {
    const made = new MadeInvocation({ info: request });
    made.event({ type: "return", info: { type: "fetch", statusCode: 503 } });
    const { root } = collected(made.outcome());
    assert.equal(root.status.code, 2);
    assert.equal(attributesOf(root)["http.response.status_code"], 503);
    assert.equal(attributesOf(root)["error.type"], "503");
  });

  test("has the route that the options or the Worker itself tell", () => {
    const route = ({ url, headers }: Request) =>
      headers.get("user-agent") === "curl" ? new URL(url).pathname.replace(/\d+/, ":id") : "";
    const told = collectingTo(undefined, { otlp: { route } });
    const { root } = collected(new MadeInvocation({ info: request }).outcome(), told);
    assert.equal(root.name, "GET /users/:id");
    const made = new MadeInvocation({ info: request }).attributes({ "http.route": "/users/:user" });
    assert.equal(collected(made.outcome()).root.name, "GET /users/:user");
    const throws = collectingTo(undefined, {
      otlp: {
        route: () => {
          throw new Error("broken");
        },
      },
    });
    const without = collected(new MadeInvocation({ info: request }).outcome(), throws);
    assert.equal(without.root.name, "GET");
  });

  test("of a call is named after the method", () => {
    const made = new MadeInvocation({ info: { type: "jsrpc" }, entrypoint: "Room" });
    const { root } = collected(made.attributes({ "jsrpc.method": "join" }).outcome());
    assert.equal(root.name, "Room/join");
  });

  test("counts the events the runtime dropped", () => {
    const diagnostic = { diagnosticsType: "droppedEvents", count: 41 } as const;
    const made = new MadeInvocation().event({ type: "streamDiagnostic", diagnostic });
    const { root, counts } = collected(made.outcome());
    assert.equal(attributesOf(root)["isotel.tail.dropped_events"], 41);
    assert.equal(counts.events_lost, 41);
  });
});

describe("a span", () => {
  test("keeps integers exactly, of any size", () => {
    const values = { small: 7n, edge: BigInt(Number.MAX_SAFE_INTEGER), large: 2n ** 63n - 1n };
    const made = new MadeInvocation().span("work", { ...values, list: [1n, 2n ** 60n] });
    const [span] = collected(made.outcome()).spans;
    assert.deepEqual(attributesOf(span as CollectedSpan), {
      small: 7,
      edge: Number.MAX_SAFE_INTEGER,
      large: 2n ** 63n - 1n,
      list: [1, 2n ** 60n],
    });
  });

  test("takes the name and the status it is given later", () => {
    const made = new MadeInvocation();
    made.span(
      "before",
      {},
      {
        inside: (id) => {
          made.event({ type: "spanUpdate", info: { type: "name", name: "after" } }, id);
          const status = { code: "error", message: "no stock" } as const;
          made.event({ type: "spanUpdate", info: { type: "status", status } }, id);
        },
      },
    );
    const [span] = collected(made.outcome()).spans;
    assert.equal(span?.name, "after");
    assert.deepEqual(span?.status, { code: 2, message: "no stock" });
  });

  test("whose status is ok has not failed, whatever its error.type says", () => {
    const made = new MadeInvocation();
    const inside = (id: string) =>
      void made.event({ type: "spanUpdate", info: { type: "status", status: { code: "ok" } } }, id);
    made.span("work", { "error.type": "TypeError" }, { inside });
    made.span("other", { "error.type": "TypeError" });
    const [span, other] = collected(made.outcome()).spans;
    assert.deepEqual([span?.status.code, other?.status.code], [1, 2]);
  });

  test("that ended badly has failed by what ended it", () => {
    const made = new MadeInvocation();
    made.event({ type: "spanClose", outcome: "exceededCpu" }, made.open("work"));
    const [span] = collected(made.outcome()).spans;
    assert.equal(span?.status.code, 2);
    assert.equal(attributesOf(span as CollectedSpan)["error.type"], "exceededCpu");
  });

  test("is opened once, whatever it is told", () => {
    const made = new MadeInvocation();
    const spanId = made.open("work");
    made.attributes({ "app.tenant": "a" }, spanId);
    made.event({ type: "spanOpen", name: "again", spanId });
    made.event({ type: "spanClose", outcome: "ok" }, spanId);
    const { spans, counts } = collected(made.outcome());
    assert.deepEqual([spans.length, spans[0]?.name], [2, "work"]);
    assert.deepEqual(attributesOf(spans[0] as CollectedSpan), { "app.tenant": "a" });
    assert.deepEqual([counts.spans_opened, counts.events_repeated], [2, 1]);
  });

  test("has the status and the count that an older runtime's attributes say", () => {
    const made = new MadeInvocation().span("work", {
      "otel.status_code": "ERROR",
      "otel.dropped_attributes_count": 3,
      "app.tenant": "a",
    });
    const [span] = collected(made.outcome()).spans;
    assert.equal(span?.status.code, 2);
    assert.equal(span?.droppedAttributesCount, 3);
    assert.deepEqual(attributesOf(span as CollectedSpan), { "app.tenant": "a" });
  });

  for (const [operation, kind] of [
    ["chat", 3],
    ["generate_content", 3],
    ["embeddings", 3],
    ["rerank", 3],
    ["invoke_agent", 1],
    ["execute_tool", 1],
    ["of_tomorrow", 1],
  ] as const) {
    test(`of the operation ${operation} has kind ${kind}`, () => {
      const made = new MadeInvocation().span("x", { "gen_ai.operation.name": operation });
      assert.equal(collected(made.outcome()).spans[0]?.kind, kind);
    });
  }

  for (const [name, kind] of [
    ["fetch", 3],
    ["fetch_prices", 1],
    ["kv_get", 3],
    ["r2_put", 3],
    ["d1_all", 3],
    ["durable_object_storage_exec", 3],
    ["durable_object_subrequest", 1],
    ["queue_send", 4],
    ["queue_sendBatch", 4],
    ["load_profile", 1],
  ] as const) {
    test(`named ${name} has kind ${kind}`, () => {
      assert.equal(collected(new MadeInvocation().span(name).outcome()).spans[0]?.kind, kind);
    });
  }

  test("that says what it is at its opening is read from there", () => {
    const made = new MadeInvocation();
    const spanId = "f".repeat(16);
    const { headers, cfJson, ...info } = request;
    made.event({ type: "spanOpen", name: "fetch", spanId, info: { ...info, headers } });
    made.event({ type: "spanClose", outcome: "ok" }, spanId);
    const [span] = collected(made.outcome()).spans;
    assert.deepEqual(attributesOf(span as CollectedSpan), {
      "http.request.method": "GET",
      "url.full": "https://shop.example:8443/users/7",
    });
  });

  test("keeps exceptions with what is known of them", () => {
    const made = new MadeInvocation();
    const inside = (id: string): void => {
      made.event({ type: "exception", name: "RangeError", message: "too far", stack: "at x" }, id);
      made.event({ type: "exception", name: "TypeError", message: "again" }, id);
    };
    made.span("work", {}, { inside });
    const [span] = collected(made.outcome()).spans;
    assert.equal(span?.status.code, 2);
    assert.equal(attributesOf(span as CollectedSpan)["error.type"], "RangeError");
    assert.deepEqual(
      span?.events.map(({ attributes: { values } }) => values),
      [
        ["RangeError", "too far", "at x"],
        ["TypeError", "again"],
      ],
    );
  });
});

describe("a line of the console", () => {
  function logged(log: Partial<TailStream.Log>): CollectedLog {
    const to = collectingTo(undefined);
    const logs: CollectedLog[] = [];
    to.pipeline.addLog = (record) => void logs.push(record as CollectedLog);
    const event = { type: "log", level: "log", message: [], ...log } as TailStream.Log;
    play(to.collecting, new MadeInvocation().event(event).outcome().events);
    assert.equal(to.counts.logs, 1);
    return logs[0] as CollectedLog;
  }

  for (const [level, severity] of [
    ["debug", 5],
    ["log", 9],
    ["info", 9],
    ["warn", 13],
    ["error", 17],
  ] as const) {
    test(`of level ${level} has severity ${severity}`, () => {
      const { severityNumber, severityText } = logged({ level });
      assert.deepEqual([severityNumber, severityText], [severity, level]);
    });
  }

  test("is what the console shows", () => {
    assert.equal(logged({ message: ["a", 1, { b: [2n] }, null] }).body, 'a 1 {"b":["2"]} null');
    assert.equal(logged({ message: "cut off", truncated: true }).body, "cut off");
    const cycle: { self?: object } = {};
    cycle.self = cycle;
    assert.equal(logged({ message: [cycle] }).body, "[object Object]");
  });

  test("tells of the error it was given", () => {
    const errorInfo = [null, { name: "TypeError", message: "no", stack: "at y" }];
    const { attributes } = logged({ errorInfo });
    assert.deepEqual(attributes, {
      keys: ["exception.type", "exception.message", "exception.stacktrace"],
      values: ["TypeError", "no", "at y"],
    });
  });
});

test("an event of a kind that nobody knows is left alone", () => {
  const made = new MadeInvocation();
  made.event({ type: "diagnosticChannel", channel: "x", message: {} });
  made.event({ type: "of_tomorrow" } as unknown as TailStream.EventType);
  const { spans, counts } = collected(made.span("work").outcome());
  assert.equal(spans.length, 2);
  assert.equal(counts.failures, 0);
});

test("events that are no events never throw, and are counted", () => {
  const to = collectingTo(undefined);
  const broken = [undefined, null, {}, { event: {} }, { event: { type: "onset" } }] as never[];
  for (const event of broken) assert.equal(to.collecting.begin(event), undefined);
  assert.equal(to.counts.failures, broken.length);
  const made = new MadeInvocation();
  const take = to.collecting.begin(made.onset);
  for (const event of broken) take?.(event);
  const bad = [undefined, null, {}, { type: "attributes" }, { type: "spanOpen" }, { type: "log" }];
  for (const event of bad) made.event(event as never);
  for (const event of made.span("work").outcome().events.slice(1)) take?.(event);
  assert.equal(to.counts.spans_exported + to.counts.spans_truncated >= 2, true);
  assert.equal(to.collecting.openInvocations, 0);
});
