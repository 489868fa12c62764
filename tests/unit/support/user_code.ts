import { AsyncLocalStorage } from "node:async_hooks";

const reentrance = new AsyncLocalStorage<true>();

/** Whether this runs because user code that the library called has called the library. */
export function isReentrant(): boolean {
  return reentrance.getStore() === true;
}

/** Something that user code does to the library from inside of it. What it gives is waited for. */
export type Action = () => unknown;

/**
 * The user code of one run: every hook and getter in it is a point, counted in the order in which they are reached. At
 * one point an action is taken; what runs because of it is no point.
 */
export class UserCode {
  /** Points that were reached, each by what it is. */
  readonly points: string[] = [];
  readonly #target: number;
  readonly #action: Action;
  readonly #pending: unknown[] = [];

  constructor(target = -1, action: Action = () => {}) {
    this.#target = target;
    this.#action = action;
  }

  /** To be called wherever user code runs. */
  reach(what: string): void {
    if (isReentrant()) return;
    this.points.push(what);
    if (this.points.length - 1 !== this.#target) return;
    reentrance.run(true, () => {
      try {
        this.#pending.push(this.#action());
      } catch {
        // User code that catches its own errors.
      }
    });
  }

  /** Waits for what the action has begun. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#pending);
  }

  /** A copy of plain data in which each property is a getter, and each getter a point. */
  getters<T>(value: T, what = ""): T {
    if (typeof value !== "object" || value === null) return value;
    const isList = Array.isArray(value);
    if (!isList && Object.getPrototypeOf(value) !== Object.prototype) return value;
    const copy: object = isList ? [] : {};
    for (const key of Object.keys(value)) {
      const path = `${what}.${key}`;
      const own = this.getters((value as Record<string, unknown>)[key], path);
      const get = () => {
        this.reach(`get ${path}`);
        return own;
      };
      Object.defineProperty(copy, key, { get, enumerable: true, configurable: true });
    }
    return copy as T;
  }
}

/** A run to make: an action by its name, at a point by its number. */
export interface PlannedRun {
  readonly target: number;
  readonly actionName: string;
}

/** Plans runs so that every action has its turn at every kind of point, over all that is planned by one planner. */
export class RunPlanner {
  readonly #actionNames: readonly string[];
  readonly #isHook: (what: string) => boolean;
  #turn = 0;

  /** @param isHook points at which most runs take place: user code that the library calls by itself. */
  constructor(actionNames: readonly string[], isHook: (what: string) => boolean) {
    this.#actionNames = actionNames;
    this.#isHook = isHook;
  }

  /** @param actionsPerHook actions at the first point of each kind of hook; every other point has one. */
  *runsOf(points: readonly string[], actionsPerHook: number): Generator<PlannedRun> {
    const seen = new Set<string>();
    for (const [target, what] of points.entries()) {
      const isFirst = !seen.has(what);
      seen.add(what);
      // Of getters that are read again and again, the first read stands for all.
      const count = this.#isHook(what) ? (isFirst ? actionsPerHook : 1) : isFirst ? 1 : 0;
      for (let i = 0; i < count; i += 1) {
        const actionName = this.#actionNames[this.#turn % this.#actionNames.length] as string;
        this.#turn += 1;
        yield { target, actionName };
      }
    }
  }
}
