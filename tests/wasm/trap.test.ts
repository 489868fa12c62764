import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { coreAbi, Operation } from "../../bindings/core/abi.gen.ts";
import { Core, trapped } from "../../bindings/core/core.ts";
import { CoreHost } from "../../bindings/core/core_host.ts";
import { noFields, SpanFields } from "../../bindings/core/span_fields.ts";
import type { TracerSpan } from "../../bindings/trace/span.ts";
import { Telemetry } from "../../bindings/trace/telemetry.ts";
import { Tracer } from "../../bindings/trace/tracer.ts";
import { RecordingRuntime } from "../unit/support/recording_runtime.ts";
import { compile, coreModule, readCore } from "./support/module.ts";
import { withTrapIn } from "./support/wasm_binary.ts";

const bytes = readCore();
const trappingIn = (name: string) => compile(withTrapIn(bytes, name));

/** A tracer whose first `times` instances are `module`; later ones are sound. */
function tracerOver(module: WebAssembly.Module, times = 1) {
  let made = 0;
  const host = new CoreHost(() => {
    made += 1;
    return made <= times ? module : coreModule;
  });
  const runtime = new RecordingRuntime({ byteBudget: true });
  const telemetry = new Telemetry(host, runtime, () => 1000);
  return { host, runtime, telemetry, tracer: new Tracer(telemetry), made: () => made };
}

/** Uses all a custom span can do. */
function use(span: TracerSpan): string {
  span.setAttribute("app.first", 1);
  span.setStatus("ok");
  // Too much to be certain that it fits, so the core has to decide.
  span.setAttributes({ "app.large": "x".repeat(50_000) });
  return "the user's result";
}

describe("a trap", () => {
  test("a function that was made to trap does trap, in either way", () => {
    for (const trap of ["unreachable", "out_of_bounds"] as const) {
      const module = compile(withTrapIn(bytes, "isotel_text", trap));
      const core = new WebAssembly.Instance(module, {}).exports as Record<string, () => number>;
      assert.equal(core["isotel_abi_version"]?.(), coreAbi.version);
      assert.throws(() => core["isotel_text"]?.(), WebAssembly.RuntimeError);
    }
  });

  test("a pointer outside of memory traps, and the host takes it as any other trap", () => {
    const traps: unknown[] = [];
    const core = new Core(
      compile(withTrapIn(bytes, "isotel_span_open", "out_of_bounds")),
      (cause) => traps.push(cause),
    );
    assert.equal(core.openSpan(0, 0, 0, 0, 0), 0);
    assert.equal(core.isAlive, false);
    assert.match(String(traps[0]), /RuntimeError: memory access out of bounds/);
  });

  // Those of a dead instance mean nothing, whatever they are.
  const noCounters = {};
  // What a call of the binding's Core answers when the export under it traps.
  const sink = { write: () => assert.fail("nothing is written") };
  const calls: Record<string, readonly [(core: Core) => unknown, unknown]> = {
    isotel_counters: [(core) => core.counters(), noCounters],
    isotel_intern: [(core) => core.intern("text"), 0],
    isotel_span_name: [(core) => core.spanName(Operation.chat, "model"), ""],
    isotel_cut_name: [(core) => core.cutName("n".repeat(70)), "n".repeat(21)],
    isotel_provider_name: [(core) => core.providerName("openai"), "openai"],
    isotel_metadata_key: [(core) => core.metadataKey(0, "key"), ""],
    isotel_buffer: [(core) => core.spanName(Operation.chat, "model"), ""],
    isotel_scope_open: [(core) => core.openScope(), 0],
    isotel_scope_spans: [(core) => core.scopeSpans(core.openScope(), true), []],
    isotel_scope_close: [(core) => core.closeScope(core.openScope()), undefined],
    isotel_span_open: [(core) => core.openSpan(0, 0, 0, 0, 0), 0],
    isotel_span_start: [(core) => core.startSpan(open(core), 0, noFields, sink), undefined],
    isotel_span_reserve: [(core) => core.reserveAttributes(open(core), 1, 1, 0), trapped],
    isotel_span_fit: [
      (core) =>
        core.fitAttributes(open(core), [{ keyBytes: 1, valueBytes: 1, cuttable: true }], 0).length,
      0,
    ],
    isotel_span_first_chunk: [(core) => core.firstChunk(open(core), 1), undefined],
    isotel_span_status: [(core) => core.setStatus(open(core), 1), undefined],
    isotel_span_end: [
      (core) => core.endSpan(open(core), 0, 0, 0, 0, 0, 0, 0, noFields, sink),
      trapped,
    ],
  };
  const open = (core: Core) => core.openSpan(Operation.custom, 0, 0, 0, 0);

  for (const [name, [call, answer]] of Object.entries(calls)) {
    test(`in ${name} reaches no caller, and all calls after it do nothing`, () => {
      const traps: unknown[] = [];
      const core = new Core(trappingIn(name), (cause) => traps.push(cause));
      assert.equal(core.isAlive, true);
      assert.deepEqual(call(core), answer);
      assert.equal(core.isAlive, false);
      assert.equal(traps.length, 1);
      assert.ok(traps[0] instanceof WebAssembly.RuntimeError);
      for (const [again, otherwise] of Object.values(calls)) {
        if (otherwise !== noCounters) assert.deepEqual(again(core), otherwise);
      }
      const fields = new SpanFields().text(0, "x").number(1, 1);
      core.startSpan(1, 0, fields, { write: () => assert.fail("a dead core planned attributes") });
      assert.ok(core.memoryBytes > 0);
      assert.equal(traps.length, 1);
    });
  }

  test("in isotel_keys or isotel_text breaks off the plan of one span", () => {
    for (const name of ["isotel_keys", "isotel_text"]) {
      let traps = 0;
      const core = new Core(trappingIn(name), () => {
        traps += 1;
      });
      const span = core.openSpan(Operation.chat, 0, 0, 0, 0);
      core.startSpan(span, 0, noFields, { write() {} });
      assert.equal(traps, 1, name);
      assert.equal(core.isAlive, false);
    }
  });

  test("while an instance is made leaves the host without a core, and the next use makes another", () => {
    for (const name of [
      "isotel_abi_version",
      "isotel_abi_fingerprint",
      "isotel_create",
      "isotel_shared_block",
      "_initialize",
    ]) {
      const { host, made } = tracerOver(trappingIn(name));
      const cores = [host.core, host.core];
      assert.deepEqual(
        cores.map((core) => core?.isAlive),
        [undefined, true],
        name,
      );
      assert.equal(host.traps, 1);
      assert.ok(host.lastTrap instanceof WebAssembly.RuntimeError);
      assert.equal(made(), 2);
    }
  });
});

