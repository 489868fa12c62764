// Runs the reference Worker in workerd, sends requests to it, and prints the spans that the runtime reports and the
// metrics that the Worker serves.
import { Console } from "node:console";
import { parseArgs } from "node:util";
import type { Span } from "../../tests/harness/spans.ts";
import { type LocalWorker, startWorkers, type WorkerConfig } from "../../tests/harness/start.ts";
import { buildTree, walk } from "../../tests/harness/tree.ts";
import { demoConfig, runtimeVersions, type WasmSize, wasmSize } from "./environment.ts";
import { problemsIn } from "./expectations.ts";
import { measure, programSamples, type Sample, summarize } from "./metrics.ts";
import { drawNextSteps, drawSpans, drawSummary, heading, withoutMetrics } from "./report.ts";
import { type Scenario, scenarios } from "./scenarios.ts";

const usage = `Usage: npm run demo -- [--json] [--help]

Starts the reference Worker in workerd on the loopback interface, asks it four questions, receives the spans of
each through a streaming tail and prints them as trees; then resolves two flags, scrapes /metrics and prints it in
short. No key and no network are needed.

  --json   print {spans, metrics, wasm, runtime} as JSON on standard output, and nothing else
  --help   print this

Exit codes: 0 every expected span and metric arrived; 1 some did not, or the Worker could not run; 2 wrong usage.
`;

const timeLimitMs = 60_000;

interface ScenarioResult {
  readonly spans: readonly Span[];
  readonly problems: readonly string[];
}

async function play(worker: LocalWorker, scenario: Scenario): Promise<ScenarioResult> {
  try {
    const response = await worker.fetch(scenario.path, { signal: AbortSignal.timeout(10_000) });
    const body = await response.text();
    const spans = await worker.takeSpans({ invocations: scenario.invocations });
    const problems = problemsIn(spans, scenario.expectations);
    if (!response.ok) {
      problems.unshift(`The Worker answered with status ${response.status}: ${body.trim()}`);
    }
    return { spans, problems };
  } catch (error) {
    return { spans: [], problems: [error instanceof Error ? error.message : String(error)] };
  }
}

function showJson(spans: readonly Span[], samples: readonly Sample[], wasm: WasmSize): void {
  const metrics = Object.fromEntries(
    programSamples(samples).map(({ series, value }) => [series, value]),
  );
  const shown = spans.map(
    ({ name, spanId, parentSpanId, traceId, durationMs, status, attributes }) => ({
      name,
      spanId,
      parentSpanId: parentSpanId ?? null,
      traceId,
      durationMs,
      status,
      attributes,
    }),
  );
  const output = { spans: shown, metrics, wasm, runtime: runtimeVersions() };
  process.stdout.write(`${JSON.stringify(output, null, 2)}\n`);
}

async function demo(worker: LocalWorker, config: WorkerConfig, isJson: boolean): Promise<number> {
  const wasm = wasmSize();
  const all: Span[] = [];
  let shownCount = 0;
  let problemCount = 0;
  if (!isJson) {
    const { workerd, ai } = runtimeVersions();
    const size = `${kilobytes(wasm.bytes)} (${kilobytes(wasm.gzipBytes)} gzip)`;
    process.stdout.write(`workerd ${workerd}, ai ${ai}, core.wasm ${size}\n`);
  }
  for (const scenario of scenarios) {
    const { spans, problems } = await play(worker, scenario);
    all.push(...parentsFirst(spans));
    problemCount += problems.length;
    if (!isJson) {
      const shown = withoutMetrics(spans, config["queues"]?.producers ?? []);
      shownCount += shown.length;
      process.stdout.write(`\n${heading(scenario.title)}\n`);
      process.stdout.write(shown.length === 0 ? "no spans\n" : `${drawSpans(shown)}\n`);
    }
    for (const problem of problems) {
      process.stderr.write(`${scenario.title}: ${problem}\n`);
    }
  }
  const { samples, problems } = await measure(worker);
  for (const problem of problems) process.stderr.write(`/metrics: ${problem}\n`);
  problemCount += problems.length;
  if (isJson) {
    showJson(all, samples, wasm);
  } else {
    const summary = drawSummary(summarize(samples));
    process.stdout.write(`\n${heading("What /metrics shows, in short")}\n${summary}\n`);
    if (problemCount === 0) {
      process.stdout.write(
        `\n${shownCount} spans of ${scenarios.length} requests arrived, all that were expected.\n`,
      );
    }
    process.stdout.write(`\n${heading("What to try next")}\n${drawNextSteps()}\n`);
  }
  return problemCount === 0 ? 0 : 1;
}

function parentsFirst(spans: readonly Span[]): Span[] {
  return buildTree(spans).flatMap((tree) => [...walk(tree)].map((node) => node.span));
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}

async function main(): Promise<number> {
  let options: { json?: boolean; help?: boolean };
  try {
    const known = { json: { type: "boolean" }, help: { type: "boolean" } } as const;
    options = parseArgs({ options: known }).values;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  // Standard output is for the report only. The logs of libraries go to standard error.
  globalThis.console = new Console(process.stderr, process.stderr);
  wasmSize();
  let worker: LocalWorker | undefined;
  const stop = async (code: number) => {
    setTimeout(() => process.exit(code), 2_000).unref();
    await worker?.close().catch(() => {});
    process.exit(code);
  };
  process.once("SIGINT", () => stop(130)).once("SIGTERM", () => stop(143));
  const watchdog = setTimeout(() => {
    process.stderr.write(`The demo did not finish within ${timeLimitMs / 1_000} s.\n`);
    void stop(1);
  }, timeLimitMs).unref();
  try {
    const config = demoConfig();
    worker = await startWorkers([config]);
    return await demo(worker, config, options.json === true);
  } finally {
    clearTimeout(watchdog);
    await worker?.close().catch(() => {});
  }
}

// A reader such as `head` may close the pipe early. This is not an error.
process.stdout.on("error", () => process.exit(1));

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
