import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeLogs, encodeTraces } from "../../../bindings/otlp/core/encoder.ts";
import { readJson, readProtobuf } from "../../otlp/definitions.ts";
import * as openTelemetry from "../../otlp/opentelemetry.ts";
import { RandomModel } from "../../otlp/random_model.ts";
import { Random } from "../../wasm/support/random.ts";

const batches = 700;

/** Calls `check` with many batches of their own; says which one failed. */
function forMany(check: (model: RandomModel) => void): void {
  for (let seed = 1; seed <= batches; seed += 1) {
    try {
      check(new RandomModel(new Random(seed)));
    } catch (cause) {
      throw new Error(`With seed ${seed}: ${String(cause)}`, { cause });
    }
  }
}

describe("against OpenTelemetry's own encoder, read with the official definitions", () => {
  test(`${batches} random batches of spans are the same messages`, () => {
    let spans = 0;
    forMany((model) => {
      const batch = [model.spans(), model.resource(), model.scope()] as const;
      const ours = readProtobuf("traces", encodeTraces(...batch, "protobuf"));
      const theirs = readProtobuf("traces", openTelemetry.encodeTraces(...batch, "protobuf"));
      assert.deepEqual(ours, theirs);
      spans += batch[0].length;
    });
    assert.ok(spans > 3000, `${spans} spans`);
  });

  test(`${batches} random batches of log records are the same messages`, () => {
    forMany((model) => {
      const batch = [model.logs(), model.resource(), model.scope()] as const;
      const ours = readProtobuf("logs", encodeLogs(...batch, "protobuf"));
      const theirs = readProtobuf("logs", openTelemetry.encodeLogs(...batch, "protobuf"));
      assert.deepEqual(ours, theirs);
    });
  });
});

describe("our JSON, read with the official definitions", () => {
  test(`says of ${batches} random batches of spans what our protobuf says`, () => {
    forMany((model) => {
      const batch = [model.spans(), model.resource(), model.scope()] as const;
      const json = readJson("traces", encodeTraces(...batch, "json"));
      assert.deepEqual(json, readProtobuf("traces", encodeTraces(...batch, "protobuf")));
    });
  });

  test(`says of ${batches} random batches of log records what our protobuf says`, () => {
    forMany((model) => {
      const batch = [model.logs(), model.resource(), model.scope()] as const;
      const json = readJson("logs", encodeLogs(...batch, "json"));
      assert.deepEqual(json, readProtobuf("logs", encodeLogs(...batch, "protobuf")));
    });
  });
});
