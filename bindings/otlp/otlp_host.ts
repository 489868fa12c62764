import { otlpModule } from "#otlp-module";
import { reportOnce } from "../core/report_once.ts";
import { OtlpCore, OtlpTrapError } from "./otlp_core.ts";

/** After this many traps the module stays off for the rest of the isolate's life. */
const maxTraps = 100;
/** An instance whose memory has grown past this, which never shrinks, is replaced by a new one. */
const maxIdleBytes = 8 * 1024 * 1024;

/** Owns the OTLP module's instance of an isolate. It is made at the first use; one that trapped is replaced. */
export class OtlpHost {
  readonly #module: () => WebAssembly.Module | undefined;
  #core: OtlpCore | undefined;
  #traps = 0;

  /** @param module gives the compiled module; it is asked again after a failure. */
  constructor(module: () => WebAssembly.Module | undefined) {
    this.#module = module;
  }

  /** Instances that trapped or could not be made. */
  get traps(): number {
    return this.#traps;
  }

  /**
   * Runs `use` with the live instance.
   *
   * @throws OtlpTrapError when there is none to be had or it traps, and what `use` throws.
   */
  use<T>(use: (core: OtlpCore) => T): T {
    this.#core ??= this.#make();
    const core = this.#core;
    try {
      return use(core);
    } finally {
      if (!core.isAlive) this.#traps += 1;
      if (!core.isAlive || core.memoryBytes > maxIdleBytes) this.#core = undefined;
    }
  }

  /** The same, with `otherwise` in place of a throw. */
  attempt<T>(use: (core: OtlpCore) => T, otherwise: T): T {
    try {
      return this.use(use);
    } catch (cause) {
      reportOnce("isotel: the OTLP module failed; a trace context or ids are missing.", cause);
      return otherwise;
    }
  }

  #make(): OtlpCore {
    if (this.#traps >= maxTraps) {
      throw new OtlpTrapError("isotel: the OTLP module has trapped too often");
    }
    try {
      const module = this.#module();
      if (module === undefined) throw new Error("otlp.wasm could not be loaded");
      return new OtlpCore(module);
    } catch (cause) {
      this.#traps += 1;
      throw new OtlpTrapError("isotel: the OTLP module could not be started", { cause });
    }
  }
}

/** The instance everything of OTLP shares. */
export const otlpHost: OtlpHost = new OtlpHost(() => otlpModule);
