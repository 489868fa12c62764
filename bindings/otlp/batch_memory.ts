import { OtlpAbi } from "./abi.gen.ts";
import type { BatchWriter } from "./batch_writer.ts";

const encoder = new TextEncoder();

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
  memory: WebAssembly.Memory,
  bufferOf: (size: number) => number,
): BatchSizes | undefined {
  const text = batch.keyText + batch.text;
  const { numberCount, wordCount, rawBytes, keySizes } = batch;
  const keyCount = keySizes.length;
  const textAt = 8 * numberCount + 4 * (keyCount + wordCount);
  let at = bufferOf(textAt + text.length + rawBytes);
  if (at === 0) return undefined;
  let { read, written } = putText(text, memory, at + textAt, text.length);
  if (read < text.length) {
    // Three bytes a unit are always enough.
    const roomBytes = Math.min(3 * text.length, OtlpAbi.maxBatchBytes - textAt - rawBytes);
    at = bufferOf(textAt + roomBytes + rawBytes);
    ({ read, written } = putText(text, memory, at + textAt, roomBytes));
    if (read < text.length) return undefined;
  }
  const { buffer } = memory;
  new Float64Array(buffer, at, numberCount).set(batch.numbers.subarray(0, numberCount));
  const words = new Uint32Array(buffer, at + 8 * numberCount, keyCount + wordCount);
  words.set(keySizes);
  words.set(batch.words.subarray(0, wordCount), keyCount);
  let rawAt = at + textAt + written;
  for (const bytes of batch.raw) {
    new Uint8Array(buffer, rawAt, bytes.length).set(bytes);
    rawAt += bytes.length;
  }
  return [numberCount, keyCount, wordCount, written, text.length, rawBytes];
}

function putText(
  text: string,
  memory: WebAssembly.Memory,
  at: number,
  roomBytes: number,
): { read: number; written: number } {
  return encoder.encodeInto(text, new Uint8Array(memory.buffer, at, roomBytes));
}
