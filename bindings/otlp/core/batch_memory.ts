import type { ModuleMemory } from "../../wasm/module.ts";
import { OtlpAbi } from "./abi.gen.ts";
import type { BatchWriter } from "./batch_writer.ts";

/** Sizes of a batch in the order in which the exports take them. */
export type BatchSizes = readonly [
  numbers: number,
  keys: number,
  words: number,
  textBytes: number,
  textUnits: number,
  rawBytes: number,
];

/**
 * Puts a batch into a module's memory.
 *
 * @param bufferOf the address of a buffer of at least that many bytes, 0 where there can be none. What stood in an
 * earlier one is lost.
 * @returns the batch's sizes; undefined when it is larger than the buffer can be.
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
    // Three bytes a unit are always enough.
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
