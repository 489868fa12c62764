import { ErrorCode } from "../core/abi.gen.ts";

const names = new Map<number, string>(
  Object.entries(ErrorCode).map(([name, code]) => [code, name]),
);

/** The name of an error of src/base/errors.def, for messages. */
export function errorName(code: number): string {
  return names.get(code) ?? `error ${code}`;
}

const newer = ": a newer version of isotel wrote it; use that version here too";

/** What the aggregation module refused, or that it failed altogether. */
export class AggregationError extends Error {
  override readonly name = "AggregationError";
  /** A code of src/base/errors.def; undefined for a trap and for what is no answer of the module. */
  readonly code: number | undefined;

  constructor(what: string, code?: number, cause?: unknown) {
    const reason = code === undefined ? "" : ` (${errorName(code)})`;
    super(`isotel: ${what}${reason}${code === ErrorCode.unknownVersion ? newer : ""}`, { cause });
    this.code = code;
  }
}
