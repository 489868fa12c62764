import type { TelemetryAggregatorOptions } from "isotel/aggregator";
import { consumeTelemetry, metricsResponse, TelemetryAggregator } from "isotel/aggregator";

interface Env {
  readonly TELEMETRY: DurableObjectNamespace;
  readonly SHORT: DurableObjectNamespace;
  readonly SMALL: DurableObjectNamespace;
}

/** What isotel has logged in this isolate. */
const said: string[] = [];
console.error = (...parts: unknown[]): void => {
  said.push(parts.map(String).join(" "));
};

class Aggregator extends TelemetryAggregator {
  exec(query: string): unknown[] {
    return this.ctx.storage.sql.exec(query).toArray();
  }
}

export class Telemetry extends Aggregator {}

/** Series expire after a second. */
export class ShortLived extends Aggregator {
  static override options: TelemetryAggregatorOptions = { seriesExpiryMs: 1_000 };
}

/** There is room for three series. */
export class Small extends Aggregator {
  static override options: TelemetryAggregatorOptions = {
    maxSeries: 3,
    seriesExpiryMs: Number.POSITIVE_INFINITY,
  };
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const aggregator = env[(searchParams.get("of") ?? "TELEMETRY") as keyof Env];
    const shards = Number(searchParams.get("shards") ?? 1);
    if (pathname === "/said") return Response.json(said);
    if (pathname === "/apply") {
      const frames = (await request.json()) as string[];
      const messages = frames.map((frame) => ({
        body: Uint8Array.from(atob(frame), (c) => c.charCodeAt(0)),
        attempts: 1,
        ack: () => {},
        retry: () => said.push("retried"),
      }));
      const batch = { queue: "telemetry", messages } as unknown as MessageBatch;
      await consumeTelemetry(batch, { aggregator, shards });
      return new Response("applied");
    }
    if (pathname === "/drop") {
      const stub = aggregator.get(aggregator.idFromName("isotel-0")) as unknown as {
        drop(name: unknown): Promise<number>;
      };
      const removed = stub.drop(await request.json());
      return new Response(String(await removed.catch((cause) => cause)));
    }
    if (pathname === "/exec") {
      const stub = aggregator.get(aggregator.idFromName("isotel-0")) as unknown as {
        exec(query: string): Promise<unknown>;
      };
      return Response.json(await stub.exec(searchParams.get("query") ?? ""));
    }
    const adminToken = searchParams.get("admin") ?? "";
    return metricsResponse(request, { aggregator, shards, public: true, adminToken });
  },
};
