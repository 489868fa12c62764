import { type HostedModule, ModuleHost } from "../wasm/host.ts";
import { coreAbi } from "./abi.gen.ts";
import { Core } from "./core.ts";

/** Owns the core of an isolate. Counters are summed over all its instances. */
export class CoreHost extends ModuleHost<Core> {
  #pastCounters: Readonly<Record<string, number>> = {};
  readonly #listeners: ((core: Core) => void)[] = [];
  /**
   * Called after the core has recorded metrics without a call of {@link MetricsCore}, for example when a span ended.
   */
  onRecord: () => void = () => {};

  /** @param module returns the compiled module. Called again for each new instance. */
  constructor(module: HostedModule<Core>["module"]) {
    super({
      file: coreAbi.file,
      module,
      make: (compiled, onTrap) => new Core(compiled, onTrap),
      loss: "spans that were open end here",
      withoutIt: "this isolate traces and measures nothing",
    });
  }

  /** The live core. Undefined if there is none; telemetry is off then. */
  get core(): Core | undefined {
    return this.instance;
  }

  /** Calls `listener` with the live core, if any, and with every later core before its first use. */
  onCore(listener: (core: Core) => void): void {
    this.#listeners.push(listener);
    if (this.current !== undefined) listener(this.current);
  }

  /** Returns the counters of the core, summed over all its instances. */
  counters(): Readonly<Record<string, number>> {
    const { core } = this;
    return core === undefined ? this.#pastCounters : sums(this.#pastCounters, core.counters());
  }

  protected override onReplace(past: Core): void {
    this.#pastCounters = sums(this.#pastCounters, past.counters());
  }

  protected override onMade(core: Core): void {
    for (const listener of this.#listeners) listener(core);
  }
}

function sums(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.keys({ ...a, ...b }).map((name) => [name, (a[name] ?? 0) + (b[name] ?? 0)]),
  );
}
