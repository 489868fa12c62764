/** An object whose every trap throws: reading it in any way fails. */
export function untouchable(): object {
  const throwing = () => {
    throw new TypeError("this object may not be touched");
  };
  const traps = Object.fromEntries(
    Reflect.ownKeys(Reflect).map((key) => [key, throwing]),
  ) as ProxyHandler<object>;
  return new Proxy({}, traps);
}

export function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** An object that refers to itself, also through a list. */
export function cyclic(): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  object["self"] = object;
  object["list"] = [object];
  return object;
}

export function withThrowingGetter(key: string, rest: object = {}): object {
  return Object.defineProperty({ ...rest }, key, {
    enumerable: true,
    get() {
      throw new Error("this getter throws");
    },
  });
}

/** Values of every kind that may be returned, thrown or passed where something else is expected. */
export const oddValues: readonly (readonly [string, () => unknown])[] = [
  ["undefined", () => undefined],
  ["null", () => null],
  ["a symbol", () => Symbol("odd")],
  ["a bigint", () => 10n ** 30n],
  ["NaN", () => Number.NaN],
  ["a lone surrogate", () => "\ud83c"],
  ["a megabyte of text", () => "x".repeat(1 << 20)],
  ["a function", () => () => "called"],
  ["a frozen object", () => Object.freeze({ frozen: true })],
  ["an object without prototype", () => Object.assign(Object.create(null), { a: 1 })],
  ["a cyclic object", cyclic],
  ["an object with a throwing getter", () => withThrowingGetter("name")],
  ["an error with a throwing name", errorWithThrowingName],
  ["an untouchable proxy", untouchable],
  ["a revoked proxy", revoked],
  ["a date", () => new Date(0)],
  ["a map", () => new Map([["a", 1]])],
];

function errorWithThrowingName(): Error {
  return Object.defineProperty(new Error("unlucky"), "name", {
    get() {
      throw new Error("this getter throws");
    },
  });
}
