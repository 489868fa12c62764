class PlainError extends Error {}

class NamedError extends Error {
  override readonly name = "NamedError";
}

type Line = readonly [method: "debug" | "log" | "info" | "warn" | "error", ...args: unknown[]];

/** Lines that the runtime reports to a tail as one text each, so that two records of one line are equal. */
export const textLines = (): readonly Line[] => [
  ["debug", "one text"],
  ["log", "two", "texts"],
  ["info", "a number", 1.5, true, null],
  ["warn", "100% sure"],
  ["error", "over\ntwo lines"],
  ["log", ""],
  ["log", 'GET https://user:password@host.example/path?token=abc "quoted"'],
];

export const errorLines = (): readonly Line[] => [
  ["error", new Error("first")],
  ["warn", "it failed:", new TypeError("second"), new Error("third")],
  ["error", new PlainError("fourth")],
  ["log", "%s", new NamedError("fifth")],
  ["error", new Error("sixth", { cause: new RangeError("its cause") })],
];

/** Lines that only the console itself formats. */
export const formattedLines = (): readonly Line[] => {
  const circular: Record<string, unknown> = { a: 1 };
  circular["self"] = circular;
  return [
    ["log"],
    ["log", "%s is %d %i %f %j %o %O %c %%", "x", 42, 42.9, 1.5, { a: 1 }, [1], { c: 1 }, "css", 7],
    ["log", "%s", { toString: () => "its text" }],
    ["log", undefined, 10n, Symbol("s"), -0],
    ["info", { a: { b: { c: { d: 1 } } } }, [1, "x", [2]]],
    ["info", circular],
    ["debug", new Map([[1, { a: 2 }]]), new Set(["x"]), new Date(0), /x/g],
    ["log", () => 1, class Shown {}],
    ["log", new Uint8Array([1, 2]), Promise.resolve(1)],
    ["warn", { deep: "x".repeat(200) }, { toJSON: () => "json" }],
    [
      "error",
      new AggregateError([new Error("one")], "all"),
      new DOMException("gone", "AbortError"),
    ],
    ["log", Object.assign(new Error("with a code"), { code: "E1" })],
  ];
};
