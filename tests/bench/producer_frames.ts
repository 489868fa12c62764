// Frames of as many producers as one likes, made from the frame of one. Used in Node and in workerd.

const producerAt = 4;
const checksumBytes = 4;
const mask = (1n << 64n) - 1n;
const factor = 0x9e3779b97f4a7c15n;

function mix(hash: bigint, word: bigint): bigint {
  const product = ((hash ^ word) * factor) & mask;
  return product ^ (product >> 32n);
}

/** The hash of src/metrics/SNAPSHOT_FORMAT.md. */
function hashOf(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (at: number) => view.getBigUint64(at, true);
  let hash = (BigInt(bytes.length + 1) * factor) & mask;
  let at = 0;
  if (bytes.length >= 64) {
    const lanes = [1n, 2n, 3n, 4n];
    for (; at + 32 <= bytes.length; at += 32) {
      for (const [lane, value] of lanes.entries()) lanes[lane] = mix(value, word(at + 8 * lane));
    }
    for (const lane of lanes) hash = mix(hash, lane);
  }
  for (; at + 8 <= bytes.length; at += 8) hash = mix(hash, word(at));
  let last = 0n;
  for (let i = bytes.length - 1; i >= at; i -= 1) last = (last << 8n) | BigInt(bytes[i] as number);
  hash = (mix(hash, last) * factor) & mask;
  return hash ^ (hash >> 29n);
}

/** Returns a number whose bits all depend on those of `value`. */
function scatter(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

/** Returns a frame with the contents of `frame` of the producer with this number. */
export function frameOf(frame: Uint8Array, producer: number): Uint8Array<ArrayBuffer> {
  const copy = frame.slice();
  const view = new DataView(copy.buffer);
  // Spread over the key space, like random identifiers.
  for (let i = 0; i < 4; i += 1) {
    view.setInt32(producerAt + 4 * i, scatter(4 * producer + i), true);
  }
  const end = copy.length - checksumBytes;
  view.setUint32(end, Number(hashOf(copy.subarray(0, end)) & 0xffffffffn), true);
  return copy;
}
