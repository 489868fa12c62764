import { setTimeout as sleep } from "node:timers/promises";
import type { LocalWorker } from "../harness/start.ts";
import { scrapeToken } from "./environment.ts";

/** One sample of a scrape: its name with labels as the exposition has it. */
export interface Sample {
  readonly series: string;
  readonly value: number;
}

/** What `/metrics` has to show after the scenarios, before the demo is content. */
const expected: readonly (readonly [series: RegExp, sum: number])[] = [
  [/^gen_ai_client_inference_duration_seconds_count\{/, 11],
  [/^gen_ai_invoke_agent_duration_seconds_count\{/, 4],
  [/^gen_ai_execute_tool_duration_seconds_count\{/, 7],
  [/^http_server_request_duration_seconds_count\{/, 4 + 2],
  [/^confidence_resolves_total\{/, 2],
];

/** Families that are shown: what the program did, without what telemetry tells of itself. */
const shown = /^(gen_ai_|http_server_|confidence_)/;
const patienceMs = 20_000;

/** Resolves two flags, waits until everything has reached `/metrics` and answers what it shows. */
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
  return text
    .split("\n")
    .filter((line) => shown.test(line) && !line.includes("_bucket{"))
    .map((line) => {
      const at = line.lastIndexOf(" ");
      return { series: line.slice(0, at), value: Number(line.slice(at + 1)) };
    });
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

/** A line for each sample, values in a column of their own. */
export function drawSamples(samples: readonly Sample[]): string {
  const texts = samples.map(({ value }) => String(Number(value.toPrecision(6))));
  const width = Math.max(0, ...texts.map(({ length }) => length));
  return samples
    .map(({ series }, index) => `${(texts[index] ?? "").padStart(width)}  ${series}`)
    .join("\n");
}
