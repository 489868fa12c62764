import { ErrorCode } from "./abi.gen.ts";

const names = new Map<number, string>(
  Object.entries(ErrorCode).map(([name, code]) => [code, name]),
);

/** Returns the name of an error of src/base/errors.def, for messages. */
export function errorName(code: number): string {
  return names.get(code) ?? `error ${code}`;
}
