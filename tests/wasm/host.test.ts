import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import {
  AggregateAbi,
  aggregateAbi,
  MetricsFormat,
} from "../../bindings/aggregate/totals/abi.gen.ts";
import {
  Aggregate,
  AggregationError,
  defaultAggregateOptions,
  producerIdIn,
} from "../../bindings/aggregate/totals/aggregate.ts";
import { coreAbi, MetricKind, Operation, Outcome } from "../../bindings/core/abi.gen.ts";
import type { Declaration } from "../../bindings/core/declaration.ts";
import { MetricsCore } from "../../bindings/core/metrics_core.ts";
import { FlueAbi, FlueEventType, flueAbi } from "../../bindings/flue/abi.gen.ts";
import { FlueCore, FlueCoreHost } from "../../bindings/flue/core/flue_core.ts";
import { allSeries, encodePart, takeRanges } from "../../bindings/metrics_export/encode_part.ts";
import { otlpAbi } from "../../bindings/otlp/core/abi.gen.ts";
import { OtlpEncoder } from "../../bindings/otlp/core/encoder.ts";
import { listAttributes } from "../../bindings/otlp/core/model.ts";
import { OtlpCore, OtlpHost } from "../../bindings/otlp/core/otlp_core.ts";
import { ModuleHost, ModuleTrapError } from "../../bindings/wasm/host.ts";
import { instantiate, ModuleMemory } from "../../bindings/wasm/module.ts";
import { plainSpan } from "../otlp/plain_span.ts";
import { build, compile, coreModule, readModule } from "./support/module.ts";
import { Producer } from "./support/producer.ts";
import { SpanHost } from "./support/span_host.ts";
import { withGrowthIn, withTrapIn } from "./support/wasm_binary.ts";

const scope = { name: "test", version: "1" };
const declaration: Declaration = {
  kind: MetricKind.histogram,
  isBuiltIn: false,
  name: "latency",
  unit: "s",
  help: "How long it took.",
  labels: ["plan"],
  maxSeries: 0,
  bounds: { generator: 0, a: 1, b: 2, count: 4 },
  schema: 0,
  maxBuckets: 0,
  zeroThreshold: -1,
};

/** Uses what the core does: spans of every kind of plan, names, scopes and metrics. */
function useCore(module: WebAssembly.Module): unknown {
  const host = new SpanHost(module);
  const { core } = host;
  const metrics = MetricsCore.open(
    core,
    new Uint8Array(16).fill(3),
    () => 1000,
    () => assert.fail("the core trapped"),
  );
  const scopeHandle = core.openScope();
  const measured = core.measureSpans(0, "USD");
  const price = core.setPrice({ model: "model", input: 1, output: 2, cacheRead: 3, cacheWrite: 4 });
  const { span, attributes } = host.open(Operation.chat, {
    fields: { agentName: "agent", requestModel: "model", temperature: 0.5, seed: 7 },
    scope: scopeHandle,
  });
  core.firstChunk(span, 2);
  core.nextChunk(span, 3);
  core.setStatus(span, 1);
  const ended = host.end(span, Outcome.finished, {
    fields: { finishReason: "stop", responseModel: "model-1", inputTokens: 3, outputTokens: 4 },
  });
  const custom = core.openSpan(Operation.custom, 0, scopeHandle, 0, 1);
  const sizes = [
    { keyBytes: 10, valueBytes: 40_000, cuttable: true },
    { keyBytes: 10, valueBytes: 50_000, cuttable: true },
  ];
  const family = metrics?.declare(declaration) ?? -1;
  const row = metrics?.bind(family, ["prö"]) ?? -1;
  return {
    measured,
    price,
    attributes,
    ended,
    charged: [core.reserveAttributes(custom, 1, 100, 0), core.reservedBytesLeft],
    fitted: Array.from(core.fitAttributes(custom, sizes, 1)),
    open: core.scopeSpans(scopeHandle, false),
    closed: core.closeScope(scopeHandle),
    names: [core.spanName(Operation.chat, "model"), core.cutName("ä".repeat(50))],
    keys: [core.providerName("google.vertex"), core.metadataKey(0, "tenant")],
    recorded: [
      metrics?.record(row, 2),
      metrics?.recordExemplar(row, 3, "1".repeat(32), "2".repeat(16)),
    ],
    status: [metrics?.isDirty, metrics?.labelSetsOverflowed, metrics?.invalidValues],
    frames: metrics?.flush(true),
    counters: core.counters(),
  };
}

