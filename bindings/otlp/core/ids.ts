import { type OtlpHost, otlpHost } from "./otlp_core.ts";

const spanDigits = 16;
/** Number of span ids that one call makes. */
const poolSize = 64;

/** Makes trace ids and span ids from the entropy of the host. On Workers, entropy is available inside handlers only. */
export class IdGenerator {
  readonly #host: OtlpHost;
  #pool = "";
  #at = 0;

  constructor(host: OtlpHost = otlpHost) {
    this.#host = host;
  }

  /** Returns 32 lower-case hexadecimal digits that are not all zero. */
  traceId(): string {
    return this.spanId() + this.spanId();
  }

  /** Returns 16 lower-case hexadecimal digits that are not all zero. */
  spanId(): string {
    if (this.#at === this.#pool.length) {
      this.#pool = this.#host.attempt((core) => core.ids(poolSize), "") || randomDigits();
      this.#at = 0;
    }
    this.#at += spanDigits;
    return this.#pool.slice(this.#at - spanDigits, this.#at);
  }
}

/** Makes one id without the module. */
function randomDigits(): string {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return hex(high || 1) + hex(low);
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}

const generator = new IdGenerator();

/** Returns a new trace id. */
export function newTraceId(): string {
  return generator.traceId();
}

/** Returns a new span id. */
export function newSpanId(): string {
  return generator.spanId();
}

/** Returns ids that depend on a text only, so that isolates that know the text agree on them without a message. */
export function idsOf(text: string): { readonly traceId: string; readonly spanId: string } {
  const digits = [1, 2, 3, 4, 5, 6].map((seed) => hex(hash(text, seed) || 1)).join("");
  return { traceId: digits.slice(0, 2 * spanDigits), spanId: digits.slice(2 * spanDigits) };
}

/** A 32-bit hash. Mixes after each unit, so that different seeds do not collide for the same texts. */
function hash(text: string, seed: number): number {
  let mixed = Math.imul(seed, 0x9e3779b1);
  for (let i = 0; i < text.length; i += 1) {
    mixed = Math.imul(mixed ^ text.charCodeAt(i), 0x85ebca6b);
    mixed ^= mixed >>> 15;
  }
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
