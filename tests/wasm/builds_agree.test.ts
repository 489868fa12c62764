import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { build, compile, readCore } from "./support/module.ts";
import { transcribe, transcribeCore } from "./support/session.ts";

// The wasi build is tested first and the other may not be there yet.
const other = build === "emscripten" ? compile(readCore("wasi")) : undefined;
const own = compile(readCore(build));

const hash = (lines: readonly string[]) =>
  createHash("sha256").update(lines.join("\n")).digest("hex");

function assertSame(actual: readonly string[], expected: readonly string[]): void {
  const at = actual.findIndex((line, index) => line !== expected[index]);
  if (at >= 0) assert.deepEqual(actual.slice(at - 5, at + 5), expected.slice(at - 5, at + 5));
  assert.equal(hash(actual), hash(expected));
}

describe(`transcripts of the ${build} build`, () => {
  for (const seed of [11, 12, 13]) {
    test(`a session of all calls reaches every kind of answer and is repeated exactly (seed ${seed})`, () => {
      const transcript = transcribe(own, seed, 3000);
      const kinds = new Set(transcript.map((line) => /^[a-z ]*[a-z]|^ /.exec(line)?.[0]));
      assert.ok(transcript.length > 6000, `${transcript.length} lines`);
      for (const kind of ["open", "start", "end", "end exactly", "fit", "charge", "keys"]) {
        assert.ok(kinds.has(kind), `no "${kind}" in ${[...kinds].join()}`);
      }
      assertSame(transcribe(own, seed, 3000), transcript);
    });
    test(`no text or number that the binding writes makes it trap (seed ${seed})`, () => {
      const traps = transcribeCore(own, seed, 600).filter((line) => line.startsWith("trap"));
      assert.deepEqual(traps, []);
    });
    if (other !== undefined) {
      test(`the other build answers the same, byte for byte (seed ${seed})`, () => {
        assertSame(transcribe(other, seed, 3000), transcribe(own, seed, 3000));
      });
      test(`the binding writes the same attributes over the other build (seed ${seed})`, () => {
        assertSame(transcribeCore(other, seed, 600), transcribeCore(own, seed, 600));
      });
    }
  }
});
