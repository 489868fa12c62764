import { Abi, MetricKind } from "../../../bindings/core/abi.gen.ts";
import { markShards } from "../../../bindings/metrics/shards.ts";
import { RawCore } from "./raw_core.ts";

/** A metric to declare, with the labels its series have. */
export interface Family {
  readonly name: string;
  /** A code of MetricKind; a counter unless given. */
  readonly kind?: number;
  readonly labels?: readonly string[];
  readonly bounds?: readonly number[];
}

const encoder = new TextEncoder();

/** An isolate that records: a core of its own, driven by hand. */
export class Producer {
  readonly core: RawCore = new RawCore();
  readonly #rows = new Map<string, number>();
  readonly #families = new Map<string, number>();

  /**
   * @param number makes the identifier, its first four bytes; the shard goes by them.
   * @param shards marks the identifier with a number of shards. Default: it is not marked.
   */
  constructor(number: number, shards?: number) {
    const id = new Uint8Array(16).fill(7);
    new DataView(id.buffer).setUint32(0, number, true);
    if (shards !== undefined) markShards(id, shards);
    this.core.putBytes(id);
    this.#check(this.core.exports.isotel_metrics_open(this.core.context));
  }

  record(family: Family, value: number, labels: readonly string[] = [], nowUnixMs = 1000): void {
    const { exports, context } = this.core;
    this.#check(
      exports.isotel_metrics_record(context, this.#row(family, labels, nowUnixMs), value),
    );
  }

  /** Flushes and commits: every frame there is. */
  frames(nowUnixMs = 2000): Uint8Array[] {
    const { exports, context } = this.core;
    const count = this.#check(exports.isotel_metrics_flush(context, nowUnixMs, 0));
    return Array.from({ length: count }, () => {
      const frame = this.core.answerBytes(exports.isotel_metrics_frame(context, 0));
      this.#check(exports.isotel_metrics_commit(context, this.core.result()));
      return frame;
    });
  }

  /** The one frame of a counter that counted `value`. */
  count(
    family: Family,
    value: number,
    nowUnixMs = 2000,
    labels: readonly string[] = [],
  ): Uint8Array {
    this.record(family, value, labels, nowUnixMs);
    const [frame, ...more] = this.frames(nowUnixMs);
    if (frame === undefined || more.length > 0) throw new Error(`${more.length} more frames.`);
    return frame;
  }

  #row(family: Family, labels: readonly string[], nowUnixMs: number): number {
    const key = JSON.stringify([family.name, labels]);
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const { exports, context } = this.core;
    const number = this.#family(family);
    const length = this.core.putBytes(sizedTexts(labels));
    const row = this.#check(exports.isotel_metrics_bind(context, number, length, nowUnixMs));
    this.#rows.set(key, row);
    return row;
  }

  #family(family: Family): number {
    const known = this.#families.get(family.name);
    if (known !== undefined) return known;
    const length = this.core.putBytes(declaration(family));
    const { exports, context } = this.core;
    const number = this.#check(exports.isotel_metrics_declare(context, length));
    this.#families.set(family.name, number);
    return number;
  }

  #check(answer: number): number {
    if (answer < 0) throw new Error(`The core answered error ${answer}.`);
    return answer;
  }
}

/** uint32_t[count] sizes, then the texts. */
function sizedTexts(texts: readonly string[]): Uint8Array {
  const encoded = texts.map((text) => encoder.encode(text));
  const sizes = new Uint32Array(encoded.map(({ length }) => length));
  return joined([new Uint8Array(sizes.buffer), ...encoded]);
}

function declaration({
  name,
  kind = MetricKind.counter,
  labels = [],
  bounds = [],
}: Family): Uint8Array {
  const head = new DataView(new ArrayBuffer(Abi.declarationBytes));
  head.setFloat64(Abi.declarationZeroThreshold, -1, true);
  head.setUint32(Abi.declarationKind, kind, true);
  head.setInt32(Abi.declarationSchema, 3, true);
  head.setUint32(Abi.declarationNameSize, encoder.encode(name).length, true);
  head.setUint32(Abi.declarationLabelCount, labels.length, true);
  head.setUint32(Abi.declarationBoundCount, bounds.length, true);
  const keys = labels.map((label) => encoder.encode(label));
  return joined([
    new Uint8Array(head.buffer),
    new Uint8Array(new Float64Array(bounds).buffer),
    new Uint8Array(new Uint32Array(keys.map(({ length }) => length)).buffer),
    encoder.encode(name),
    ...keys,
  ]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
