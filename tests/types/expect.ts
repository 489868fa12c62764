/** True when two types are the same, neither wider nor narrower. */
export type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles when the type given is true. */
export declare function expectTrue<_T extends true>(): void;
