import { MetricsFormat } from "../../bindings/aggregate/totals/abi.gen.ts";
import type { Aggregate } from "../../bindings/aggregate/totals/aggregate.ts";
import { createAggregate } from "../../bindings/aggregate/totals/aggregate.ts";
import { MetricKind } from "../../bindings/core/abi.gen.ts";
import { Producer } from "../wasm/support/producer.ts";
import { type LatencyLabels, latencies, latency } from "./metrics_data.ts";

/** The exposition that prom-client writes too. */
export const plainText = { format: MetricsFormat.text, escaping: 0 };

/** The totals of an aggregator, without a Durable Object. */
export class Totals {
  readonly #aggregate: Aggregate = createAggregate();

  constructor() {
    this.#aggregate.load([]);
  }

  /** Throws if a frame is not applied. */
  apply(frames: readonly Uint8Array[]): void {
    for (const frame of frames) {
      const answer = this.#aggregate.apply(frame, Date.now());
      if (answer !== 0) throw new Error(`A frame was answered with ${answer}.`);
    }
  }

  snapshot(): Uint8Array {
    return this.#aggregate.snapshot(Date.now());
  }

  text(): string {
    this.#aggregate.merge([this.snapshot()]);
    return new TextDecoder().decode(this.#aggregate.render(plainText, 0, Date.now()));
  }
}

const { name, labelNames, bounds } = latency;
const family = { name, kind: MetricKind.histogram, labels: labelNames, bounds };

/** Records some values for each label set. */
export function recordAll(producer: Producer, labels: readonly LatencyLabels[], times = 40): void {
  for (const { route, status } of labels) {
    for (let i = 0; i < times; i += 1) {
      const value = latencies[(i * 25) % latencies.length] as number;
      producer.record(family, value, [route, status]);
    }
  }
}

/** Returns the snapshot of an aggregator that has received these label sets from isolates. */
export function snapshotOf(labels: readonly LatencyLabels[]): Uint8Array {
  // The limit of the series of one metric in an isolate.
  const most = 2000;
  const totals = new Totals();
  for (let at = 0; at < labels.length; at += most) {
    const producer = new Producer(1 + at);
    recordAll(producer, labels.slice(at, at + most));
    totals.apply(producer.frames(Date.now()));
  }
  return totals.snapshot();
}

/** Returns the number of values of the histogram in an exposition, over all series. */
export function countOf(text: string): number {
  let count = 0;
  for (const line of text.split("\n")) {
    if (line.startsWith(`${latency.name}_count{`)) {
      count += Number(line.slice(line.lastIndexOf(" ")));
    }
  }
  return count;
}