const producer = new Producer(1);
const frame = producer.count({ name: "orders", labels: ["plan"] }, 3, 2000, ["pro"]);

/** Uses what the aggregation module does: totals, snapshots, expositions and requests. */
function useAggregate(module: WebAssembly.Module): unknown {
  const aggregate = new Aggregate(module);
  aggregate.load([]);
  const applied = [aggregate.apply(frame, 2000), aggregate.apply(frame, 2000)];
  const { chunks } = aggregate.changes();
  aggregate.prune(2000 + 2 * defaultAggregateOptions.gaugeExpiryMs + 1);
  const { archived } = aggregate.changes();
  const stored = archived.map((record) => ({
    id: producerIdIn(record),
    seenUnixMs: 2000,
    record,
  }));
  const expired = stored.map((producer) => aggregate.expire(producer, 2000));
  const damaged = stored.map((producer) => aggregate.restore(producer));
  const restored = [archived, damaged, aggregate.missing([frame]), aggregate.apply(frame, 2000)];
  const again = new Aggregate(module);
  again.load(chunks);
  again.count(11, 2);
  const snapshot = again.snapshot(3000);
  again.prune(3000);
  again.merge([snapshot]);
  const exposition = again.negotiate("application/openmetrics-text;version=1.0.0");
  const text = again.render({ format: MetricsFormat.text, escaping: 0 }, 1, 4000).slice();
  const interval = { snapshot, base: undefined };
  const base = takeRanges(again, interval, allSeries);
  const request = {
    resource: { "service.name": "tëst" },
    scope,
    format: "json",
    temporality: "delta",
  } as const;
  return {
    applied,
    chunks,
    restored,
    expired,
    snapshot,
    text,
    base,
    next: aggregate.nextPrune(Number.POSITIVE_INFINITY),
    shard: aggregate.shardOfFrame(frame, 7),
    peeked: again.peek(snapshot),
    type: again.contentType(exposition),
    parts: [
      encodePart(again, interval, request, 0, 1_000_000),
      encodePart(again, { snapshot, base }, request, 0, 1_000_000),
    ],
  };
}

/** Uses what the OTLP module does: requests, identifiers and headers. */
function useOtlp(module: WebAssembly.Module): unknown {
  const host = new OtlpHost(() => module);
  const encoder = new OtlpEncoder(host);
  const attributes = listAttributes({ text: "välue", number: 1.5, list: [1, "a"], flag: true });
  const spans = [
    { ...plainSpan, attributes },
    { ...plainSpan, traceId: "" },
  ];
  return [
    encoder.traces(spans, { a: "ä" }, scope, "json").bytes.slice(),
    encoder.traces(spans, { a: "ä" }, scope, "protobuf").skipped,
    ...host.use((core) => [
      core.ids(3).length,
      core.sample(0, plainSpan.traceId, 1),
      core.traceParent(` 00-${plainSpan.traceId}-${plainSpan.spanId}-01 `),
      core.traceState("a=1,b=2"),
    ]),
  ];
}

const noIds = {
  run: "",
  instance: "",
  session: "",
  operation: "",
  task: "",
  turn: "",
  toolCall: "",
  submission: "",
};

