import type { Span } from "../harness/spans.ts";
import { operationOf } from "./compare.ts";

/** The counts that the spans and the metrics of the same calls share. */
interface Measured {
  /** Failed calls by metric and `error.type`. */
  readonly failed: Map<string, number>;
  /** Calls that did not fail, by metric. */
  readonly others: Map<string, number>;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** The histogram of the duration of each operation, as Prometheus names its count. */
const counts: Readonly<Record<string, string>> = {
  chat: "gen_ai_client_inference_duration_seconds_count",
  generate_content: "gen_ai_client_inference_duration_seconds_count",
  embeddings: "gen_ai_client_embeddings_duration_seconds_count",
  rerank: "gen_ai_client_operation_duration_seconds_count",
  invoke_agent: "gen_ai_invoke_agent_duration_seconds_count",
  execute_tool: "gen_ai_execute_tool_duration_seconds_count",
};

/** Counts spans in the form that their metrics should have. */
export class SpanSums {
  readonly failed = new Map<string, number>();
  readonly others = new Map<string, number>();
  /**
   * Calls without a mark of their end, by metric. If the runtime ended the span, the call was measured only if it ended
   * later, with any outcome.
   */
  readonly unmarked = new Map<string, number>();
  inputTokens = 0;
  outputTokens = 0;

  add(span: Span): void {
    const { attributes, closed } = span;
    const operation = operationOf(span);
    const metric = counts[operation];
    if (metric === undefined) return;
    if (!closed) {
      increment(this.unmarked, metric);
      return;
    }
    // The approvals of a tool have spans of their own, which are not calls.
    const errorType = attributes["error.type"];
    const isMarked =
      attributes["cloudflare.agents.response.finish_reason"] !== undefined ||
      attributes["cloudflare.agents.canceled"] === true ||
      attributes["cloudflare.agents.span.truncated"] === true;
    if (errorType !== undefined) increment(this.failed, `${metric} ${errorType}`);
    else increment(isMarked ? this.others : this.unmarked, metric);
    if (operation !== "chat") return;
    this.inputTokens += Number(attributes["gen_ai.usage.input_tokens"] ?? 0);
    this.outputTokens += Number(attributes["gen_ai.usage.output_tokens"] ?? 0);
  }
}

function increment(map: Map<string, number>, key: string, by = 1): void {
  map.set(key, (map.get(key) ?? 0) + by);
}

/** Reads the samples of a scrape. */
function measuredIn(samples: ReadonlyMap<string, number>): Measured {
  const failed = new Map<string, number>();
  const others = new Map<string, number>();
  const tokens = { input: 0, output: 0 };
  for (const [sample, value] of samples) {
    const metric = sample.slice(0, sample.indexOf("{"));
    const errorType = /error_type="([^"]*)"/.exec(sample)?.[1];
    if (Object.values(counts).includes(metric)) {
      if (errorType === undefined) increment(others, metric, value);
      else increment(failed, `${metric} ${errorType}`, value);
    }
    const kind = /^gen_ai_client_inference_usage_(input|output)_tokens_total$/.exec(metric)?.[1];
    if (kind === "input" || kind === "output") tokens[kind] += value;
  }
  return { failed, others, inputTokens: tokens.input, outputTokens: tokens.output };
}

/** Returns the differences between the metrics of calls and their spans. */
export function metricDifferences(
  spans: SpanSums,
  samples: ReadonlyMap<string, number>,
): readonly string[] {
  const measured = measuredIn(samples);
  const found: string[] = [];
  for (const metric of new Set(Object.values(counts))) {
    const [a, b] = [spans.others.get(metric) ?? 0, measured.others.get(metric) ?? 0];
    const ends = [{ end: `${metric} without an error`, a, b }];
    for (const end of new Set([...spans.failed.keys(), ...measured.failed.keys()])) {
      if (!end.startsWith(`${metric} `)) continue;
      ends.push({ end, a: spans.failed.get(end) ?? 0, b: measured.failed.get(end) ?? 0 });
    }
    const unmarked = spans.unmarked.get(metric) ?? 0;
    const more = ends.reduce((sum, { a, b }) => sum + Math.max(b - a, 0), 0);
    for (const { end, a, b } of ends) {
      if (b < a || (b > a && more > unmarked))
        found.push(`${end}: ${a} spans, ${b} measured, ${unmarked} spans without a mark`);
    }
  }
  if (spans.inputTokens !== measured.inputTokens) {
    found.push(`input tokens: ${spans.inputTokens} on spans, ${measured.inputTokens} measured`);
  }
  if (spans.outputTokens !== measured.outputTokens) {
    found.push(`output tokens: ${spans.outputTokens} on spans, ${measured.outputTokens} measured`);
  }
  return found;
}
