const poolBytes = 4_096;
const pool = new Uint8Array(poolBytes);
let used = poolBytes;

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** 32 hexadecimal digits, not all zero. Throws where there is no entropy, as at global scope on Workers. */
export function newTraceId(): string {
  return randomHex(16);
}

/** 16 hexadecimal digits, not all zero. Throws as {@link newTraceId}. */
export function newSpanId(): string {
  return randomHex(8);
}

function randomHex(bytes: number): string {
  for (;;) {
    if (used + bytes > poolBytes) {
      crypto.getRandomValues(pool);
      used = 0;
    }
    let text = "";
    let any = 0;
    for (const end = used + bytes; used < end; used += 1) {
      const byte = pool[used] as number;
      any |= byte;
      text += hex[byte] as string;
    }
    if (any !== 0) return text;
  }
}