describe("a trap in the middle of a traced call", () => {
  const during = coreAbi.exportNames.filter((name) =>
    /span_(open|reserve|fit|status|end)$|^isotel_(abi_fingerprint|create|shared_block|buffer)$/.test(
      name,
    ),
  );
  for (const name of during) {
    test(`in ${name} leaves the result intact, ends the native span, and the next call is traced`, () => {
      const { host, runtime, tracer } = tracerOver(trappingIn(name));
      assert.equal(tracer.withSpan("struck", {}, use), "the user's result");
      assert.equal(host.traps, 1);
      assert.deepEqual(
        runtime.spans.map((span) => [span.name, span.ended, span.lateWrites]),
        [["struck", true, 0]],
      );
      assert.equal(tracer.withSpan("next", {}, use), "the user's result");
      const [, next] = runtime.spans;
      assert.deepEqual(
        [next?.ended, next?.status, next?.attributes.get("app.first")],
        [true, "ok", 1],
      );
      assert.equal(host.traps, 1);
      assert.equal(tracer.diagnostics()["traps"], 1);
    });

    test(`in ${name} leaves errors and promises intact`, async () => {
      const { host, runtime, tracer } = tracerOver(trappingIn(name), 3);
      const unlucky = new Error("unlucky");
      const thrown = (span: TracerSpan) => {
        use(span);
        throw unlucky;
      };
      assert.throws(
        () => tracer.withSpan("throws", {}, thrown),
        (cause) => cause === unlucky,
      );
      await assert.rejects(
        tracer.withSpan("rejects", {}, async (span) => thrown(span)),
        (cause) => cause === unlucky,
      );
      const value = { an: "object" };
      const fulfilled = tracer.withSpan("fulfilled", {}, async (span) => {
        use(span);
        await null;
        return value;
      });
      assert.equal(await fulfilled, value);
      assert.equal(host.traps, 3);
      assert.ok(runtime.spans.every((span) => span.ended));
    });
  }

  test("spans of the dead instance end in the runtime when their time comes, those of the new one live on", () => {
    const { host, runtime, tracer } = tracerOver(trappingIn("isotel_span_status"));
    const outer = tracer.openSpan("outer", { "app.key": "kept" }, (span) => span);
    const struck = tracer.openSpan("struck", {}, (span) => span);
    struck.setStatus("ok");
    assert.equal(host.traps, 1);
    const fresh = tracer.openSpan("fresh", {}, (span) => span);
    outer.setAttribute("app.later", 1);
    outer.finish();
    struck.fail(new Error("unlucky"));
    fresh.setStatus("error");
    assert.deepEqual(
      runtime.spans.map((span) => [span.name, span.ended]),
      [
        ["outer", true],
        ["struck", true],
        ["fresh", false],
      ],
    );
    fresh.finish();
    assert.equal(runtime.spans[2]?.status, "error");
    assert.equal(runtime.spans[0]?.attributes.get("app.key"), "kept");
    assert.equal(host.traps, 1);
  });

  test("a name that could not be made is asked for again of the next instance", () => {
    const name = "a span name of more than twenty-one characters";
    const { telemetry, tracer, runtime } = tracerOver(trappingIn("isotel_cut_name"));
    tracer.withSpan(name, {}, () => {});
    tracer.withSpan(name, {}, () => {});
    assert.equal(runtime.spans[1]?.name, name);
    assert.equal(telemetry.host.traps, 1);
  });

  test("the name of an operation that could not be made is not kept", () => {
    const { telemetry } = tracerOver(trappingIn("isotel_span_name"));
    telemetry.nameOf(Operation.chat, "model");
    assert.equal(telemetry.host.traps, 1);
    assert.equal(telemetry.nameOf(Operation.chat, "model"), "chat model");
  });

  test("providers and metadata keys that could not be made are not kept", () => {
    for (const [name, ask, wanted] of [
      [
        "isotel_provider_name",
        (t: Telemetry, core: Core) => t.names.provider(core, "google.vertex"),
        "gcp.vertex_ai",
      ],
      [
        "isotel_metadata_key",
        (t: Telemetry, core: Core) => t.names.metadataKey(core, 0, "tenant"),
        "cloudflare.agents.metadata.tenant",
      ],
    ] as const) {
      const { host, telemetry } = tracerOver(trappingIn(name));
      ask(telemetry, host.core as Core);
      assert.equal(host.traps, 1);
      assert.equal(ask(telemetry, host.core as Core), wanted);
    }
  });
});

