import { errorNames } from "./abi.gen.ts";

/** Returns the name of an error of src/base/errors.def, for messages. */
export function errorName(code: number): string {
  return errorNames[-code] ?? `error ${code}`;
}
