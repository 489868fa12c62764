// Recording metrics with the two modules as they are, up to the request.
import { compiledModule as aggregateModule } from "#wasm/aggregate";
import { compiledModule as coreModule } from "#wasm/core";
import { aggregateAbi } from "../../../../bindings/aggregate/totals/abi.gen.ts";
import { Abi, coreAbi, MetricKind } from "../../../../bindings/core/abi.gen.ts";
import {
  encodeSnapshot,
  type SnapshotRequest,
} from "../../../../bindings/metrics_export/encode_part.ts";
import { instantiate, ModuleMemory } from "../../../../bindings/wasm/module.ts";
import type { Family } from "../../../otlp/metrics.ts";

function loaded(module: WebAssembly.Module | undefined): WebAssembly.Module {
  if (module === undefined) throw new Error("The module could not be loaded.");
  return module;
}

function must(answer: number | undefined): number {
  if (answer === undefined || answer < 0) throw new Error(`The call answered ${answer}.`);
  return answer;
}

/** A producer of metrics and the totals it feeds. */
export class MetricsWorld {
  readonly #core = instantiate(coreAbi, loaded(coreModule));
  readonly #aggregate = instantiate(aggregateAbi, loaded(aggregateModule));
  readonly #producer: number;
  readonly #totals: number;

  constructor() {
    this.#producer = must(this.#core.isotel_create());
    this.#put(new Uint8Array(16).fill(7));
    must(this.#core.isotel_metrics_open(this.#producer));
    this.#totals = must(this.#aggregate.isotel_aggregate_create(1e9, 1e9, Infinity, 1e5, 1e5, 1e9));
    must(this.#aggregate.isotel_aggregate_totals_ready(this.#totals));
  }

  declare({ kind, name, help, unit, labels, bounds = [], schema = 3 }: Family): number {
    const texts = [name, unit, help, ...labels].map((text) => Buffer.from(text));
    const head = Buffer.alloc(Abi.declarationBytes);
    head.writeDoubleLE(-1, Abi.declarationZeroThreshold);
    head.writeUInt32LE(MetricKind[kind], Abi.declarationKind);
    head.writeInt32LE(schema, Abi.declarationSchema);
    head.writeUInt32LE(Buffer.byteLength(name), Abi.declarationNameSize);
    head.writeUInt32LE(Buffer.byteLength(unit), Abi.declarationUnitSize);
    head.writeUInt32LE(Buffer.byteLength(help), Abi.declarationHelpSize);
    head.writeUInt32LE(labels.length, Abi.declarationLabelCount);
    head.writeUInt32LE(bounds.length, Abi.declarationBoundCount);
    const sizes = new Uint32Array(labels.map((label) => Buffer.byteLength(label)));
    const bytes = Buffer.concat([
      head,
      new Uint8Array(new Float64Array(bounds).buffer),
      new Uint8Array(sizes.buffer),
      ...texts,
    ]);
    return must(this.#core.isotel_metrics_declare(this.#producer, this.#put(bytes)));
  }

  bind(family: number, values: readonly string[], nowUnixMs: number): number {
    const texts = values.map((value) => Buffer.from(value));
    const sizes = new Uint32Array(texts.map(({ length }) => length));
    const length = this.#put(Buffer.concat([new Uint8Array(sizes.buffer), ...texts]));
    return must(this.#core.isotel_metrics_bind(this.#producer, family, length, nowUnixMs));
  }

  record(row: number, value: number): void {
    must(this.#core.isotel_metrics_record(this.#producer, row, value));
  }

  /** Feeds the totals what was recorded, and makes a snapshot that is merged for {@link encode}. */
  takeSnapshot(nowUnixMs: number): void {
    const frames = must(this.#core.isotel_metrics_flush(this.#producer, nowUnixMs, 0));
    for (let sequence = 1; sequence <= frames; sequence += 1) {
      const length = must(this.#core.isotel_metrics_frame(this.#producer, 0));
      const at = must(this.#core.isotel_buffer(this.#producer, 0));
      const frame = new Uint8Array(this.#core.memory.buffer, at, length).slice();
      const results = must(this.#core.isotel_shared_block(this.#producer)) + Abi.blockResult;
      const number = new DataView(this.#core.memory.buffer).getFloat64(results, true);
      must(
        this.#aggregate.isotel_aggregate_totals_apply(this.#totals, this.#give(frame), nowUnixMs),
      );
      must(this.#core.isotel_metrics_commit(this.#producer, number));
    }
    const length = must(this.#aggregate.isotel_aggregate_totals_snapshot(this.#totals, nowUnixMs));
    const at = must(this.#aggregate.isotel_aggregate_output(this.#totals));
    const snapshot = new Uint8Array(this.#aggregate.memory.buffer, at, length).slice();
    must(this.#aggregate.isotel_aggregate_snapshot_clear(this.#totals));
    must(this.#aggregate.isotel_aggregate_snapshot_merge(this.#totals, this.#give(snapshot)));
  }

  /** Deltas are taken from the last snapshot on. */
  keepAsBase(): void {
    must(this.#aggregate.isotel_aggregate_base_read(this.#totals, 0));
    must(this.#aggregate.isotel_aggregate_base_take(this.#totals, 0, 0xffffffff));
  }

  encode(request: SnapshotRequest): Uint8Array {
    const memory = new ModuleMemory(this.#aggregate.memory);
    const encoded = encodeSnapshot(this.#aggregate, this.#totals, memory, request);
    if (typeof encoded === "number") throw new Error(`The call answered ${encoded}.`);
    return encoded.bytes;
  }

  #put(bytes: Uint8Array): number {
    const at = must(this.#core.isotel_buffer(this.#producer, bytes.length));
    new Uint8Array(this.#core.memory.buffer, at, bytes.length).set(bytes);
    return bytes.length;
  }

  #give(bytes: Uint8Array): number {
    const at = must(this.#aggregate.isotel_aggregate_buffer(this.#totals, bytes.length));
    new Uint8Array(this.#aggregate.memory.buffer, at, bytes.length).set(bytes);
    return bytes.length;
  }
}
