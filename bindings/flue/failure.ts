import { contentText } from "./attributes.ts";
import { readPath } from "./event.ts";

/** Where an event that failed may say why, in the order of preference. */
const places = [["error"], ["response", "error"], ["result"]] as const;

/** The message of a failure, out of the content that is exported; undefined where that tells none. */
export function failureText(content: object | undefined): string | undefined {
  for (const path of places) {
    const value = readPath(content, path);
    if (value === undefined || value === null) continue;
    const message = readPath(value, ["message"]);
    return typeof message === "string" ? message : contentText(value);
  }
  return undefined;
}
