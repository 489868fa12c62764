import assert from "node:assert/strict";
import { test } from "node:test";
import { Abi, type CoreExports } from "../../bindings/core/abi.gen.ts";
import { Random } from "./support/random.ts";
import { RawCore } from "./support/raw_core.ts";

type ExportName = Exclude<keyof CoreExports, "memory">;

// What a host may get wrong in a 32-bit argument.
const hostile = [
  0, 1, 2, 3, 5, 6, 16, 64, 127, 128, 255, 0x3fff, 0x4000, 0x4001, 0xc000, 0x7fffffff, 0x80000000,
  0xffffc000, 0xfffffffe, 0xffffffff,
];
const times = [0, 1, -1, 1e308, -1e308, Number.NaN, Number.POSITIVE_INFINITY, 1.8e12];

// Arguments after the context: h a 32-bit one, t a time.
const calls: readonly (readonly [ExportName, string])[] = [
  ["isotel_keys", "h"],
  ["isotel_intern", "hh"],
  ["isotel_text", "h"],
  ["isotel_span_name", "hh"],
  ["isotel_cut_name", "h"],
  ["isotel_provider_name", "h"],
  ["isotel_metadata_key", "hh"],
  ["isotel_scope_open", ""],
  ["isotel_scope_spans", "hh"],
  ["isotel_scope_close", "h"],
  ["isotel_span_open", "hhhht"],
  ["isotel_span_start", "hh"],
  ["isotel_span_reserve", "hhhh"],
  ["isotel_span_fit", "hhh"],
  ["isotel_span_first_chunk", "ht"],
  ["isotel_span_next_chunk", "ht"],
  ["isotel_span_status", "hh"],
  ["isotel_span_end", "hhhthhh"],
  ["isotel_counters", ""],
  ["isotel_metrics_open", ""],
  ["isotel_metrics_bounds", "htth"],
  ["isotel_metrics_declare", "h"],
  ["isotel_metrics_constant_labels", "h"],
  ["isotel_metrics_bind", "hht"],
  ["isotel_metrics_record", "ht"],
  ["isotel_metrics_record_exemplar", "htt"],
  ["isotel_metrics_add", "ht"],
  ["isotel_metrics_flush", "th"],
  ["isotel_metrics_frame", "h"],
  ["isotel_metrics_commit", "t"],
  ["isotel_metrics_status", ""],
  ["isotel_genai_metrics", "hh"],
  ["isotel_genai_price", "htttt"],
];

for (const seed of [1, 2, 3, 4, 5]) {
  test(`no sequence of calls with hostile arguments traps (seed ${seed})`, () => {
    const random = new Random(seed);
    const raw = new RawCore();
    raw.exports.isotel_buffer(raw.context, 1024);
    const handles = [0];
    for (let step = 0; step < 4000; step += 1) {
      const block = new Uint8Array(raw.exports.memory.buffer, raw.block, Abi.blockBytes);
      for (let i = 0; i < 8; i += 1) block[random.below(block.length)] = random.below(256);
      const [name, kinds] = random.pick(calls);
      const args = Array.from(kinds, (kind) => {
        if (kind === "t") return random.pick(times);
        return random.once(2) ? random.pick(handles) : random.pick(hostile);
      });
      const call = raw.exports[name] as (...args: number[]) => number;
      const answer = call(raw.context, ...args);
      if (name === "isotel_span_open" || name === "isotel_scope_open") {
        handles[random.below(20)] = answer >>> 0;
        handles[0] ??= 0;
      }
      for (let i = 0; i < handles.length; i += 1) handles[i] ??= 0;
    }
    const { spans_opened = 0, spans_ended = 0 } = raw.counters();
    assert.ok(spans_opened > 10 && spans_ended <= spans_opened, `${spans_opened}`);
    assert.equal(raw.exports.isotel_shared_block(raw.context) >>> 0, raw.block);
  });
}
