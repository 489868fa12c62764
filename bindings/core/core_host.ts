import { type HostedModule, ModuleHost } from "../wasm/host.ts";
import { coreAbi } from "./abi.gen.ts";
import { Core } from "./core.ts";

/** Owns the core of an isolate. */
export class CoreHost extends ModuleHost<Core> {
  #pastCounters: Readonly<Record<string, number>> = {};
  readonly #listeners: ((core: Core) => void)[] = [];
  /** Called by whoever made the core record metrics by itself, such as those of a span that ended. */
  onRecord: () => void = () => {};

  /** @param module gives the compiled module; it is asked again after a failure. */
  constructor(module: HostedModule<Core>["module"]) {
    super({
      file: coreAbi.file,
      module,
      make: (compiled, onTrap) => new Core(compiled, onTrap),
      loss: "spans that were open end here",
      withoutIt: "this isolate traces and measures nothing",
    });
  }

  /** The live core, or undefined when there is none to be had: telemetry is off then. */
  get core(): Core | undefined {
    return this.instance;
  }

  /** Tells of the live core, if there is one, and of every one that is made later, before its first use. */
  onCore(listener: (core: Core) => void): void {
    this.#listeners.push(listener);
    if (this.current !== undefined) listener(this.current);
  }

  /** The counters of the core, over all its instances. */
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
