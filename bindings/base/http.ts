import { cleanRoute } from "./address.ts";
import { errorType } from "./cause.ts";
import { reportOnce } from "./report_once.ts";
import { reportAnswer } from "./values.ts";

/** What the HTTP conventions call a method they do not know, or a client could make names and label sets at will. */
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

/** `http.request.method` of a request's method. */
export function httpMethod(method: string): string {
  return knownMethods.has(method) ? method : otherMethod;
}

const textOnly = (value: unknown) => (typeof value === "string" ? value : undefined);

/**
 * Returns the value of `http.route` that the option `route` gives, without secrets. Never throws.
 *
 * @param ask calls the option; may throw.
 * @param textOf returns the text of an answer, undefined for an answer that is not allowed. Default: only strings.
 * @returns undefined when the request has no route, the option fails or its answer is not allowed. The last two are logged
 * once.
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
      const rule = "it has to answer a string or undefined, and http.route is left out";
      reportAnswer("route", answer, rule);
    }
  } catch (cause) {
    reportOnce(`isotel: the option route failed (${errorType(cause)}); http.route is left out.`);
  }
  return undefined;
}
