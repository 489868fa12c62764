import { cleanRoute } from "../core/address.ts";
import { reportOnce } from "../core/report_once.ts";
import { errorType } from "./cause.ts";
import { reportAnswer } from "./thenable.ts";

const textOnly = (value: unknown) => (typeof value === "string" ? value : undefined);

/**
 * Returns `http.route` by the option `route`, without secrets. Never throws.
 *
 * @param ask calls the option; it may throw. Undefined is an answer: the request has no route.
 * @param textOf gives the text of an answer, undefined for one that the option must not give. Default: strings alone.
 * @returns undefined where there is no route; the console says once why, unless the answer was undefined.
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
