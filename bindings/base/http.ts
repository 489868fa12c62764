import { cleanRoute } from "./address.ts";
import { errorType } from "./cause.ts";
import { reportOnce } from "./report_once.ts";
import { reportAnswer } from "./values.ts";

/**
 * The method name that the HTTP conventions prescribe for unknown methods. Without it, clients could create any number
 * of label sets.
 */
export const otherMethod = "_OTHER";

const knownMethods: ReadonlySet<string> = new Set([
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "TRACE",
]);

/** Returns the value of `http.request.method` for a request's method. */
export function httpMethod(method: string): string {
  return knownMethods.has(method) ? method : otherMethod;
}

const textOnly = (value: unknown) => (typeof value === "string" ? value : undefined);

/**
 * Returns the value of `http.route` from the option `route`, without secrets. Never throws.
 *
 * @param ask calls the option. May throw.
 * @param textOf returns the text of the option's result, or undefined if the result is not allowed. Default: strings
 * only.
 * @returns undefined if the request has no route, the option throws, or its result is not allowed. The last two cases
 * are logged once.
 */
export function httpRoute(
  ask: () => unknown,
  textOf: (value: unknown) => string | undefined = textOnly,
): string | undefined {
  try {
    const answer = ask();
    const text = textOf(answer);
    if (text !== undefined) return cleanRoute(text);
    if (answer !== undefined) {
      const rule = "it has to return a string or undefined, and http.route is left out";
      reportAnswer("route", answer, rule);
    }
  } catch (cause) {
    reportOnce(`isotel: the option route failed (${errorType(cause)}); http.route is left out.`);
  }
  return undefined;
}
