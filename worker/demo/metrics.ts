import { setTimeout as sleep } from "node:timers/promises";
import type { LocalWorker } from "../../tests/harness/start.ts";
import { scrapeToken } from "./environment.ts";

/** One sample of a scrape. */
export interface Sample {
  /** The name with its labels, as in the exposition. */
  readonly series: string;
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** The sums that `/metrics` must show after the scenarios. */
const expected: readonly (readonly [series: RegExp, sum: number])[] = [
  [/^gen_ai_client_inference_duration_seconds_count\{/, 11],
  [/^gen_ai_invoke_agent_duration_seconds_count\{/, 4],
  [/^gen_ai_execute_tool_duration_seconds_count\{/, 7],
  [/^http_server_request_duration_seconds_count\{/, 4 + 2],
  [/^confidence_resolves_total\{/, 2],
];

const patienceMs = 20_000;

/** Resolves two flags, waits until `/metrics` shows all expected sums and returns its samples. */
export async function measure(
  worker: LocalWorker,
): Promise<{ readonly samples: readonly Sample[]; readonly problems: readonly string[] }> {
  for (const flag of ["new-checkout", "no-such-flag"]) {
    const path = `/resolve?flag=${flag}&country=PT&targeting_key=visitor`;
    await (await worker.fetch(path)).text();
  }
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const samples = await scrape(worker);
    const problems = missingIn(samples);
    if (problems.length === 0 || Date.now() > deadline) return { samples, problems };
    await sleep(250);
  }
}

async function scrape(worker: LocalWorker): Promise<Sample[]> {
  const headers = { authorization: `Bearer ${scrapeToken}` };
  const response = await worker.fetch("/metrics", { headers });
  const text = await response.text();
  if (!response.ok) throw new Error(`/metrics answered with status ${response.status}: ${text}`);
  return parseSamples(text);
}

/** Returns the samples of an exposition in the Prometheus text format. Label values must not contain quotes. */
export function parseSamples(text: string): Sample[] {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => {
    const at = line.lastIndexOf(" ");
    const series = line.slice(0, at);
    const labels = new Map(
      Array.from(series.matchAll(/(\w+)="([^"]*)"/g), ([, key = "", value = ""]) => [key, value]),
    );
    return { series, name: series.replace(/\{.*/, ""), labels, value: Number(line.slice(at + 1)) };
  });
}

/** Returns the samples of the program, without buckets and without metrics of isotel. */
export function programSamples(samples: readonly Sample[]): Sample[] {
  return samples.filter(
    ({ name }) => /^(gen_ai_|http_server_|confidence_)/.test(name) && !name.endsWith("_bucket"),
  );
}

function missingIn(samples: readonly Sample[]): string[] {
  return expected.flatMap(([pattern, wanted]) => {
    const found = samples
      .filter(({ series }) => pattern.test(series))
      .reduce((sum, { value }) => sum + value, 0);
    if (found === wanted) return [];
    const family = pattern.source.replace(/^\^|\\\{$/g, "");
    return [`${family} is ${found} in all, not ${wanted}.`];
  });
}

/** One line of the summary: an operation with its count, latency and details. */
export interface SummaryRow {
  readonly what: string;
  readonly count: number | undefined;
  /** Seconds. Undefined if the operation has no latency. */
  readonly p50: number | undefined;
  readonly p95: number | undefined;
  readonly details: readonly string[];
}

/** Summarizes the metrics: a row for each model, agent, tool and route, and one for the flags. */
export function summarize(samples: readonly Sample[]): SummaryRow[] {
  return [
    ...models(samples),
    ...operations(samples, "gen_ai_invoke_agent", "gen_ai_agent_name", "invoke_agent", (agent) => [
      `${sumOf(samples, "gen_ai_invoke_agent_inference_calls_sum", agent)} model calls`,
      `${sumOf(samples, "gen_ai_invoke_agent_tool_calls_sum", agent)} tool calls`,
    ]),
    ...operations(samples, "gen_ai_execute_tool", "gen_ai_tool_name", "execute_tool"),
    // These durations end when the handler settles. The durations in the span trees end with the last byte of the
    // response.
    ...operations(samples, "http_server_request", "http_route", "GET", () => ["without its body"]),
    ...resolves(samples),
  ];
}

type Labels = Readonly<Record<string, string>>;

function models(samples: readonly Sample[]): SummaryRow[] {
  const label = "gen_ai_request_model";
  const inference = "gen_ai_client_inference";
  return operations(samples, inference, label, "chat").flatMap((row) => {
    const model = { [label]: row.what.replace("chat ", "") };
    const tokens = (kind: string) => sumOf(samples, `${inference}_usage_${kind}_total`, model);
    const first = latency(samples, `${inference}_time_to_first_chunk_seconds`, model);
    const cost = sumOf(samples, "isotel_gen_ai_cost_USD_total", model);
    const untimed = { count: undefined, p50: undefined, p95: undefined };
    const used = [
      `${tokens("input_tokens")} in (${tokens("cache_read_input_tokens")} cached)`,
      `${tokens("output_tokens")} out (${tokens("reasoning_output_tokens")} reasoning)`,
    ];
    return [
      row,
      ...(first.count > 0 ? [{ what: "  first chunk", ...first, details: [] }] : []),
      { what: "  tokens", ...untimed, details: used },
      ...(cost > 0 ? [{ what: "  cost", ...untimed, details: [`${cost.toFixed(4)} USD`] }] : []),
    ];
  });
}

/** Returns a row for each value of a label, with its errors. */
function operations(
  samples: readonly Sample[],
  family: string,
  label: string,
  verb: string,
  describe: (labels: Labels) => readonly string[] = () => [],
): SummaryRow[] {
  const histogram = `${family}_duration_seconds`;
  const values = new Set(
    samples.filter(({ name }) => name === `${histogram}_count`).map((one) => one.labels.get(label)),
  );
  return [...values].sort().flatMap((value) => {
    if (value === undefined) return [];
    const labels = { [label]: value };
    const errors = countsBy(samples, `${histogram}_count`, "error_type", labels);
    const details = [...describe(labels), ...errors];
    return [{ what: `${verb} ${value}`, ...latency(samples, histogram, labels), details }];
  });
}

function resolves(samples: readonly Sample[]): SummaryRow[] {
  const name = "confidence_resolves_total";
  const details = countsBy(samples, name, "reason");
  const count = sumOf(samples, name);
  return count === 0
    ? []
    : [{ what: "flags resolved", count, p50: undefined, p95: undefined, details }];
}

function countsBy(
  samples: readonly Sample[],
  name: string,
  label: string,
  labels: Labels = {},
): string[] {
  return select(samples, name, labels).flatMap((sample) => {
    const value = sample.labels.get(label);
    return value === undefined ? [] : [`${sample.value} ${value}`];
  });
}

function select(samples: readonly Sample[], name: string, labels: Labels): Sample[] {
  return samples.filter(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([key, value]) => sample.labels.get(key) === value),
  );
}

function sumOf(samples: readonly Sample[], name: string, labels: Labels = {}): number {
  return select(samples, name, labels).reduce((sum, { value }) => sum + value, 0);
}

function latency(samples: readonly Sample[], histogram: string, labels: Labels) {
  const counts = new Map<number, number>();
  for (const { labels: own, value } of select(samples, `${histogram}_bucket`, labels)) {
    const bound = Number((own.get("le") ?? "").replace("+Inf", "Infinity"));
    counts.set(bound, (counts.get(bound) ?? 0) + value);
  }
  const buckets = [...counts].sort(([a], [b]) => a - b);
  return {
    count: sumOf(samples, `${histogram}_count`, labels),
    p50: quantile(0.5, buckets),
    p95: quantile(0.95, buckets),
  };
}

/**
 * Estimates a quantile by linear interpolation within a bucket, as `histogram_quantile` of PromQL does.
 *
 * @param buckets upper bounds in ascending order, the last one infinite, with cumulative counts.
 * @returns undefined if the count is 0.
 */
export function quantile(
  q: number,
  buckets: readonly (readonly [upperBound: number, cumulativeCount: number])[],
): number | undefined {
  const total = buckets.at(-1)?.[1] ?? 0;
  if (total === 0) return undefined;
  const rank = q * total;
  let lower = 0;
  let below = 0;
  for (const [upper, cumulative] of buckets) {
    if (cumulative >= rank) {
      // The last bucket has no upper bound to interpolate to.
      if (upper === Number.POSITIVE_INFINITY) return lower;
      return lower + ((upper - lower) * (rank - below)) / (cumulative - below);
    }
    lower = upper;
    below = cumulative;
  }
  return lower;
}