/** Uses what the module for Flue does: events, plans and what fits. */
function useFlue(module: WebAssembly.Module): unknown {
  const core = new FlueCore(module);
  const run = { ...noIds, run: "rün" };
  const operation = { ...run, operation: "op", instance: "instance" };
  return [
    core.take(FlueEventType.runStart, run, 0, 1),
    core.take(FlueEventType.operationStart, operation, 0, 2),
    core.find(FlueEventType.operationStart, operation),
    core.take(FlueEventType.operationEnd, operation, 0, 3),
    core.plan(FlueAbi.v3, FlueAbi.open, 0).read({ type: "", runId: "r" } as never, {}),
    core.fit([{ keyBytes: 10, valueBytes: 500, isText: true }], 100),
    core.endAll(),
    core.counters(),
  ];
}

const uses = [
  { name: "core", abi: coreAbi, use: useCore },
  { name: "aggregate", abi: aggregateAbi, use: useAggregate },
  { name: "otlp", abi: otlpAbi, use: useOtlp },
  { name: "flue", abi: flueAbi, use: useFlue },
] as const;

/** Not called by {@link uses}, or before anything of the memory is known. */
const unused = /_(abi_version|abi_fingerprint|create|destroy|snapshot_(write|info))$/;

for (const { name, abi, use } of uses) {
  describe(`${name}.wasm of the ${build} build, whose memory grows at any call,`, () => {
    const bytes = readModule(name);
    const expected = use(compile(bytes));

    for (const exported of abi.exportNames.filter((one) => !unused.test(one))) {
      test(`answers the same when it grows in ${exported}`, () => {
        assert.deepEqual(use(compile(withGrowthIn(bytes, exported))), expected);
      });
    }
  });
}

describe("the views on a memory", () => {
  test("are renewed after it has grown, and show what was written before", () => {
    const { memory: own } = instantiate(coreAbi, coreModule);
    const memory = new ModuleMemory(own);
    const at = memory.size - 16;
    memory.bytes.set([1, 2, 3, 4], at);
    for (const pages of [1, 2]) {
      const { bytes, words, doubles } = memory;
      own.grow(pages);
      assert.deepEqual([bytes.length, words.length, doubles.length], [0, 0, 0]);
      assert.equal(memory.words[at / 4], 0x04030201);
      assert.equal(memory.doubles.length, own.buffer.byteLength / 8);
      assert.deepEqual([...memory.copy(at, 4)], [1, 2, 3, 4]);
      assert.equal(memory.size, own.buffer.byteLength);
    }
  });

  test("take a text as far as there is room, and give it back", () => {
    const memory = new ModuleMemory(instantiate(coreAbi, coreModule).memory);
    const at = memory.size - 16;
    assert.deepEqual(memory.putText("aä€", at, 5), { read: 2, written: 3 });
    assert.equal(memory.text(at, 3), "aä");
    assert.deepEqual(memory.putText("aä€", at, 6), { read: 3, written: 6 });
    assert.equal(memory.text(at, 6), "aä€");
  });
});

