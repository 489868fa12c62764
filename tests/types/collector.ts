import {
  type CollectorHandlers,
  type CollectorOptions,
  collector,
  type Redact,
  type RedactedSpan,
} from "isotel/collector";
import { expectTrue, type Same } from "./expect.ts";

interface Env {
  readonly HONEYCOMB_API_KEY: string;
  readonly TELEMETRY_QUEUE: Queue;
  readonly TELEMETRY: DurableObjectNamespace;
  readonly TELEMETRY_KV: KVNamespace;
  readonly SCRAPE_TOKEN: string;
}

const handlers = collector((env: Env) => ({
  otlp: {
    backend: "honeycomb",
    apiKey: env.HONEYCOMB_API_KEY,
    sampleRatio: 0.5,
    tail: { slowMs: 500 },
  },
  metrics: {
    queue: env.TELEMETRY_QUEUE,
    aggregator: env.TELEMETRY,
    kv: env.TELEMETRY_KV,
    scrapeToken: env.SCRAPE_TOKEN,
    measuresAgain: false,
  },
  redact: (key, value, span) => {
    expectTrue<Same<typeof key, string>>();
    expectTrue<Same<typeof value, string>>();
    expectTrue<Same<typeof span, RedactedSpan>>();
    return key === "user.email" ? undefined : value;
  },
  exclude: ["internal"],
  flushDelayMs: 500,
}));
expectTrue<Same<typeof handlers, CollectorHandlers<Env>>>();

// What the runtime wants of a Worker.
const worker: ExportedHandler<Env> = handlers;
// Handlers of one's own beside it.
const composed: ExportedHandler<Env> = {
  ...handlers,
  fetch: (request, env, ctx) =>
    request.method === "POST" ? new Response() : handlers.fetch(request, env, ctx),
};
console.log(worker, composed);

expectTrue<Same<CollectorOptions["redact"], Redact | undefined>>();
collector(() => ({}));
// Of a Worker whose `env` is declared for all of its code.
collector((env) => {
  expectTrue<Same<typeof env, Cloudflare.Env>>();
  return {};
});
// @ts-expect-error options are a function of env
collector({ otlp: { backend: "honeycomb" } });
// @ts-expect-error there is no such backend
collector(() => ({ otlp: { backend: "newrelic" } }));
// @ts-expect-error names are texts
collector(() => ({ exclude: [/internal/] }));
// @ts-expect-error it answers with a text or nothing
collector(() => ({ redact: () => 7 }));
