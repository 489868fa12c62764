import assert from "node:assert/strict";
import { test } from "node:test";
import { Operation } from "../../../bindings/core/abi.gen.ts";
import { Core } from "../../../bindings/core/core.ts";
import { NameCache } from "../../../bindings/trace/telemetry.ts";
import { coreModule } from "../../wasm/support/module.ts";

const methods = ["cutName", "spanName", "providerName", "metadataKey"] as const;

/** A core that counts what it is asked for. */
function countingCore() {
  const core = new Core(coreModule, (cause) => assert.fail(`the core trapped: ${cause}`));
  const asked: string[] = [];
  for (const method of methods) {
    const original = core[method] as (...args: unknown[]) => string;
    Object.defineProperty(core, method, {
      value: (...args: unknown[]) => {
        asked.push(`${method} ${String(args.at(-1)).slice(0, 20)}`);
        return original.apply(core, args);
      },
    });
  }
  return { core, asked, names: new NameCache() };
}

test("a short name needs no core at all", () => {
  const { core, asked, names } = countingCore();
  for (const name of ["", "work", "\u{1f389}".repeat(10), "€".repeat(21)]) {
    assert.equal(names.custom(core, name), name);
  }
  assert.deepEqual(asked, []);
});

test("each text crosses once", () => {
  const { core, asked, names } = countingCore();
  const long = "n".repeat(70);
  for (let i = 0; i < 3; i += 1) {
    assert.equal(names.custom(core, long), "n".repeat(64));
    assert.equal(names.operation(core, Operation.chat, "model"), "chat model");
    assert.equal(names.operation(core, Operation.executeTool, "model"), "execute_tool model");
    assert.equal(names.provider(core, "google.vertex"), "gcp.vertex_ai");
    assert.equal(names.metadataKey(core, 0, "key"), "cloudflare.agents.metadata.key");
    assert.equal(names.metadataKey(core, 1, "key"), "cloudflare.agents.runtime_context.key");
    assert.equal(names.metadataKey(core, 0, "agentId"), "");
  }
  assert.equal(asked.length, 7, asked.join());
});

test("names of a megabyte are known by their beginning, providers and keys are whole", () => {
  const { core, asked, names } = countingCore();
  const megabyte = "n".repeat(1 << 20);
  assert.equal(names.custom(core, megabyte), "n".repeat(64));
  assert.equal(names.custom(core, `${megabyte}!`), "n".repeat(64));
  assert.equal(names.operation(core, Operation.chat, megabyte), "chat");
  assert.equal(asked.length, 2);
  const provider = `openai.${"p".repeat(400)}`;
  assert.equal(names.provider(core, provider), "openai");
  assert.equal(names.provider(core, "p".repeat(400)), "p".repeat(400));
  assert.equal(names.metadataKey(core, 0, "k".repeat(400)).length, 27 + 400);
});

test("a name at a surrogate pair that falls on the boundary of what is kept is cut before it", () => {
  const { core, names } = countingCore();
  for (const pad of [60, 61, 62, 63, 254, 255, 256]) {
    const cut = names.custom(core, `${"x".repeat(pad)}\u{1f389}${"y".repeat(10)}`);
    assert.equal(cut, pad <= 60 ? `${"x".repeat(60)}\u{1f389}` : "x".repeat(Math.min(pad, 64)));
  }
});

test("more names than it keeps do no harm", () => {
  const { core, asked, names } = countingCore();
  for (let round = 0; round < 2; round += 1) {
    for (let i = 0; i < 1500; i += 1) {
      assert.equal(names.operation(core, Operation.chat, `m${i}`), `chat m${i}`);
    }
  }
  assert.ok(asked.length > 1500 && asked.length <= 3000, `${asked.length}`);
});
