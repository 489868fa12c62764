import { Core } from "./core.ts";
import { reportOnce } from "./report_once.ts";

/** After this many traps the core stays off for the rest of the isolate's life. */
const maxTraps = 100;

/**
 * Owns the core of an isolate. The instance is made at the first use; one that trapped is replaced at the next.
 */
export class CoreHost {
  readonly #module: () => WebAssembly.Module;
  #core: Core | undefined;
  #pastCounters: Readonly<Record<string, number>> = {};
  #traps = 0;
  #lastTrap: unknown;
  readonly #listeners: ((core: Core) => void)[] = [];
  /** Called by whoever made the core record metrics by itself, such as those of a span that ended. */
  onRecord: () => void = () => {};

  /** @param module gives the compiled module; it is asked again after a failure. */
  constructor(module: () => WebAssembly.Module) {
    this.#module = module;
  }

  /** The live core, or undefined when there is none to be had: telemetry is off then. */
  get core(): Core | undefined {
    const core = this.#core;
    return core?.isAlive ? core : this.#renew();
  }

  /** Tells of the live core, if there is one, and of every one that is made later, before its first use. */
  onCore(listener: (core: Core) => void): void {
    this.#listeners.push(listener);
    if (this.#core?.isAlive === true) listener(this.#core);
  }

  /** Instances that trapped or could not be made. */
  get traps(): number {
    return this.#traps;
  }

  /** What the last trap was, for diagnostics. */
  get lastTrap(): unknown {
    return this.#lastTrap;
  }

  /** The counters of the core, over all its instances. */
  counters(): Readonly<Record<string, number>> {
    const { core } = this;
    return core === undefined ? this.#pastCounters : sums(this.#pastCounters, core.counters());
  }

  #renew(): Core | undefined {
    if (this.#core !== undefined) {
      this.#pastCounters = sums(this.#pastCounters, this.#core.counters());
      this.#core = undefined;
    }
    if (this.#traps >= maxTraps) return undefined;
    try {
      const core = new Core(this.#module(), (cause) => this.#count(cause));
      this.#core = core;
      for (const listener of this.#listeners) listener(core);
    } catch (cause) {
      this.#core = undefined;
      this.#count(cause);
    }
    return this.#core?.isAlive === true ? this.#core : undefined;
  }

  #count(cause: unknown): void {
    this.#traps += 1;
    this.#lastTrap = cause;
    if (this.#traps >= maxTraps) {
      reportOnce(
        `isotel: the core has failed ${maxTraps} times and stays off: this isolate traces and measures nothing.`,
      );
    } else {
      reportOnce("isotel: the core failed and is replaced; spans that were open end here.", cause);
    }
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
