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
