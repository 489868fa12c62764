import { styleText } from "node:util";
import type { Span } from "../harness/spans.ts";
import { buildTree, type TreeLine, treeLines } from "../harness/tree.ts";

type Style = Parameters<typeof styleText>[0];

// Leaves out the colours when standard output is no terminal or NO_COLOR is set.
function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout, validateStream: true });
}

export function heading(text: string): string {
  return paint("bold", text);
}

/** The trees of one request: name, duration, status and what the span says about itself. */
export function drawSpans(spans: readonly Span[]): string {
  const lines = buildTree(spans).flatMap(treeLines);
  const nameWidth = Math.max(...lines.map(({ prefix, node }) => (prefix + node.span.name).length));
  return lines.map((line) => drawLine(line, nameWidth)).join("\n");
}

function drawLine({ prefix, node: { span } }: TreeLine, nameWidth: number): string {
  const isInstrumented = span.attributes["gen_ai.operation.name"] !== undefined;
  const name = paint(isInstrumented ? "bold" : "reset", span.name);
  const padding = " ".repeat(nameWidth - prefix.length - span.name.length);
  const duration = `${span.durationMs} ms`.padStart(8);
  const status = statusOf(span).padEnd(8);
  const colour: Style = span.status === "error" ? "red" : "dim";
  const details = detailsOf(span).join(", ");
  return `${paint("dim", prefix)}${name}${padding}${duration}  ${paint(colour, status)}  ${details}`.trimEnd();
}

function statusOf(span: Span): string {
  if (!span.closed) {
    return "open";
  }
  return span.isInvocation ? span.outcome : span.status;
}

function detailsOf({ attributes }: Span): string[] {
  const details: string[] = [];
  const add = (key: string, describe: (value: string | number) => string) => {
    const value = attributes[key];
    if (typeof value === "string" || typeof value === "number") {
      details.push(describe(value));
    }
  };
  add("gen_ai.usage.input_tokens", (tokens) => `${tokens} in${cached(attributes)}`);
  add("gen_ai.usage.output_tokens", (tokens) => `${tokens} out${reasoned(attributes)}`);
  add(
    "gen_ai.response.time_to_first_chunk",
    (seconds) => `first chunk ${Number(seconds) * 1_000} ms`,
  );
  add("cloudflare.agents.response.finish_reason", (reason) => `finish ${reason}`);
  add("gen_ai.tool.call.id", String);
  add("http.response.status_code", (code) => `status ${code}`);
  add("error.type", String);
  if (attributes["cloudflare.agents.canceled"] === true) {
    details.push("canceled");
  }
  return details;
}

function cached(attributes: Span["attributes"]): string {
  const tokens = attributes["gen_ai.usage.cache_read.input_tokens"];
  return tokens ? ` (${tokens} cached)` : "";
}

function reasoned(attributes: Span["attributes"]): string {
  const tokens = attributes["gen_ai.usage.reasoning.output_tokens"];
  return tokens ? ` (${tokens} reasoning)` : "";
}
