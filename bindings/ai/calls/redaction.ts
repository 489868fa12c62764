import { maskSecrets } from "../../base/address.ts";
import { reportAnswer } from "../../base/values.ts";
import type { Attributes } from "../../trace/span_runtime.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import type { Redact } from "../../trace/user_attributes.ts";
import type { Settings, SpanInfo } from "../options.ts";

/** The user's hook for one span. A text is dropped and counted where it throws or answers neither text nor undefined. */
export function redactorOf(
  telemetry: Telemetry,
  settings: Settings,
  info: SpanInfo,
): Redact | undefined {
  const { redact } = settings;
  if (redact === undefined) return undefined;
  return (key, value) => {
    return telemetry.guard(() => {
      const replaced: unknown = redact(key, value, info);
      if (typeof replaced === "string" || replaced === undefined) return replaced;
      reportAnswer(
        "redact",
        replaced,
        "it has to answer a string or undefined, and a value is left out",
      );
      throw new TypeError("isotel: no answer of redact");
    });
  };
}

/** What the user's hook adds to a span; undefined where there is no hook, or it fails. */
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
    reportAnswer("enrich", attributes, "it has to answer an object or undefined, and adds nothing");
    throw new TypeError("isotel: no answer of enrich");
  });
}

/** A text for the name of a span, after the user's hook: names leave too. Like a field, it comes there masked. */
export function redactedTarget(
  redact: Redact | undefined,
  key: string,
  target: string | undefined,
): string | undefined {
  return redact === undefined || target === undefined ? target : redact(key, maskSecrets(target));
}
