import { maskSecrets } from "../../core/address.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import type { Redact } from "../../trace/user_attributes.ts";
import type { Settings } from "../options.ts";
import type { SpanInfo } from "../span_info.ts";

/** The user's hook for one span; a text whose redaction throws is dropped and counted. */
export function redactorOf(
  telemetry: Telemetry,
  settings: Settings,
  info: SpanInfo,
): Redact | undefined {
  const { redact } = settings;
  if (redact === undefined) return undefined;
  return (key, value) => {
    const replaced = telemetry.guard(() => redact(key, value, info));
    return typeof replaced === "string" ? replaced : undefined;
  };
}

/** A text for the name of a span, after the user's hook: names leave too. Like a field, it comes there masked. */
export function redactedTarget(
  redact: Redact | undefined,
  key: string,
  target: string | undefined,
): string | undefined {
  return redact === undefined || target === undefined ? target : redact(key, maskSecrets(target));
}
