import type { ModuleMemory } from "../../wasm/module.ts";
import { OtlpAbi } from "./abi.gen.ts";
import type { BatchWriter } from "./batch_writer.ts";

/** Sizes of a batch in the order of the parameters of the module's function. */
export type BatchSizes = readonly [
  numbers: number,
  keys: number,
  words: number,
  textBytes: number,
  textUnits: number,
  rawBytes: number,
];

/**
 * Copies a batch into the memory of a module.
 *
 * @param bufferOf Returns the address of a buffer of at least `size` bytes, or 0 if the module cannot supply one. A
 *   call invalidates the content of the previous buffer.
 * @returns The sizes of the batch. Undefined if the batch does not fit into the buffer.
 */
export function putBatch(
  batch: BatchWriter,
  memory: ModuleMemory,
  bufferOf: (size: number) => number,
): BatchSizes | undefined {
  const text = batch.keyText + batch.text;
  const { numberCount, wordCount, rawBytes, keySizes } = batch;
  const keyCount = keySizes.length;
  const textAt = 8 * numberCount + 4 * (keyCount + wordCount);
  let at = bufferOf(textAt + text.length + rawBytes);
  if (at === 0) return undefined;
  let { read, written } = memory.putText(text, at + textAt, text.length);
  if (read < text.length) {
    // One UTF-16 unit needs at most three bytes of UTF-8.
    const roomBytes = Math.min(3 * text.length, OtlpAbi.maxBatchBytes - textAt - rawBytes);
    at = bufferOf(textAt + roomBytes + rawBytes);
    ({ read, written } = memory.putText(text, at + textAt, roomBytes));
    if (read < text.length) return undefined;
  }
  const { bytes, words, doubles } = memory;
  doubles.set(batch.numbers.subarray(0, numberCount), at >>> 3);
  const keysAt = (at + 8 * numberCount) >>> 2;
  words.set(keySizes, keysAt);
  words.set(batch.words.subarray(0, wordCount), keysAt + keyCount);
  let rawAt = at + textAt + written;
  for (const raw of batch.raw) {
    bytes.set(raw, rawAt);
    rawAt += raw.length;
  }
  return [numberCount, keyCount, wordCount, written, text.length, rawBytes];
}
