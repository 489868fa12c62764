import { styleText } from "node:util";
import type { Span } from "../../tests/harness/spans.ts";
import { buildTree, type TreeLine, treeLines } from "../../tests/harness/tree.ts";
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
  const lines = buildTree(spans).flatMap(treeLines);
  const nameWidth = Math.max(...lines.map(({ prefix, node }) => (prefix + node.span.name).length));
  return lines.map((line) => drawLine(line, nameWidth)).join("\n");
}

function drawLine({ prefix, node: { span } }: TreeLine, nameWidth: number): string {
  const isInstrumented = span.attributes["gen_ai.operation.name"] !== undefined;
  const name = paint(isInstrumented ? "bold" : "reset", span.name);
  const padding = " ".repeat(nameWidth - prefix.length - span.name.length);
  const duration = drawMs(shownMs(span)).padStart(durationWidth);
  const details = detailsOf(span).join(", ");
  return `${paint("dim", prefix)}${name}${padding}  ${duration}  ${details}`.trimEnd();
}

const durationWidth = 7;

/** Returns a duration with at most seven characters. */
function drawMs(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 10_000 ? `${(ms / 1_000).toFixed(2)} s` : `${(ms / 1_000).toFixed(1)} s`;
}

/**
 * Returns the duration to show. An invocation ends with its response, because `waitUntil` does not delay the client.
 */
function shownMs({ respondedMs, startMs, durationMs }: Span): number {
  return respondedMs === undefined ? durationMs : respondedMs - startMs;
}

function detailsOf(span: Span): string[] {
  const { attributes, status, outcome } = span;
  const details: string[] = [];
  const add = (key: string, describe: (value: string | number) => string = String) => {
    const value = attributes[key];
    if (typeof value === "string" || typeof value === "number") {
      details.push(describe(value));
    }
  };
  const error = String(attributes["error.type"] ?? "error");
  if (!span.closed) details.push(paint("red", "never closed"));
  if (status === "error") details.push(paint("red", error));
  if (span.isInvocation && outcome !== "ok") details.push(paint("red", outcome));
  const output = attributes["gen_ai.usage.output_tokens"];
  add("gen_ai.usage.input_tokens", (input) => `${input} → ${output ?? "?"} tokens`);
  add("gen_ai.response.time_to_first_chunk", (seconds) => {
    return `first chunk ${drawMs(Number(seconds) * 1_000)}`;
  });
  add("cloudflare.agents.response.finish_reason");
  add("gen_ai.tool.call.id");
  add("http.response.status_code", (code) => `status ${code}`);
  if (attributes["cloudflare.agents.canceled"] === true) details.push("canceled");
  return details;
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
