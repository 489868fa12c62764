import { errorType } from "../../base/cause.ts";
import { reportOnce } from "../../base/report_once.ts";
import { reportAnswer } from "../../base/values.ts";
import type { CollectorCounts } from "./counts.ts";

/** Describes the span of a value to `redact`. */
export interface RedactedSpan {
  readonly name: string;
  /** `service.name`. */
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
}

/**
 * Returns the replacement for a text before it is exported. Undefined leaves it out.
 *
 * @param key Key of the attribute. For other texts `log.body`, `status.message`, `exception.message` or
 *   `exception.stacktrace`.
 */
export type Redact = (key: string, value: string, span: RedactedSpan) => string | undefined;

/** Returns a `redact` that never throws. A value without a valid replacement is left out and counted. */
export function guardedRedact(redact: Redact, counts: CollectorCounts): Redact {
  return (key, value, span) => {
    try {
      const redacted: unknown = redact(key, value, span);
      if (typeof redacted === "string" || redacted === undefined) return redacted;
      reportAnswer(
        "redact",
        redacted,
        "it has to return a string or undefined, and a value is left out",
      );
    } catch (cause) {
      // It threw, so it is not known what may be exported. If it is not a function, the options were already refused
      // with their own message.
      if (typeof redact === "function") {
        reportOnce(`isotel: redact failed (${errorType(cause)}); a value is left out.`);
      }
    }
    counts.redact_failures += 1;
    return undefined;
  };
}
