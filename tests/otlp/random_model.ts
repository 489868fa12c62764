// Spans and log records of any content a program could give them.
import type {
  AttributeList,
  FinishedSpan,
  InstrumentationScope,
  LogRecord,
  SpanEvent,
  SpanLink,
} from "../../bindings/otlp/core/model.ts";
import type { Random } from "../wasm/support/random.ts";

const texts = [
  "",
  "chat",
  "gen_ai.operation.name",
  "grüße",
  "日本語のテキスト",
  "🚀 to the moon 🌕",
  "\ud83d",
  "\ude00",
  "\ude00\ud83d",
  'quote " and \\ backslash',
  "\u0000\u0001\u001f\u007f",
  "line\nbreak\ttab\r",
  "\u2028\u2029\ufeff\uffff",
  "</script>",
  "x".repeat(127),
  "y".repeat(128),
  "ä".repeat(64),
  "z".repeat(2_000),
];

const numbers = [
  0,
  -0,
  1,
  -1,
  127,
  128,
  -128,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 32,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
  0.1,
  -1.5,
  1e-300,
  1.7976931348623157e308,
  5e-324,
  2 ** 70,
  123456.789,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];

export class RandomModel {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  text(): string {
    const random = this.#random;
    return random.once(3) ? `${random.pick(texts)}${random.pick(texts)}` : random.pick(texts);
  }

  /** Digits that are not all zero. */
  id(count: number): string {
    const digit = () => this.#random.below(16).toString(16);
    return `${Array.from({ length: count - 1 }, digit).join("")}1`;
  }

  /** In whole and broken milliseconds, up to the year 2500. */
  time(): number {
    const random = this.#random;
    if (random.once(12)) return 0;
    const whole = random.bits() * 3_800 + random.below(3_800);
    return random.once(2) ? whole : whole + random.bits() / 2 ** 32;
  }

  count(): number {
    return this.#random.once(3) ? this.#random.bits() : 0;
  }

  number(): number {
    const random = this.#random;
    return random.once(2) ? random.pick(numbers) : random.bits() / 2 ** random.below(40);
  }

  value(depth = 0): unknown {
    const random = this.#random;
    switch (random.below(depth > 3 ? 6 : 9)) {
      case 0:
      case 1:
        return this.text();
      case 2:
      case 3:
        return this.number();
      case 4:
        return random.once(2);
      case 5:
        return random.once(4) ? null : this.text();
      case 6:
        return Uint8Array.from({ length: random.below(40) }, () => random.below(256));
      case 7:
        return Array.from({ length: random.below(5) }, () => this.value(depth + 1));
      default: {
        const { keys, values } = this.attributes(depth + 1);
        return Object.fromEntries(keys.map((key, index) => [key, values[index]]));
      }
    }
  }

  /** Keys no object would sort as indices; now and then one that comes twice. */
  attributes(depth = 0): AttributeList {
    const random = this.#random;
    const keys = Array.from({ length: random.below(depth > 0 ? 4 : 25) }, () =>
      random.once(4) ? `k${this.text()}` : `app.key_${random.below(30)}`,
    );
    const values = keys.map(() => (random.once(20) ? undefined : this.value(depth)));
    return { keys, values };
  }

  event(): SpanEvent {
    return {
      name: this.text(),
      unixMs: this.time(),
      attributes: this.attributes(),
      droppedAttributesCount: this.count(),
    };
  }

  link(): SpanLink {
    return {
      traceId: this.id(32),
      spanId: this.id(16),
      traceState: this.#random.once(2) ? "" : "vendor=value,other=x",
      flags: this.#random.below(256),
      isRemote: this.#random.once(2),
      attributes: this.attributes(),
      droppedAttributesCount: this.count(),
    };
  }

  span(traceId = this.id(32)): FinishedSpan {
    const random = this.#random;
    const few = <T>(make: () => T) =>
      random.once(3) ? Array.from({ length: random.below(4) }, make) : [];
    return {
      traceId,
      spanId: this.id(16),
      parentSpanId: random.once(2) ? "" : this.id(16),
      isParentRemote: random.once(2),
      traceState: random.once(3) ? "vendor=value" : "",
      flags: random.below(256),
      name: this.text(),
      kind: random.below(6),
      startUnixMs: this.time(),
      endUnixMs: this.time(),
      attributes: this.attributes(),
      events: few(() => this.event()),
      links: few(() => this.link()),
      status: { code: random.below(3), message: random.once(4) ? this.text() : "" },
      droppedAttributesCount: this.count(),
      droppedEventsCount: this.count(),
      droppedLinksCount: this.count(),
    };
  }

  spans(): FinishedSpan[] {
    const traceId = this.id(32);
    return Array.from({ length: this.#random.below(12) + 1 }, () =>
      this.span(this.#random.once(3) ? undefined : traceId),
    );
  }

  log(): LogRecord {
    const random = this.#random;
    return {
      unixMs: this.time(),
      observedUnixMs: this.time(),
      severityNumber: random.below(25),
      severityText: random.once(2) ? "" : "WARN",
      body: random.once(5) ? undefined : this.value(),
      attributes: this.attributes(),
      droppedAttributesCount: this.count(),
      traceId: random.once(2) ? "" : this.id(32),
      spanId: random.once(2) ? "" : this.id(16),
      flags: random.below(256),
      eventName: random.once(3) ? this.text() : "",
    };
  }

  logs(): LogRecord[] {
    return Array.from({ length: this.#random.below(12) + 1 }, () => this.log());
  }

  resource(): Record<string, unknown> {
    return {
      "service.name": this.text(),
      "service.instance": this.number(),
      list: ["a", this.text()],
    };
  }

  scope(): InstrumentationScope {
    const scope = { name: this.text(), version: this.#random.once(2) ? "" : "1.2.3" };
    return this.#random.once(3) ? { ...scope, attributes: this.attributes(1) } : scope;
  }
}