describe("after a hundred traps", () => {
  test("the core stays off, no span opens any more, and user code works", async () => {
    const { host, runtime, tracer, made } = tracerOver(trappingIn("isotel_span_end"), 1000);
    for (let i = 0; i < 100; i += 1) {
      assert.equal(tracer.withSpan("struck", {}, use), "the user's result");
    }
    assert.equal(host.traps, 100);
    assert.equal(made(), 100);
    assert.equal(host.core, undefined);
    const unlucky = new Error("unlucky");
    assert.equal(tracer.withSpan("off", {}, use), "the user's result");
    await assert.rejects(
      tracer.withSpan("off", {}, () => Promise.reject(unlucky)),
      (cause) => cause === unlucky,
    );
    assert.equal(
      tracer.openSpan("off", {}, (span) => span.isTraced),
      false,
    );
    assert.equal(host.traps, 100);
    assert.equal(made(), 100);
    assert.equal(tracer.diagnostics()["traps"], 100);
    assert.equal(runtime.spans.length, 100);
    assert.ok(runtime.spans.every((span) => span.ended));
  });

  test("a module that can never be compiled is asked for a hundred times at most", () => {
    let asked = 0;
    const host = new CoreHost(() => {
      asked += 1;
      throw new TypeError("no module");
    });
    for (let i = 0; i < 150; i += 1) assert.equal(host.core, undefined);
    assert.equal(asked, 100);
    assert.equal(host.traps, 100);
    assert.match(String(host.lastTrap), /no module/);
  });
});
