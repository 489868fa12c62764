import { platform } from "../base/platform.ts";
import { reportOnce } from "../base/report_once.ts";
import type { WasmModule } from "../base/runtime_types.ts";
import { instantiate, type ModuleAbi, type ModuleExports, ModuleMemory } from "./module.ts";

/** After this many traps the module stays off for the rest of the isolate's life. */
const maxTraps = 100;

/** Thrown by a call that traps, by a call after a trap, and by a call without an instance. */
export class ModuleTrapError extends Error {
  override readonly name: string = "ModuleTrapError";
}

/**
 * One instance of a module. A trap ends the instance, because its memory may be inconsistent. {@link ModuleHost} then
 * creates another instance at the next use.
 */
export class ModuleInstance<Exports extends ModuleExports> {
  readonly memory: ModuleMemory;
  /** The functions of the module. Call them inside {@link run}, or in a `try` whose `catch` calls {@link end}. */
  protected exports: Exports;
  readonly #file: string;
  readonly #onTrap: (cause: unknown) => void;
  #isAlive = true;

  /**
   * @param onTrap is called once, when the instance traps.
   * @throws Error if the module does not match this package; see {@link instantiate}.
   */
  constructor(abi: ModuleAbi<Exports>, module: WasmModule, onTrap: (cause: unknown) => void) {
    this.#file = abi.file;
    this.#onTrap = onTrap;
    this.exports = instantiate(abi, module);
    this.memory = new ModuleMemory(this.exports.memory);
  }

  /** False once the instance has trapped. */
  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Size of the linear memory in bytes. */
  get memoryBytes(): number {
    return this.memory.size;
  }

  /**
   * Runs `body`, which calls exports and no user code. Every error it throws counts as a trap, except errors for which
   * {@link isRefusal} returns true.
   *
   * @throws the {@link trapError} if the instance traps or has trapped before.
   */
  protected run<T>(body: () => T): T {
    this.checkAlive();
    try {
      return body();
    } catch (cause) {
      throw this.failed(cause);
    }
  }

  /** The first half of {@link run}, for methods on hot paths, where a closure is too expensive. */
  protected checkAlive(): void {
    if (!this.#isAlive) throw this.trapError(`${this.#file} has trapped before`);
  }

  /** The second half of {@link run}: returns the error to throw for an error of a call. */
  protected failed(cause: unknown): unknown {
    if (this.isRefusal(cause)) return cause;
    this.end(cause);
    return this.trapError(`${this.#file} trapped`, cause);
  }

  /** Marks the instance as trapped. */
  protected end(cause: unknown): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.onEnd();
    this.#onTrap(cause);
  }

  /** Saves what can be saved of an instance that has just trapped. Must not throw. */
  protected onEnd(): void {}

  /** Whether an error means that the module refused its arguments. */
  protected isRefusal(_cause: unknown): boolean {
    return false;
  }

  protected trapError(what: string, cause?: unknown): Error {
    return new ModuleTrapError(`isotel: ${what}`, { cause });
  }
}

const bundlerHint =
  " In a Worker, make isotel external in your bundler, so that wrangler bundles it, or use the export condition " +
  '"workerd" and keep imports of .wasm files. For esbuild: --conditions=workerd --loader:.wasm=copy';

/** Describes a module to its host. */
export interface HostedModule<Instance> {
  /** The file name of the module, for messages. */
  readonly file: string;
  /** Returns the compiled module, or undefined if it could not be loaded. Called for each new instance. */
  readonly module: () => WasmModule | undefined;
  readonly make: (module: WasmModule, onTrap: (cause: unknown) => void) => Instance;
  /** What is lost by a trap. Completes the message "core.wasm failed and is replaced: ". */
  readonly loss: string;
  /** The effect of a missing module. Completes the message "core.wasm has failed 100 times and stays off: ". */
  readonly withoutIt: string;
  /** An instance with more memory than this is dropped after its call. Default: no limit. */
  readonly maxIdleBytes?: number;
}

