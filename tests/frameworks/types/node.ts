// Every entry, in a program for Node.
import { tracer, withTelemetry } from "isotel";
import * as aggregator from "isotel/aggregator";
import * as ai from "isotel/ai";
import { collector } from "isotel/collector";
import * as flue from "isotel/flue";
import * as gateway from "isotel/gateway";
import * as metrics from "isotel/metrics";
import * as otlp from "isotel/otlp";
import "isotel/otlp/metrics";

export const { visits } = metrics.defineMetrics({ visits: metrics.counter("visits") });
export const text: string = tracer.withSpan("work", {}, () => "worked");
export const handler: { fetch(): Response } = withTelemetry({ fetch: () => new Response() });
// An env without Workers types is what the options declare.
withTelemetry(handler, (env: { readonly KEY: string }) => ({
  otlp: { backend: "honeycomb", apiKey: env.KEY },
}));
// @ts-expect-error options are still checked
withTelemetry(handler, () => ({ otlp: { backend: 1 } }));
export const tails = collector(() => ({}));
export const traced: typeof fetch = otlp.traceFetch(fetch);
export { aggregator, ai, flue, gateway, otlp };