describe("the host of a module", () => {
  let said: unknown[][];
  beforeEach(() => {
    said = [];
    mock.method(console, "error", (...parts: unknown[]) => void said.push(parts));
  });
  afterEach(() => mock.restoreAll());

  const hosts = {
    otlp: (module: () => WebAssembly.Module) => {
      const host = new OtlpHost(module);
      return { host, call: () => host.attempt((core) => core.traceState("a=1"), "otherwise") };
    },
    flue: (module: () => WebAssembly.Module) => {
      const host = new FlueCoreHost(module);
      return {
        host,
        call: () => host.attempt((core) => String(core.fit([], 0).length), "otherwise"),
      };
    },
  };
  const trapping = { otlp: "isotel_otlp_trace_state", flue: "isotel_flue_fit" } as const;
  const answers = { otlp: "a=1", flue: "0" } as const;

  for (const name of ["otlp", "flue"] as const) {
    const bytes = readModule(name);
    const broken = compile(withTrapIn(bytes, trapping[name]));

    test(`replaces an instance of ${name}.wasm that trapped at the next use, and says so once`, () => {
      let made = 0;
      const { host, call } = hosts[name](() => {
        made += 1;
        return made <= 2 ? broken : compile(bytes);
      });
      assert.deepEqual(
        [call(), call(), call(), call()],
        ["otherwise", "otherwise", answers[name], answers[name]],
      );
      assert.deepEqual([made, host.traps], [3, 2]);
      assert.ok(host.lastTrap instanceof WebAssembly.RuntimeError);
      assert.equal(said.length, 1);
      assert.match(
        String(said[0]?.[0]),
        new RegExp(`^isotel: ${name}.wasm failed and is replaced`),
      );
    });

    test(`gives ${name}.wasm up after a hundred traps, and says so once`, () => {
      let made = 0;
      const { host, call } = hosts[name](() => {
        made += 1;
        return broken;
      });
      for (let i = 0; i < 120; i += 1) assert.equal(call(), "otherwise");
      assert.deepEqual([made, host.traps], [100, 100]);
      assert.equal(host.instance, undefined);
      assert.throws(() => host.use(() => "called"), ModuleTrapError);
      const last = said
        .map(([message]) => String(message))
        .filter((one) => one.includes("stays off"));
      assert.equal(last.length, 1);
      assert.match(String(last[0]), new RegExp(`^isotel: ${name}.wasm has failed 100 times`));
    });
  }

  test("has no instance where the module could not be loaded, and keeps why", () => {
    const host = new FlueCoreHost(() => undefined);
    assert.equal(
      host.attempt(() => "called", "otherwise"),
      "otherwise",
    );
    assert.equal(host.traps, 0);
    assert.match(String(host.lastTrap), /flue.wasm could not be loaded/);
  });

  test("hands on what a call throws that is no trap, and keeps the instance", () => {
    const host = new OtlpHost(() => compile(readModule("otlp")));
    const { instance } = host;
    const refused = new Error("refused");
    const refuse = () => {
      throw refused;
    };
    assert.throws(() => host.attempt(refuse, "otherwise"), refused);
    assert.throws(() => host.use(refuse), refused);
    assert.equal(host.instance, instance);
    assert.equal(host.traps, 0);
  });

  test("takes a place without randomness for no trap of the OTLP module", () => {
    const core = new OtlpCore(compile(readModule("otlp")));
    const disallowed = new Error("Disallowed operation called within global scope.");
    mock.method(crypto, "getRandomValues", () => {
      throw disallowed;
    });
    assert.throws(() => core.ids(1), disallowed);
    assert.equal(core.isAlive, true);
    mock.restoreAll();
    assert.match(core.ids(1), /^[\da-f]{16}$/);
  });

  test("replaces an aggregate that trapped; what the module refuses ends none", () => {
    const bytes = readModule("aggregate");
    let made = 0;
    const host = new ModuleHost<Aggregate>({
      file: aggregateAbi.file,
      module: () => {
        made += 1;
        return compile(made === 1 ? withTrapIn(bytes, "isotel_aggregate_content_type") : bytes);
      },
      make: (module, onTrap) => new Aggregate(module, undefined, onTrap),
      loss: "nothing is lost",
      withoutIt: "nothing is shown",
    });
    const type = (aggregate: Aggregate) =>
      aggregate.contentType({ format: MetricsFormat.text, escaping: AggregateAbi.escapingDots });
    assert.throws(
      () => host.use((aggregate) => aggregate.peek(new Uint8Array(3))),
      AggregationError,
    );
    assert.equal(host.traps, 0);
    assert.throws(() => host.use(type), AggregationError);
    assert.equal(host.traps, 1);
    assert.match(host.use(type), /^text\/plain/);
    assert.deepEqual([made, host.traps], [2, 1]);
  });
});
