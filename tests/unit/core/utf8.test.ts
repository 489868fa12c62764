import assert from "node:assert/strict";
import { test } from "node:test";
import { cutToBytes, utf8Length } from "../../../bindings/base/bytes.ts";
import { Random } from "../../wasm/support/random.ts";

const pieces = ["a", "\0", "\x7f", "\x80", "ß", "\u07ff", "\u0800", "€", "\uffff", "\u{1f389}"];
const surrogates = ["\ud83c", "\udf89", "\udbff", "\udc00"];

const byteLength = (text: string) => new TextEncoder().encode(text).length;

/** 2,000 texts of mixed widths, some with lone surrogates. */
function* samples(): Generator<string> {
  const random = new Random(7);
  const all = [...pieces, ...surrogates];
  yield "";
  for (let i = 0; i < 2000; i += 1) {
    yield Array.from({ length: random.below(12) }, () => random.pick(all)).join("");
  }
}

test("the length of any text is that of its UTF-8", () => {
  for (const text of samples()) {
    assert.equal(utf8Length(text), byteLength(text), JSON.stringify(text));
  }
});

test("a cut text is the longest prefix that fits and splits no character", () => {
  for (const text of samples()) {
    for (let max = 0; max <= byteLength(text) + 1; max += 1) {
      const cut = cutToBytes(text, max);
      assert.ok(text.startsWith(cut));
      assert.ok(byteLength(cut) <= max, JSON.stringify([text, max]));
      const next = String.fromCodePoint(text.codePointAt(cut.length) ?? 0);
      if (cut.length < text.length) {
        assert.ok(byteLength(cut + next) > max, JSON.stringify([text, max, cut]));
      }
      assert.ok(!splitsPair(text, cut.length), JSON.stringify([text, max, cut]));
    }
  }
});

test("a text of a megabyte is cut without being read to its end", () => {
  assert.equal(cutToBytes("x".repeat(1 << 20), 10), "x".repeat(10));
  assert.equal(utf8Length("€".repeat(1 << 20)), 3 << 20);
});

function splitsPair(text: string, at: number): boolean {
  const [before, after] = [text.charCodeAt(at - 1), text.charCodeAt(at)];
  return before >= 0xd800 && before < 0xdc00 && after >= 0xdc00 && after < 0xe000;
}
