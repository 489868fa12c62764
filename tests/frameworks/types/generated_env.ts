// Handlers and classes that declare no env, in a project with the declarations of `wrangler types`.
import { DurableObject } from "cloudflare:workers";
import { withTelemetry } from "isotel";
import { collector } from "isotel/collector";

withTelemetry({ fetch: () => new Response() }, (env) => ({
  metrics: { queue: env.TELEMETRY_QUEUE, aggregator: env.TELEMETRY, kv: env.TELEMETRY_KV },
}));
withTelemetry(class extends DurableObject {}, (env) => ({
  metrics: { queue: env.TELEMETRY_QUEUE },
}));
withTelemetry({ fetch: () => new Response() }, (env: Env) => ({
  metrics: { queue: env.TELEMETRY_QUEUE },
}));
collector((env) => ({ metrics: { queue: env.TELEMETRY_QUEUE } }));
// @ts-expect-error there is no such binding
withTelemetry({ fetch: () => new Response() }, (env) => ({ metrics: { queue: env.MISSING } }));
// @ts-expect-error an env that is not the Worker's
withTelemetry({ fetch: () => new Response() }, (env: { readonly MISSING: Queue }) => ({
  metrics: { queue: env.MISSING },
}));

export { TelemetryAggregator } from "isotel/aggregator";
