import { maskSecrets } from "../../base/address.ts";
import { isError, valueIn } from "../../base/cause.ts";
import { isPrinting, reportOnce } from "../../base/report_once.ts";
import { shared } from "../../base/shared.ts";
import type { CompositeRuntime } from "./composite_runtime.ts";
import {
  consoleRecord,
  consoleSeverities,
  type LoggedError,
  maxTextUnits,
  plainLine,
} from "./console_record.ts";
import { activeContext } from "./context.ts";

/** Lines of one invocation. Further ones would replace the records of other invocations in the queue. */
const maxLines = 1_000;

type Format = (...args: readonly unknown[]) => string;
type Method = (...args: readonly unknown[]) => unknown;

const state = shared("console", () => ({ isPatched: false, isBusy: false }));

/**
 * Replaces the methods of the console by ones that also send log records, once per isolate. A method does what it did
 * before, and sends nothing outside of an invocation with the option `consoleLogs`.
 */
export function captureConsole(runtime: CompositeRuntime): void {
  if (state.isPatched) return;
  state.isPatched = true;
  const methods = console as unknown as Record<string, Method | undefined>;
  const format = formatOfConsole();
  try {
    for (const [level, severity] of Object.entries(consoleSeverities)) {
      const original = methods[level];
      if (original !== undefined) {
        methods[level] = capturing(level, severity, original, format, runtime);
      }
    }
  } catch {
    reportOnce("isotel: the console cannot be changed; consoleLogs has no effect.");
  }
}

function capturing(
  level: string,
  severity: number,
  original: Method,
  format: Format,
  runtime: CompositeRuntime,
): Method {
  return function (this: unknown, ...args: readonly unknown[]): unknown {
    const group = activeContext.getStore()?.group;
    const least = group?.pipeline.settings.consoleLogs;
    const isWanted = least === true || (least && severity >= (consoleSeverities[least] as number));
    // The console of a user may call another method, and the values may print while they are formatted.
    if (group === undefined || !isWanted || state.isBusy || isPrinting()) {
      return Reflect.apply(original, this, args);
    }
    state.isBusy = true;
    try {
      const result: unknown = Reflect.apply(original, this, args);
      group.lines += 1;
      if (group.lines > maxLines) group.pipeline.dropLog();
      else {
        runtime.addLog((parent, { clock }) =>
          consoleRecord(
            level,
            lineOf(args, format),
            errorIn(args),
            clock(),
            parent ?? { traceId: "", spanId: "", flags: 0 },
            exportableText,
          ),
        );
      }
      return result;
    } finally {
      state.isBusy = false;
    }
  };
}

/**
 * Returns the function with which workerd formats its lines. An import of `node:util` would end a Worker without
 * `nodejs_compat`, and wrangler would bundle a polyfill.
 */
function formatOfConsole(): Format {
  const { process } = globalThis as {
    process?: { getBuiltinModule?(name: string): { readonly format: Format } | undefined };
  };
  let format: Format | undefined;
  try {
    format = process?.getBuiltinModule?.("node:util")?.format;
  } catch {
    // A polyfill of process may lack modules.
  }
  return format ?? ((...args) => plainLine(args));
}

function lineOf(args: readonly unknown[], format: Format): string {
  try {
    return format(...args);
  } catch {
    // A method of a value threw.
    return plainLine(args);
  }
}

function errorIn(args: readonly unknown[]): LoggedError | undefined {
  const error = args.find(isError);
  if (error === undefined) return undefined;
  const name = valueIn(error, "name");
  return {
    name: typeof name === "string" ? name : undefined,
    message: valueIn(error, "message"),
    stack: valueIn(error, "stack"),
  };
}

function exportableText(_key: string, value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  return maskSecrets(value.slice(0, maxTextUnits)).slice(0, maxTextUnits);
}
