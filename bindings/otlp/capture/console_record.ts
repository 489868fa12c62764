import { maskSecrets } from "../../base/address.ts";
import { type LogRecord, type ParentSpan, Severity } from "../core/model.ts";

/** Severities by the methods of the console whose lines the runtime reports. */
export const consoleSeverities: Readonly<Record<string, number>> = {
  debug: Severity.debug,
  log: Severity.info,
  info: Severity.info,
  warn: Severity.warn,
  error: Severity.error,
};

/** UTF-16 units of one text of a log record or an exception. Longer texts are cut. */
export const maxTextUnits = 65_536;

/** Returns the exportable form of a text that is not an attribute. Undefined if there is none. */
export type TextFilter = (key: string, value: unknown) => string | undefined;

/** An error among the arguments of a console line. */
export interface LoggedError {
  readonly name?: string | undefined;
  readonly message?: unknown;
  readonly stack?: unknown;
}

/** A log record to which attributes can be added. */
export interface ConsoleRecord extends LogRecord {
  readonly attributes: { readonly keys: string[]; readonly values: unknown[] };
}

/**
 * Returns the log record of a console line.
 *
 * @param level The method of the console.
 * @param text Filters the line and the texts of the error.
 */
export function consoleRecord(
  level: string,
  line: string,
  error: LoggedError | undefined,
  unixMs: number,
  { traceId, spanId, flags }: Pick<ParentSpan, "traceId" | "spanId" | "flags">,
  text: TextFilter,
): ConsoleRecord {
  const keys: string[] = [];
  const values: unknown[] = [];
  const put = (key: string, value: unknown): void => {
    if (value === undefined) return;
    keys.push(key);
    values.push(value);
  };
  if (error !== undefined) {
    put("exception.type", error.name && maskSecrets(error.name));
    put("exception.message", text("exception.message", error.message));
    put("exception.stacktrace", text("exception.stacktrace", error.stack));
  }
  return {
    unixMs,
    observedUnixMs: unixMs,
    severityNumber: consoleSeverities[level] ?? 0,
    severityText: level,
    body: text("log.body", line),
    attributes: { keys, values },
    droppedAttributesCount: 0,
    traceId,
    spanId,
    flags,
    eventName: "",
  };
}

/** Returns the arguments of a console line as one text: texts unchanged, other values as JSON. */
export function plainLine(args: readonly unknown[]): string {
  return args.map(textOf).join(" ");
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    const json = JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === "bigint" ? inner.toString() : inner,
    );
    return json ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
