import { print } from "../../base/report_once.ts";
import { isList, shapeOf } from "../../base/values.ts";
import { activeContext } from "../capture/context.ts";
import { type FinishedSpan, StatusCode } from "../core/model.ts";
import { type ExportCounts, Tally } from "../exporter/tally.ts";
import type { EndedGroup, SpanExporter, SpanSink } from "../pipeline/options.ts";
import type { SpanGroup } from "../pipeline/span_group.ts";
import { detailsOf, drawTrees, type SpanLine } from "./span_tree.ts";

/** Options of {@link consoleExporter}. */
export interface ConsoleExporterOptions {
  /** Keys of further attributes to show, such as `["app.plan"]`. Default: none. */
  readonly attributes?: readonly string[] | undefined;
}

/** Spans that wait for the end of their invocations. Beyond that, the spans of the oldest one are printed. */
const maxWaiting = 2_048;
/** Spans below it are not recorded. */
const unrecorded = {
  traceId: "0".repeat(32),
  spanId: "0".repeat(16),
  flags: 0,
  traceState: "",
  isRemote: false,
};
/** UTF-16 units of a name or an attribute. */
const maxTextUnits = 80;

/**
 * Returns a backend that prints spans with `console.log`, for development. When an invocation is over and its spans
 * have ended, it prints them as a tree: a line with name, duration, failure and the main attributes of AI calls.
 *
 * ```ts
 * { otlp: { backend: consoleExporter() } }
 * ```
 *
 * @throws TypeError if an option is invalid.
 */
export function consoleExporter({ attributes = [] }: ConsoleExporterOptions = {}): SpanExporter {
  if (!isList(attributes) || attributes.some((key) => typeof key !== "string")) {
    throw new TypeError(
      `isotel: consoleExporter: attributes is ${shapeOf(attributes)}; it has to be a list of keys, ` +
        'such as ["app.plan"]',
    );
  }
  return { name: "console", attributes, open: () => new ConsoleSink(attributes) };
}

/** Keeps spans until their invocation is over, and prints them. */
class ConsoleSink implements SpanSink {
  readonly isBatchFull = false;
  readonly #attributes: readonly string[];
  readonly #tally = new Tally("console", "traces");
  /** By invocation. Spans that a collector received are grouped by trace. */
  readonly #groups = new Map<EndedGroup | string, FinishedSpan[]>();
  #waiting = 0;

  constructor(attributes: readonly string[]) {
    this.#attributes = attributes;
  }

  get isEmpty(): boolean {
    for (const group of this.#groups.keys()) if (isOver(group)) return false;
    return true;
  }

  add(span: FinishedSpan, _size: number, group?: EndedGroup): void {
    const key = group ?? span.traceId;
    const spans = this.#groups.get(key);
    if (spans === undefined) this.#groups.set(key, [span]);
    else spans.push(span);
    this.#tally.made += 1;
    this.#waiting += 1;
    const [oldest] = this.#groups.keys();
    if (this.#waiting > maxWaiting && oldest !== undefined) this.#print(oldest);
  }

  flush(): Promise<void> {
    for (const group of [...this.#groups.keys()]) if (isOver(group)) this.#print(group);
    return Promise.resolve();
  }

  counts(): ExportCounts {
    const { made, accepted, dropped, requests, lastStatus } = this.#tally;
    const queued = this.#waiting;
    return { made, accepted, queued, sending: 0, dropped: { ...dropped }, requests, lastStatus };
  }

  #print(group: EndedGroup | string): void {
    const spans = this.#groups.get(group) ?? [];
    this.#groups.delete(group);
    this.#waiting -= spans.length;
    this.#tally.accepted += spans.length;
    const shown = spans.map((span) => ({
      span,
      spanId: span.spanId,
      parentSpanId: span.parentSpanId,
      startMs: span.startUnixMs,
    }));
    const text = drawTrees(shown, ({ span }) => this.#line(span));
    if (typeof group === "string") print("log", text);
    else {
      // A console that opens spans would print them without end.
      const context = { group: group as SpanGroup, parent: unrecorded };
      activeContext.run(context, () => print("log", text));
    }
  }

  #line(span: FinishedSpan): SpanLine {
    const name = oneLine(span.name);
    const values = new Map(span.attributes.keys.map((key, i) => [key, span.attributes.values[i]]));
    const attribute = (key: string) => values.get(key);
    const details: string[] = [];
    if (span.status.code === StatusCode.error) {
      details.push(`ERROR ${String(attribute("error.type") ?? span.status.message)}`.trimEnd());
    }
    for (const key of ["gen_ai.request.model", "gen_ai.tool.name"]) {
      const value = attribute(key);
      // Most names contain it.
      if (typeof value === "string" && !span.name.includes(value)) details.push(value);
    }
    details.push(...detailsOf(attribute));
    for (const key of this.#attributes) {
      if (values.has(key)) details.push(`${key}=${textOf(attribute(key))}`);
    }
    return {
      name,
      durationMs: span.endUnixMs - span.startUnixMs,
      details: details.map(oneLine),
    };
  }
}

function isOver(group: EndedGroup | string): boolean {
  return typeof group === "string" || group.isIdle;
}

function textOf(value: unknown): string {
  if (isList(value)) return value.map(textOf).join(" ");
  return typeof value === "object" && value !== null ? shapeOf(value) : String(value);
}

/** Returns a text as part of one line, without the control characters of terminals. */
function oneLine(text: string): string {
  const line = text.slice(0, maxTextUnits + 1).replaceAll(/[\p{Cc}\s]+/gu, " ");
  return text.length > maxTextUnits ? `${line.slice(0, maxTextUnits - 1)}…` : line;
}
