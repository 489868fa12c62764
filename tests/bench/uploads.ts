// Minimal Workers that use one entry of the package, or the corresponding code of a peer, as wrangler uploads them.
import { execFile } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { promisify } from "node:util";
import { root } from "../harness/start.ts";

/** The code of a Worker. Its first request uses its imports. */
export interface UploadedWorker {
  readonly code: string;
  /** Budget in KiB after gzip, as `wrangler deploy` reports it. */
  readonly gzipKiB: number;
  /** The code of Workers with packages of tests/bench instead, by the name of the peer. */
  readonly peers?: Readonly<Record<string, string>>;
}

// No server listens on this port.
const exported = 'otlp: { backend: "custom", endpoint: "http://127.0.0.1:9" }';
const handler = "{ fetch: () => new Response() }";
const withTelemetry = `import { withTelemetry } from "isotel";`;
const metrics = `import { counter, defineMetrics } from "isotel/metrics";
const { orders } = defineMetrics({ orders: counter("orders") });
const handler = { fetch: () => (orders.add(1), new Response()) };
const queue = { send() {}, sendBatch() {} };
export default withTelemetry(handler, () => ({ metrics: { queue } }));`;
const ai = `import { wrapAISDK } from "isotel/ai";
const { generateText } = wrapAISDK({ generateText: async () => "text" });`;
const aiHandler = "{ fetch: async () => new Response(await generateText({ prompt: 'hello' })) }";
const aggregator = `export { TelemetryAggregator } from "isotel/aggregator";`;
const flue = `import { createOpenTelemetryObserver } from "isotel/flue";
const observe = createOpenTelemetryObserver();`;
const mcp = `import { traceMCPClient, traceMCPServer } from "isotel/mcp";`;
const gateway = `import { configureAIGateway } from "isotel/gateway";
const gateway = configureAIGateway({ provider: "compat" });`;

const openTelemetryTracer = `import { context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const tracer = new BasicTracerProvider().getTracer("bench");`;

/** By the name of the entry. */
export const uploadedWorkers: Readonly<Record<string, UploadedWorker>> = {
  tracer: {
    gzipKiB: 36,
    code: `import { tracer } from "isotel";
export default { fetch: () => tracer.withSpan("hello", {}, () => new Response()) };`,
    peers: {
      OpenTelemetry: `${openTelemetryTracer}
export default {
  fetch: () => tracer.startActiveSpan("hello", (span) => (span.end(), new Response())),
};`,
    },
  },
  withTelemetry: {
    gzipKiB: 46,
    code: `${withTelemetry} export default withTelemetry(${handler}, () => ({}));`,
  },
  ai: {
    gzipKiB: 54,
    code: `${ai} export default ${aiHandler};`,
    peers: {
      agents: `import { wrapAISDK } from "agents/observability/ai";
const { generateText } = wrapAISDK({ generateText: async () => "text" });
export default ${aiHandler};`,
      "@ai-sdk/otel": `${openTelemetryTracer}
import { OpenTelemetry } from "@ai-sdk/otel";
const integration = new OpenTelemetry({ tracer });
export default { fetch: () => new Response(typeof integration) };`,
    },
  },
  metrics: {
    gzipKiB: 50,
    code: `${withTelemetry} ${metrics}`,
    peers: {
      "prom-client": `import { Counter, Registry } from "prom-client";
const orders = new Counter({ name: "orders", help: "Orders.", registers: [new Registry()] });
export default { fetch: () => (orders.inc(), new Response()) };`,
      OpenTelemetry: `import { MeterProvider } from "@opentelemetry/sdk-metrics";
const orders = new MeterProvider().getMeter("bench").createCounter("orders");
export default { fetch: () => (orders.add(1), new Response()) };`,
    },
  },
  aggregator: {
    gzipKiB: 95,
    code: `${withTelemetry} ${metrics} ${aggregator}`,
  },
  otlp: {
    gzipKiB: 72,
    code: `${withTelemetry} import "isotel/otlp";
export default withTelemetry(${handler}, () => ({ ${exported} }));`,
  },
  collector: {
    gzipKiB: 80,
    code: `import { collector } from "isotel/collector";
export default collector(() => ({ ${exported} }));`,
  },
  mcp: {
    gzipKiB: 50,
    code: `import { traceMCPServer } from "isotel/mcp";
const server = { connect() {}, setRequestHandler() {} };
export default { fetch: () => new Response(typeof traceMCPServer(server)) };`,
  },
  gateway: {
    gzipKiB: 5,
    code: `${gateway} export default { fetch: () => Response.json(gateway) };`,
  },
  flue: {
    gzipKiB: 40,
    code: `${flue} export default { fetch: () => Response.json(observe.diagnostics()) };`,
  },
  opentelemetry: {
    // 38 KiB of the tracer, 8 KiB of the entry, and 8 KiB of @opentelemetry/api.
    gzipKiB: 54,
    code: `import { registerOpenTelemetry } from "isotel/opentelemetry";
import { trace } from "@opentelemetry/api";
registerOpenTelemetry();
const tracer = trace.getTracer("bench");
export default {
  fetch: () => tracer.startActiveSpan("hello", (span) => (span.end(), new Response())),
};`,
    peers: {
      OpenTelemetry: `${openTelemetryTracer}
export default {
  fetch: () => tracer.startActiveSpan("hello", (span) => (span.end(), new Response())),
};`,
    },
  },
  everything: {
    gzipKiB: 185,
    code: `${withTelemetry} ${ai} ${metrics} ${flue} ${mcp} ${gateway}
export { gateway, traceMCPClient, traceMCPServer, generateText, observe };
export * from "isotel"; export * from "isotel/metrics"; export * from "isotel/aggregator"; export * from "isotel/otlp";
export * from "isotel/collector";
import "isotel/otlp/metrics";`,
  },
};

/** The output of wrangler. */
export interface Upload {
  readonly gzipKiB: number;
  /** The folder with the script `index.js` and the modules it imports. */
  readonly folder: string;
}

const execute = promisify(execFile);

/**
 * Bundles a Worker as `wrangler deploy` does. Nothing is uploaded.
 *
 * @param isPeer whether its packages are those of tests/bench, and not the project's.
 */
export async function upload(name: string, code: string, isPeer = false): Promise<Upload> {
  const home = isPeer ? "tests/bench/node_modules/.uploads" : "build/bench/uploads";
  const folder = join(root, home, name.replace(/\W+/g, "_"));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "index.js"), code);
  const config = {
    name: "upload",
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
  return { gzipKiB: Number(kib), folder: join(folder, "out") };
}
