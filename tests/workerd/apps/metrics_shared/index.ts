import { DurableObject } from "cloudflare:workers";
import { generateText } from "ai";
import { withTelemetry } from "isotel";
import { TelemetryAggregator } from "isotel/aggregator";
import { wrapAISDK } from "isotel/ai";
import { counter, defineMetrics, histogram } from "isotel/metrics";
import { answer, modelOf, textParts } from "../ai_sdk/models.ts";

export { TelemetryAggregator };

/** One of several Workers that share an aggregator. */
interface Env {
  readonly TELEMETRY: DurableObjectNamespace;
  readonly ROOM: DurableObjectNamespace<RoomClass>;
  readonly LABELS: Record<string, string>;
  readonly VALUES: number;
}

/** What isotel has said. */
const said: string[] = [];
console.error = console.warn = (...parts: unknown[]): void => {
  said.push(parts.map(String).join(" "));
};

const labels = ["plan"] as const;
const metrics = defineMetrics({
  visits: counter("visits"),
  orders: counter("orders", {
    labels,
    maxLabelSets: 2,
    zeros: [{ plan: "pro" }, { plan: "free" }],
  }),
  size: histogram("size", { bounds: [1, 2], labels, zeros: [{ plan: "pro" }] }),
  rooms: counter("rooms"),
});

const options = (env: Env) => ({
  metrics: {
    aggregator: env.TELEMETRY,
    public: true,
    source: "durable-object" as const,
    flushIntervalMs: 200,
    constantLabels: env.LABELS,
    maxLabelValues: env.VALUES,
    route: (request: Request) => new URL(request.url).pathname,
  },
});

class RoomClass extends DurableObject<Env> {
  async enter(): Promise<string> {
    metrics.rooms.add(1);
    return "entered";
  }
}
export const Room = withTelemetry(RoomClass, options);

const ai = wrapAISDK({ generateText });

async function answerTo(url: URL, env: Env): Promise<unknown> {
  switch (url.pathname) {
    case "/said":
      return said;
    case "/order":
      metrics.orders.add(1, { plan: url.searchParams.get("plan") ?? "" });
      return "ordered";
    case "/ask":
      return (
        await ai.generateText({ model: modelOf(() => answer(textParts(1))), prompt: "hello" })
      ).text;
    case "/enter":
      return env.ROOM.getByName("room").enter();
    default:
      return "nothing";
  }
}

export default withTelemetry(
  {
    async fetch(request, env): Promise<Response> {
      return Response.json(await answerTo(new URL(request.url), env));
    },
  } satisfies ExportedHandler<Env>,
  options,
);
