import { maskSecrets } from "../../base/address.ts";
import { reportAnswer } from "../../base/values.ts";
import type { Attributes } from "../../trace/span_runtime.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import type { Redact } from "../../trace/user_attributes.ts";
import type { Settings, SpanInfo } from "../options.ts";

/**
 * Returns the user's redaction for one span. A text is dropped and counted if the hook throws or returns neither a
 * string nor undefined.
 */
export function redactorOf<Info>(
  telemetry: Telemetry,
  redact: ((key: string, value: string, info: Info) => string | undefined) | undefined,
  info: Info,
): Redact | undefined {
  if (redact === undefined) return undefined;
  return (key, value) => {
    return telemetry.guard(() => {
      const replaced: unknown = redact(key, value, info);
      if (typeof replaced === "string" || replaced === undefined) return replaced;
      reportAnswer(
        "redact",
        replaced,
        "it has to return a string or undefined, and a value is left out",
      );
      throw new TypeError("isotel: redact returned an invalid value");
    });
  };
}

/** Returns the attributes of the user's `enrich` hook. Undefined if there is no hook or it fails. */
export function enrichmentOf(
  telemetry: Telemetry,
  settings: Settings,
  info: SpanInfo,
): Attributes | undefined {
  const { enrich } = settings;
  if (enrich === undefined) return undefined;
  return telemetry.guard(() => {
    const attributes = enrich(info);
    const isObject = typeof attributes === "object" && attributes !== null;
    if (attributes === undefined || (isObject && !(attributes instanceof Promise)))
      return attributes;
    reportAnswer("enrich", attributes, "it has to return an object or undefined, and adds nothing");
    throw new TypeError("isotel: enrich returned an invalid value");
  });
}

/**
 * Returns the redacted text for the name of a span, because names are exported too. Masks secrets first, as for
 * attributes.
 */
export function redactedTarget(
  redact: Redact | undefined,
  key: string,
  target: string | undefined,
): string | undefined {
  return redact === undefined || target === undefined ? target : redact(key, maskSecrets(target));
}
