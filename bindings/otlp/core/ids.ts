import { type OtlpHost, otlpHost } from "./otlp_core.ts";

const spanDigits = 16;
/** How many span identifiers are made at once. */
const poolSize = 64;

/** Makes trace and span identifiers from the host's entropy: inside of a handler only, on Workers. */
export class IdGenerator {
  readonly #host: OtlpHost;
  #pool = "";
  #at = 0;

  constructor(host: OtlpHost = otlpHost) {
    this.#host = host;
  }

  /** 32 lower-case hexadecimal digits, not all zero. */
  traceId(): string {
    return this.spanId() + this.spanId();
  }

  /** 16 lower-case hexadecimal digits, not all zero. */
  spanId(): string {
    if (this.#at === this.#pool.length) {
      this.#pool = this.#host.attempt((core) => core.ids(poolSize), "") || randomDigits();
      this.#at = 0;
    }
    this.#at += spanDigits;
    return this.#pool.slice(this.#at - spanDigits, this.#at);
  }
}

/** One identifier without the module. */
function randomDigits(): string {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return hex(high || 1) + hex(low);
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}

const generator = new IdGenerator();

/** A new trace identifier. */
export function newTraceId(): string {
  return generator.traceId();
}

/** A new span identifier. */
export function newSpanId(): string {
  return generator.spanId();
}
