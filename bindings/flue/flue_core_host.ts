import { reportOnce } from "../core/report_once.ts";
import { errorType } from "../trace/cause.ts";
import { FlueCore, type FlueCoreOptions } from "./flue_core.ts";

/** After this many traps Flue is not observed any more in this isolate. */
const maxTraps = 100;

/** Logs once for each type an error of the observation that was kept from the program. */
export function reportSwallowed(cause: unknown): void {
  reportOnce(
    `isotel: observing Flue failed (${errorType(cause)}); a span or an attribute is missing.`,
  );
}

/** Owns the module for Flue. The instance is made at the first use; one that trapped is replaced at the next. */
export class FlueCoreHost {
  readonly #module: () => WebAssembly.Module | undefined;
  readonly #options: FlueCoreOptions;
  #core: FlueCore | undefined;
  #traps = 0;

  /** @param module gives the compiled module; it is asked again after a failure. */
  constructor(module: () => WebAssembly.Module | undefined, options: FlueCoreOptions = {}) {
    this.#module = module;
    this.#options = options;
  }

  /** The live core, or undefined when there is none to be had. */
  get core(): FlueCore | undefined {
    if (this.#core === undefined && this.#traps < maxTraps) {
      this.#core = this.run(() => {
        const module = this.#module();
        if (module !== undefined) return new FlueCore(module, this.#options);
        reportOnce("isotel: flue.wasm could not be loaded; Flue is not observed.");
        return undefined;
      });
    }
    return this.#core;
  }

  /** Runs a call of the core; undefined when it traps, which ends the instance. */
  run<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch (cause) {
      this.#traps += 1;
      this.#core = undefined;
      const isOff = this.#traps >= maxTraps;
      reportOnce(`isotel: the module for Flue failed and is ${isOff ? "off" : "replaced"}.`, cause);
      return undefined;
    }
  }

  /** Counts of the live core, and of the instances that trapped. */
  counters(): Readonly<Record<string, number>> {
    const { core } = this;
    const memoryBytes = core?.memoryBytes ?? 0;
    return { ...core?.counters(), traps: this.#traps, memory_bytes: memoryBytes };
  }
}
