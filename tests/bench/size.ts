// What a Worker carries: the modules themselves, and what each entry of the package adds to a bundle.
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { root } from "../../worker/harness/start.ts";
import { againstBudget, type Benchmark } from "./benchmark.ts";

/** Budgets of each module in bytes: as it is, and after gzip. */
const modules = {
  core: { raw: 60_000, gzip: 27_000 },
  aggregate: { raw: 96_000, gzip: 43_500 },
  otlp: { raw: 40_000, gzip: 17_000 },
  flue: { raw: 32_000, gzip: 13_500 },
} as const;

const handler = "{ fetch: () => new Response() }";
const metrics = `import { counter, defineMetrics } from "isotel/metrics";
const { orders } = defineMetrics({ orders: counter("orders") });
const handler = { fetch: () => (orders.add(1), new Response()) };
export default withTelemetry(handler, (env) => ({ metrics: { queue: env.QUEUE, aggregator: env.TOTALS } }));`;
const ai = `import { wrapAISDK } from "isotel/ai";
export const { generateText } = wrapAISDK({ generateText: async () => "text" });`;
const otlp = `import "isotel/otlp";
export default withTelemetry(${handler}, () => ({ otlp: { backend: "honeycomb", apiKey: "key" } }));`;
const flue = `import { createOpenTelemetryObserver } from "isotel/flue";
export const observer = createOpenTelemetryObserver();`;
const gateway = `import { configureAIGateway } from "isotel/gateway";
export const gateway = configureAIGateway({ provider: "compat" });`;
const aggregator = `export { TelemetryAggregator } from "isotel/metrics";`;
const withTelemetry = `import { withTelemetry } from "isotel";`;
const plain = `export default ${handler};`;

/** A Worker for each entry of the package, and its budget in KiB after gzip as `wrangler deploy` reports it. */
const entries = {
  tracer: {
    gzipKiB: 50,
    code: `import { tracer } from "isotel";
export default { fetch: () => tracer.withSpan("hello", {}, () => new Response()) };`,
  },
  withTelemetry: {
    gzipKiB: 68,
    code: `${withTelemetry} export default withTelemetry(${handler}, () => ({}));`,
  },
  ai: { gzipKiB: 78, code: `${ai} ${plain}` },
  metrics: { gzipKiB: 132, code: `${withTelemetry} ${metrics}` },
  aggregator: { gzipKiB: 142, code: `${withTelemetry} ${metrics} ${aggregator}` },
  otlp: { gzipKiB: 118, code: `${withTelemetry} ${otlp}` },
  collector: {
    gzipKiB: 124,
    code: `import { collector } from "isotel/collector";
export default collector(() => ({ otlp: { backend: "honeycomb", apiKey: "key" } }));`,
  },
  gateway: { gzipKiB: 5, code: `${gateway} ${plain}` },
  flue: { gzipKiB: 40, code: `${flue} ${plain}` },
  everything: {
    gzipKiB: 285,
    code: `${withTelemetry} ${ai} ${metrics} ${aggregator} ${flue} ${gateway}
export * from "isotel"; export * from "isotel/metrics"; export * from "isotel/otlp"; export * from "isotel/collector";
import "isotel/otlp/metrics";`,
  },
} as const;

const execute = promisify(execFile);

/** KiB after gzip of a Worker with this code, as it would be uploaded. Nothing is. */
async function uploadKiB(name: string, code: string): Promise<number> {
  const folder = join(root, "build/bench/size", name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "index.js"), code);
  const config = {
    name: "size",
    main: "index.js",
    compatibility_date: "2026-11-17",
    compatibility_flags: ["nodejs_compat"],
  };
  writeFileSync(join(folder, "wrangler.json"), JSON.stringify(config));
  const wrangler = join(root, "node_modules/.bin/wrangler");
  const { stdout } = await execute(wrangler, ["deploy", "--dry-run", "--outdir", "out"], {
    cwd: folder,
    env: { ...env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" },
  });
  const [, kib] = /gzip: ([\d.]+) KiB/.exec(stdout) ?? [];
  if (kib === undefined) throw new Error(`wrangler reports no size after gzip: ${stdout}`);
  return Number(kib);
}

export const benchmarks: readonly Benchmark[] = [
  ...Object.entries(modules).flatMap(([name, { raw, gzip }]): Benchmark[] => {
    const read = () => readFileSync(join(root, `dist/wasm/${name}.wasm`));
    const gzipBytes = () => gzipSync(read(), { level: 9 }).length;
    return [
      sizeOf(`size.${name}.raw`, "bytes", raw, async () => read().length),
      sizeOf(`size.${name}.gzip`, "bytes", gzip, async () => gzipBytes()),
    ];
  }),
  ...Object.entries(entries).map(([name, { gzipKiB, code }]) =>
    sizeOf(`size.worker.${name}`, "KiB", gzipKiB, () => uploadKiB(name, code)),
  ),
];

function sizeOf(
  id: string,
  unit: Benchmark["unit"],
  budget: number,
  measure: () => Promise<number>,
): Benchmark {
  return {
    id,
    unit,
    goal: { ours: budget },
    run: async () => [againstBudget(await measure(), budget)],
  };
}
