import { styleText } from "node:util";
import {
  detailsOf,
  drawMs,
  drawTrees,
  durationWidth,
  type SpanLine,
} from "../../bindings/otlp/console/span_tree.ts";
import type { Span } from "../../tests/harness/spans.ts";
import type { SummaryRow } from "./metrics.ts";

type Style = Parameters<typeof styleText>[0];

// No colors if standard output is not a terminal or NO_COLOR is set.
function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout, validateStream: true });
}

export function heading(text: string): string {
  return paint("bold", text);
}

/**
 * Returns the spans of the program without those of its metrics: the sends, and the invocations that wait for a flush.
 * The runtime does not say to which queue a `queue_send` goes. So all sends stay if the Worker also sends to another
 * queue.
 *
 * @param producers the queue producers in the Worker's configuration.
 */
export function withoutMetrics(
  spans: readonly Span[],
  producers: readonly { readonly binding: string }[],
): Span[] {
  const isOnlyQueue = producers.every(({ binding }) => binding === "TELEMETRY_QUEUE");
  const flushes = spans.filter(({ attributes }) => attributes["jsrpc.method"] === "isotel:flush");
  const invocations = new Set(
    flushes.filter(({ isInvocation }) => isInvocation).map(({ invocationId }) => invocationId),
  );
  // The call, and the session that contains nothing else.
  const sessions = new Set(flushes.map(({ parentSpanId }) => parentSpanId));
  return spans.filter((span) => {
    if (isOnlyQueue && span.name === "queue_send") return false;
    if (invocations.has(span.invocationId) || flushes.includes(span)) return false;
    return !(span.name === "jsRpcSession" && sessions.has(span.spanId));
  });
}

/** Returns the span trees of one request, with the name, duration and details of each span. */
export function drawSpans(spans: readonly Span[]): string {
  const instrumented = new Set<SpanLine>();
  const describe = (span: Span): SpanLine => {
    const line = { name: span.name, durationMs: shownMs(span), details: shownDetails(span) };
    if (span.attributes["gen_ai.operation.name"] !== undefined) instrumented.add(line);
    return line;
  };
  return drawTrees(spans, describe, (part, text, line) => {
    if (part === "branch") return paint("dim", text);
    return paint(instrumented.has(line) ? "bold" : "reset", text);
  });
}

/**
 * Returns the duration to show. An invocation ends with its response, because `waitUntil` does not delay the client.
 */
function shownMs({ respondedMs, startMs, durationMs }: Span): number {
  return respondedMs === undefined ? durationMs : respondedMs - startMs;
}

function shownDetails({ attributes, closed, status, isInvocation, outcome }: Span): string[] {
  const failures: string[] = [];
  if (!closed) failures.push("never closed");
  if (status === "error") failures.push(String(attributes["error.type"] ?? "error"));
  if (isInvocation && outcome !== "ok") failures.push(outcome);
  return [...failures.map((text) => paint("red", text)), ...detailsOf((key) => attributes[key])];
}

/** Returns the summary of the metrics as a table. */
export function drawSummary(rows: readonly SummaryRow[]): string {
  const whatWidth = Math.max(...rows.map(({ what }) => what.length));
  const line = (what: string, count: string, p50: string, p95: string) =>
    `${what.padEnd(whatWidth)}  ${count.padStart(5)}  ${p50.padStart(durationWidth)}  ${p95.padStart(durationWidth)}`;
  const time = (seconds: number | undefined) =>
    seconds === undefined ? "" : drawMs(seconds * 1_000);
  return [
    paint("dim", line("", "count", "p50", "p95")),
    ...rows.map(({ what, count, p50, p95, details }) =>
      `${line(what, String(count ?? ""), time(p50), time(p95))}  ${details.join(", ")}`.trimEnd(),
    ),
  ].join("\n");
}

const nextSteps: readonly (readonly [command: string, what: string])[] = [
  ["npm start -- --var SCRAPE_TOKEN:secret", "keeps this Worker running on localhost:8787"],
  ["curl 'localhost:8787/chat?prompt=Weather+in+Lisbon'", "asks the agent"],
  ["curl -N 'localhost:8787/chat/stream?prompt=Weather+in+Lisbon'", "streams the answer"],
  ["curl -H 'Authorization: Bearer secret' localhost:8787/metrics", "scrapes it"],
  ["npm test", "runs the tests, in the same runtime"],
];

export function drawNextSteps(): string {
  const width = Math.max(...nextSteps.map(([command]) => command.length));
  const lines = nextSteps.map(
    ([command, what]) => `${command.padEnd(width)}  ${paint("dim", what)}`,
  );
  const documents = "docs/tracing.md, docs/ai-sdk.md and docs/metrics.md";
  return [...lines, `${documents} show how to do the same in your Worker.`].join("\n");
}
