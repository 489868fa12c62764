import { env } from "cloudflare:workers";
import { withTelemetry } from "isotel";
import { TelemetryAggregator } from "isotel/aggregator";
import { counter, defineMetrics, histogram } from "isotel/metrics";
import { answer, modelOf, textParts } from "../ai_sdk/models.ts";
import { sdks } from "../ai_sdk/sdk.ts";

export { TelemetryAggregator };

interface Env {
  readonly TELEMETRY: DurableObjectNamespace;
  /** When the Worker defines its metrics: as its modules are loaded, or when it is asked to. */
  readonly DEFINED: "import" | "later";
}

const said: string[] = [];
console.error = console.warn = (...parts: unknown[]): void => {
  said.push(parts.map(String).join(" "));
};

/** One metric with a name of its own, and others with names of built-in ones, spelled the same or nearly so. */
const define = () =>
  defineMetrics({
    orders: counter("orders"),
    requests: histogram("http.server.request.duration", {
      unit: "s",
      bounds: [0.1, 1],
      labels: ["method"],
    }),
    tokens: counter("gen_ai_client_inference_usage_output_tokens", { labels: ["team"] }),
    calls: counter("gen_ai.client.inference.duration"),
  });

let metrics = (env as unknown as Env).DEFINED === "import" ? define() : undefined;

export default withTelemetry(
  {
    async fetch(request: Request): Promise<Response> {
      const { pathname } = new URL(request.url);
      if (pathname === "/define") metrics = define();
      if (pathname === "/generate") {
        await sdks["v7"]?.generateText({ model: modelOf(() => answer(textParts(5))) });
      }
      if (pathname === "/record") {
        metrics?.orders.add();
        metrics?.requests.record(0.5, { method: "GET" });
        metrics?.tokens.add(1000, { team: "blue" });
        metrics?.calls.add();
      }
      return Response.json(said);
    },
  },
  (env: Env) => ({
    metrics: {
      aggregator: env.TELEMETRY,
      public: true,
      source: "durable-object",
      flushIntervalMs: 200,
    },
  }),
);
