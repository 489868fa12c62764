import { errorType } from "../../base/cause.ts";
import { reportOnce } from "../../base/report_once.ts";
import { reportAnswer } from "../../base/values.ts";
import type { CollectorCounts } from "./counts.ts";

/** The span a value is of, as `redact` is told of it. */
export interface RedactedSpan {
  readonly name: string;
  /** `service.name`. */
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
}

/**
 * Changes a text before it leaves; undefined leaves it out.
 *
 * @param key of the attribute; `log.body`, `status.message`, `exception.message` and `exception.stacktrace` for what is
 * no attribute.
 */
export type Redact = (key: string, value: string, span: RedactedSpan) => string | undefined;

/** Asks what may leave of a text that is no attribute; undefined for nothing. */
export type TextFilter = (key: string, value: unknown) => string | undefined;

/** `redact` such that nothing it does gets out: a value it cannot answer for is left out, and counted. */
export function guardedRedact(redact: Redact, counts: CollectorCounts): Redact {
  return (key, value, span) => {
    try {
      const redacted: unknown = redact(key, value, span);
      if (typeof redacted === "string" || redacted === undefined) return redacted;
      reportAnswer(
        "redact",
        redacted,
        "it has to answer a string or undefined, and a value is left out",
      );
    } catch (cause) {
      // Whatever it was, it has not said what may leave.
      // Where it is no function, the options were refused with a message of their own.
      if (typeof redact === "function") {
        reportOnce(`isotel: redact failed (${errorType(cause)}); a value is left out.`);
      }
    }
    counts.redact_failures += 1;
    return undefined;
  };
}
