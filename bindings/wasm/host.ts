import { reportOnce } from "../base/report_once.ts";
import { instantiate, type ModuleAbi, type ModuleExports, ModuleMemory } from "./module.ts";

/** After this many traps a module stays off for the rest of the isolate's life. */
const maxTraps = 100;

/** What a call throws that trapped, that follows a trap, or that has no instance. */
export class ModuleTrapError extends Error {
  override readonly name: string = "ModuleTrapError";
}

/**
 * One instance of a module. A trap ends it: its memory may be torn. From then on it is not alive, and {@link ModuleHost}
 * makes another at the next use.
 */
export class ModuleInstance<Exports extends ModuleExports> {
  readonly memory: ModuleMemory;
  /** The functions of the module. A call is a direct one, inside of {@link run} or a `try` that ends in {@link end}. */
  protected exports: Exports;
  readonly #file: string;
  readonly #onTrap: (cause: unknown) => void;
  #isAlive = true;

  /**
   * @param onTrap is called once, when the instance traps.
   * @throws Error when the module is not the one this package was built for; see {@link instantiate}.
   */
  constructor(
    abi: ModuleAbi<Exports>,
    module: WebAssembly.Module,
    onTrap: (cause: unknown) => void,
  ) {
    this.#file = abi.file;
    this.#onTrap = onTrap;
    this.exports = instantiate(abi, module);
    this.memory = new ModuleMemory(this.exports.memory);
  }

  /** False once the instance has trapped. */
  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Bytes of linear memory. */
  get memoryBytes(): number {
    return this.memory.size;
  }

  /**
   * Runs `body`, which calls exports and no code of anybody else. What it throws is a trap, except what
   * {@link isRefusal} names.
   *
   * @throws the {@link trapError} of the trap, also when the instance has trapped before.
   */
  protected run<T>(body: () => T): T {
    this.checkAlive();
    try {
      return body();
    } catch (cause) {
      throw this.failed(cause);
    }
  }

  /** The first half of {@link run}, for methods that are called too often for a closure. */
  protected checkAlive(): void {
    if (!this.#isAlive) throw this.trapError(`${this.#file} has trapped before`);
  }

  /** The other half: what to throw for an error of a call. */
  protected failed(cause: unknown): unknown {
    if (this.isRefusal(cause)) return cause;
    this.end(cause);
    return this.trapError(`${this.#file} trapped`, cause);
  }

  /** Notes that the instance trapped. */
  protected end(cause: unknown): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.onEnd();
    this.#onTrap(cause);
  }

  /** Saves what can be saved of an instance that has just trapped. Never throws. */
  protected onEnd(): void {}

  /** Whether an error says that the module refused its arguments. */
  protected isRefusal(_cause: unknown): boolean {
    return false;
  }

  protected trapError(what: string, cause?: unknown): Error {
    return new ModuleTrapError(`isotel: ${what}`, { cause });
  }
}

/** What a host needs to know of its module. */
export interface HostedModule<Instance> {
  /** The name of the module's file, for messages. */
  readonly file: string;
  /** The compiled module, undefined where it could not be loaded. Asked for each instance. */
  readonly module: () => WebAssembly.Module | undefined;
  readonly make: (module: WebAssembly.Module, onTrap: (cause: unknown) => void) => Instance;
  /** What a trap costs: the end of "core.wasm failed and is replaced: ". */
  readonly loss: string;
  /** What an isolate without the module does: the end of "core.wasm has failed 100 times and stays off: ". */
  readonly withoutIt: string;
  /** An instance with more memory than this is replaced after its call. Default: never. */
  readonly maxIdleBytes?: number;
}

/**
 * Owns the instance of a module in an isolate, under one policy for traps. The instance is made at the first use; one
 * that trapped is replaced at the next, and the console says so once. After a hundred traps there is none any
 * more. Callers say what they answer then.
 */
export class ModuleHost<Instance extends ModuleInstance<ModuleExports>> {
  readonly #hosted: HostedModule<Instance>;
  #instance: Instance | undefined;
  #traps = 0;
  #lastTrap: unknown;

  constructor(hosted: HostedModule<Instance>) {
    this.#hosted = hosted;
  }

  /** The live instance; undefined when there is none. */
  get instance(): Instance | undefined {
    const instance = this.#instance;
    return instance?.isAlive === true ? instance : this.#renew();
  }

  /** The instance in use, if there is one. Makes none. */
  get current(): Instance | undefined {
    return this.#instance?.isAlive === true ? this.#instance : undefined;
  }

  /** Instances that trapped or could not be made. */
  get traps(): number {
    return this.#traps;
  }

  /** What ended the last instance, for diagnostics. */
  get lastTrap(): unknown {
    return this.#lastTrap;
  }

  /**
   * Runs a call with the live instance.
   *
   * @throws ModuleTrapError when there is none or it traps, and what `call` throws.
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

  /** Runs a call with the live instance; `otherwise` when there is none or it traps. Throws what else `call` throws. */
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

  /** An instance that a call inside of this one has replaced is left alone. */
  #dropIfLarge(instance: Instance): void {
    const { maxIdleBytes } = this.#hosted;
    if (maxIdleBytes === undefined || instance.memoryBytes <= maxIdleBytes) return;
    if (instance === this.#instance) this.#instance = undefined;
  }

  /** Takes over what is to be kept of an instance that is replaced. */
  protected onReplace(_past: Instance): void {}

  /** Prepares a new instance before its first use. */
  protected onMade(_instance: Instance): void {}

  #renew(): Instance | undefined {
    const past = this.#instance;
    this.#instance = undefined;
    if (past !== undefined) this.onReplace(past);
    if (this.#traps >= maxTraps) return undefined;
    const { file, module, make } = this.#hosted;
    try {
      const compiled = module();
      if (compiled === undefined) throw new Error(`isotel: ${file} could not be loaded`);
      const instance = make(compiled, (cause) => this.#count(cause));
      this.#instance = instance;
      this.onMade(instance);
    } catch (cause) {
      this.#instance = undefined;
      this.#count(cause);
    }
    return this.current;
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