/**
 * Owns the instance of a module in an isolate and applies one policy for traps. The host creates the instance at the
 * first use and replaces an instance that trapped at the next use. It logs the replacement once. After 100 traps the
 * module stays off, and the caller decides what a call returns.
 */
export class ModuleHost<Instance extends ModuleInstance<ModuleExports>> {
  readonly #hosted: HostedModule<Instance>;
  #instance: Instance | undefined;
  #traps = 0;
  #lastTrap: unknown;

  constructor(hosted: HostedModule<Instance>) {
    this.#hosted = hosted;
  }

  /** The live instance, created if necessary. Undefined if none can be created. */
  get instance(): Instance | undefined {
    const instance = this.#instance;
    return instance?.isAlive === true ? instance : this.#renew();
  }

  /** The live instance, or undefined. Creates none. */
  get current(): Instance | undefined {
    return this.#instance?.isAlive === true ? this.#instance : undefined;
  }

  /** Number of instances that trapped or could not be created. */
  get traps(): number {
    return this.#traps;
  }

  /** The cause that ended the last instance, for diagnostics. */
  get lastTrap(): unknown {
    return this.#lastTrap;
  }

  /**
   * Runs a call with the live instance.
   *
   * @throws ModuleTrapError if there is no instance or it traps. Rethrows every other error of `call`.
   */
  use<T>(call: (instance: Instance) => T): T {
    const { instance } = this;
    if (instance === undefined) {
      throw new ModuleTrapError(`isotel: there is no instance of ${this.#hosted.file}`, {
        cause: this.#lastTrap,
      });
    }
    try {
      return call(instance);
    } finally {
      this.#dropIfLarge(instance);
    }
  }

  /** Runs a call with the live instance. Returns `otherwise` if there is none or it traps. Rethrows other errors. */
  attempt<T>(call: (instance: Instance) => T, otherwise: T): T {
    const { instance } = this;
    if (instance === undefined) return otherwise;
    try {
      return call(instance);
    } catch (cause) {
      if (cause instanceof ModuleTrapError) return otherwise;
      throw cause;
    } finally {
      this.#dropIfLarge(instance);
    }
  }

  /** Drops an instance whose memory is too large, unless a nested call has already replaced it. */
  #dropIfLarge(instance: Instance): void {
    const { maxIdleBytes } = this.#hosted;
    if (maxIdleBytes === undefined || instance.memoryBytes <= maxIdleBytes) return;
    if (instance === this.#instance) this.#instance = undefined;
  }

  /** Saves what outlives an instance that is being replaced. */
  protected onReplace(_past: Instance): void {}

  /** Prepares a new instance before its first use. */
  protected onMade(_instance: Instance): void {}

  #renew(): Instance | undefined {
    const past = this.#instance;
    this.#instance = undefined;
    if (past !== undefined) this.onReplace(past);
    if (this.#traps >= maxTraps) return undefined;
    const { module, make } = this.#hosted;
    try {
      const compiled = module();
      if (compiled === undefined) return this.#missing();
      const instance = make(compiled, (cause) => this.#count(cause));
      this.#instance = instance;
      this.onMade(instance);
    } catch (cause) {
      this.#instance = undefined;
      this.#count(cause);
    }
    return this.current;
  }

  #missing(): undefined {
    const { file, withoutIt } = this.#hosted;
    const message = `isotel: ${file} could not be loaded`;
    this.#lastTrap ??= new Error(message);
    const hint = platform() === "workers" ? bundlerHint : "";
    // All modules are missing for one reason.
    reportOnce(`${message}: ${withoutIt}.${hint}`, undefined, "missing module");
  }

  #count(cause: unknown): void {
    this.#traps += 1;
    this.#lastTrap = cause;
    const { file, loss, withoutIt } = this.#hosted;
    if (this.#traps >= maxTraps) {
      reportOnce(`isotel: ${file} has failed ${maxTraps} times and stays off: ${withoutIt}.`);
    } else {
      reportOnce(`isotel: ${file} failed and is replaced: ${loss}.`, cause);
    }
  }
}
