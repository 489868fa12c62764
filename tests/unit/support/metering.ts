import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MetricsFormat } from "../../../bindings/aggregate/totals/abi.gen.ts";
import { Aggregate } from "../../../bindings/aggregate/totals/aggregate.ts";
import type { Sleep } from "../../../bindings/base/time.ts";
import { CoreHost } from "../../../bindings/core/core_host.ts";
import { Meter, type MeterOptions } from "../../../bindings/metrics/meter.ts";
import { build, compile, coreModule, readCore, root } from "../../wasm/support/module.ts";
import { withTrapIn } from "../../wasm/support/wasm_binary.ts";

const aggregateModule = compile(
  new Uint8Array(readFileSync(join(root, `build/${build}/aggregate.wasm`))),
);

/** What an aggregator makes of the frames it is given. */
export class Totals {
  readonly #aggregate = new Aggregate(aggregateModule);
  /** What became of each frame: 0 applied, 1 known, or an error. */
  readonly results: number[] = [];

  constructor() {
    this.#aggregate.load([]);
  }

  apply(frames: readonly Uint8Array[]): number[] {
    const results = frames.map((frame) => this.#aggregate.apply(frame, 1e12));
    this.results.push(...results);
    return results;
  }

  /** The exposition as text. */
  get text(): string {
    this.#aggregate.merge([this.#aggregate.snapshot(1e12)]);
    const exposition = { format: MetricsFormat.openMetrics, escaping: 0 };
    return new TextDecoder().decode(this.#aggregate.render(exposition, 0, 1e12));
  }

  /** The families of the exposition in JSON. */
  get families(): never[] {
    this.#aggregate.merge([this.#aggregate.snapshot(1e12)]);
    const exposition = { format: MetricsFormat.json, escaping: 0 };
    const json = new TextDecoder().decode(this.#aggregate.render(exposition, 0, 1e12));
    return (JSON.parse(json) as { families: never[] }).families;
  }

  /** A sample by its name and labels as the exposition has them. */
  sample(name: string): number | undefined {
    const line = this.text.split("\n").find((text) => text.startsWith(`${name} `));
    const value = line?.slice(name.length + 1).split(" # ")[0];
    return value === undefined ? undefined : Number(value.replace("Inf", "Infinity"));
  }
}

/** A clock that is moved by hand, and sleeps that end by it. */
export class ManualTime {
  nowMs = 1e12;
  #sleeping: { readonly dueMs: number; readonly wake: () => void }[] = [];

  /** How many sleep. */
  get sleepers(): number {
    return this.#sleeping.length;
  }

  readonly clock = (): number => this.nowMs;

  readonly sleep = (ms: number): Sleep => {
    let cancel = () => {};
    const over = new Promise<void>((wake) => {
      const sleeper = { dueMs: this.nowMs + ms, wake };
      this.#sleeping.push(sleeper);
      cancel = () => {
        this.#sleeping = this.#sleeping.filter((other) => other !== sleeper);
        wake();
      };
    });
    return { over, cancel };
  };

  /** Nobody who sleeps now ever wakes: the runtime has ended their invocations. */
  forgetSleepers(): void {
    this.#sleeping = [];
  }

  /** Moves on; whoever sleeps wakes in turn, and all that follows from it has happened before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.nowMs + ms;
    await settle();
    for (;;) {
      const [next] = this.#sleeping.sort((a, b) => a.dueMs - b.dueMs);
      if (next === undefined || next.dueMs > end) break;
      this.nowMs = Math.max(this.nowMs, next.dueMs);
      this.#sleeping.shift();
      next.wake();
      await settle();
    }
    this.nowMs = end;
    await settle();
  }
}

/** Lets everything happen that waits for nothing but its turn. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export interface Metering {
  readonly meter: Meter;
  readonly time: ManualTime;
  readonly warnings: string[];
  /** Moves everything recorded into frames and those to an aggregator; what that has so far. */
  collect(): Totals;
}

/** A meter with a core of its own, and time that stands still unless it is moved. */
export function metering(
  options: Partial<MeterOptions> & { readonly module?: () => WebAssembly.Module } = {},
): Metering {
  const { module = () => coreModule, ...given } = options;
  const time = new ManualTime();
  const warnings: string[] = [];
  let seed = 0;
  const meter = new Meter(new CoreHost(module), {
    clock: time.clock,
    random: (bytes) => {
      seed += 1;
      bytes.fill(seed);
    },
    warn: (message) => warnings.push(message),
    ...given,
  });
  const totals = new Totals();
  const collect = () => {
    meter.flush(false);
    for (const frame of meter.outbox.frames) {
      totals.apply([frame]);
      meter.outbox.remove(frame);
    }
    return totals;
  };
  return { meter, time, warnings, collect };
}

/** Its first core traps whenever the function `name` is called; the ones that replace it are sound. */
export function meteringWithTrapIn(name: string): Metering {
  const modules = [compile(withTrapIn(readCore(), name))];
  return metering({ module: () => modules.pop() ?? coreModule });
}
