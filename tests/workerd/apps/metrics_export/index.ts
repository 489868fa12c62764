import "isotel/otlp/metrics";
import {
  metricsResponse,
  TelemetryAggregator,
  type TelemetryAggregatorOptions,
} from "isotel/aggregator";

interface Env {
  readonly EXPORTING: DurableObjectNamespace<Exporting>;
  readonly PATIENT: DurableObjectNamespace<Patient>;
  readonly BROKEN_KV: DurableObjectNamespace<BrokenKv>;
  readonly REFUSED: DurableObjectNamespace<Refused>;
  readonly TELEMETRY_KV: KVNamespace;
  readonly PATIENT_KV: KVNamespace;
  /** Addresses of receivers: of totals, and of what came since. */
  readonly TOTALS: string;
  readonly CHANGES: string;
}

const totals = (env: Env, timeoutMs: number) => ({
  backend: "custom" as const,
  endpoint: env.TOTALS,
  timeoutMs,
});

class Crashing extends TelemetryAggregator {
  /** Ends this life at once, whatever it is at. */
  crash(): void {
    this.ctx.abort("crash");
  }
}

/** Sends both kinds, the second in small requests. */
export class Exporting extends Crashing {
  static override options: TelemetryAggregatorOptions = {
    otlp: (env: Env) => ({
      backends: [
        totals(env, 700),
        {
          backend: "custom",
          endpoint: env.CHANGES,
          temporality: "delta",
          maxBytes: 4_000,
          timeoutMs: 700,
        },
      ],
      serviceName: "shop",
      intervalMs: 1_000,
    }),
  };
}

/** Waits long for a backend that does not answer. */
export class Patient extends Crashing {
  static override options: TelemetryAggregatorOptions = {
    kv: "PATIENT_KV",
    otlp: (env: Env) => ({ ...totals(env, 20_000), serviceName: "patient", intervalMs: 1_000 }),
  };
}

/** Publishes nowhere. */
export class BrokenKv extends TelemetryAggregator {
  static override options: TelemetryAggregatorOptions = {
    otlp: (env: Env) => ({ ...totals(env, 700), serviceName: "broken", intervalMs: 1_000 }),
  };

  constructor(ctx: DurableObjectState, env: Env) {
    const put = () => Promise.reject(new Error("broken"));
    super(ctx, { ...env, TELEMETRY_KV: { put } });
  }
}

/** Has a backend that takes no metrics. */
export class Refused extends TelemetryAggregator {
  static override options: TelemetryAggregatorOptions = {
    otlp: () => ({ backend: "sentry", dsn: "https://key@sentry.example/1" }),
  };
}

interface Stub {
  apply(frames: Uint8Array[]): Promise<number[]>;
  exportCounts(): Promise<unknown>;
  crash(): Promise<void>;
}

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, "base64"));

/** As any namespace: the types of stubs are too deep for what is asked of them here. */
function namespaceOf(env: Env, { searchParams }: URL): DurableObjectNamespace {
  const namespaces: Readonly<Record<string, unknown>> = {
    EXPORTING: env.EXPORTING,
    PATIENT: env.PATIENT,
    BROKEN_KV: env.BROKEN_KV,
    REFUSED: env.REFUSED,
  };
  return namespaces[searchParams.get("class") ?? "EXPORTING"] as DurableObjectNamespace;
}

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const aggregator = namespaceOf(env, url);
    const byName = aggregator as unknown as { getByName(name: string): Stub };
    const stub = byName.getByName(url.searchParams.get("object") ?? "isotel-0");
    switch (url.pathname) {
      case "/apply": {
        const frames = await request.json<string[]>();
        return Response.json(await stub.apply(frames.map(bytesOf)));
      }
      case "/crash":
        await stub.crash().catch(() => {});
        return new Response();
      case "/counts":
        return Response.json(await stub.exportCounts());
      default: {
        const isDirect = url.searchParams.has("direct");
        return metricsResponse(request, {
          kv: url.searchParams.get("class") === "PATIENT" ? env.PATIENT_KV : env.TELEMETRY_KV,
          aggregator,
          public: true,
          source: isDirect ? "durable-object" : "kv",
        });
      }
    }
  },
} satisfies ExportedHandler<Env>;
