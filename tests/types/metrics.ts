import { tracer, withTelemetry } from "isotel";
import { TelemetryAggregator } from "isotel/aggregator";
import {
  type BoundCounter,
  type BoundHistogram,
  type Counter,
  counter,
  defineMetrics,
  exponentialBounds,
  exponentialHistogram,
  type Gauge,
  gauge,
  type Histogram,
  histogram,
  linearBounds,
  perDecadeBounds,
} from "isotel/metrics";
import { expectTrue, type Same } from "./expect.ts";

const metrics = defineMetrics({
  orders: counter("shop_orders", { help: "Orders.", labels: ["plan", "region"] as const }),
  paid: counter("shop_paid", { labels: ["plan"] }),
  visits: counter("shop_visits"),
  described: counter("shop_described", { help: "No labels." }),
  load: gauge("shop_load", { aggregate: "sum" }),
  rooms: gauge("shop_rooms", { labels: ["floor"] }),
  size: histogram("shop_size", { bounds: [1, 2], labels: ["plan"] }),
  wait: exponentialHistogram("shop_wait", { unit: "s", schema: 4 }),
});

// Label sets that are shown at 0 are typed by the labels, and do not decide about them.
const zeros = defineMetrics({
  known: counter("known", { labels: ["plan"], zeros: [{ plan: "pro" }, { plan: 1 }] }),
  sized: histogram("sized", { bounds: [1], zeros: [{ plan: "pro" }], labels: ["plan"] }),
  // @ts-expect-error a label is missing
  short: counter("short", { labels: ["plan", "region"], zeros: [{ plan: "pro" }] }),
  // @ts-expect-error there is no such label
  wrong: exponentialHistogram("wrong", { labels: ["plan"], zeros: [{ plan: "pro", city: "x" }] }),
  // @ts-expect-error a gauge has no zeros
  set: gauge("set", { labels: ["plan"], zeros: [{ plan: "pro" }] }),
});
expectTrue<Same<typeof zeros.known, Counter<"plan">>>();
expectTrue<Same<typeof zeros.sized, Histogram<"plan">>>();

// What a metric is follows from its definition.
expectTrue<Same<typeof metrics.orders, Counter<"plan" | "region">>>();
expectTrue<Same<typeof metrics.paid, Counter<"plan">>>();
expectTrue<Same<typeof metrics.visits, BoundCounter>>();
expectTrue<Same<typeof metrics.described, BoundCounter>>();
expectTrue<Same<typeof metrics.rooms, Gauge<"floor">>>();
expectTrue<Same<typeof metrics.size, Histogram<"plan">>>();
expectTrue<Same<typeof metrics.wait, BoundHistogram>>();

// Labels are typed: all of them, and no others.
metrics.orders.add(1, { plan: "pro", region: "eu" });
metrics.orders.add(undefined, { plan: 1, region: true });
// @ts-expect-error a label is missing
metrics.orders.add(1, { plan: "pro" });
// @ts-expect-error there is no such label
metrics.orders.add(1, { plan: "pro", region: "eu", city: "x" });
// @ts-expect-error the labels are missing
metrics.orders.add(1);
// @ts-expect-error a label is no object
metrics.orders.add(1, { plan: {}, region: "eu" });
// @ts-expect-error a label is not undefined
metrics.orders.add(1, { plan: undefined, region: "eu" });
// @ts-expect-error a value is a number
metrics.orders.add("1", { plan: "pro", region: "eu" });
// @ts-expect-error a counter is not set
metrics.orders.set(1, { plan: "pro", region: "eu" });
// @ts-expect-error there are no labels
metrics.visits.add(1, { plan: "pro" });
metrics.visits.add();
metrics.visits.add(2);

// Bound handles take no labels any more.
const bound = metrics.orders.bind({ plan: "pro", region: "eu" });
expectTrue<Same<typeof bound, BoundCounter>>();
bound.add(2);
// @ts-expect-error a label is missing
metrics.orders.bind({ plan: "pro" });
// @ts-expect-error nothing is left to bind
bound.bind({});

metrics.load.set(1);
metrics.load.add(-1);
metrics.rooms.set(1, { floor: 2 });
// @ts-expect-error a gauge is set to a value
metrics.rooms.set({ floor: 2 });
metrics.size.record(1, { plan: "pro" });
metrics.size.bind({ plan: "pro" }).record(1);
metrics.wait.record(0.1);
// @ts-expect-error a histogram records
metrics.wait.add(1);

// Exemplars are ids or a span.
metrics.wait.record(0.1, { traceId: "", spanId: "" });
tracer.withSpan("work", {}, (span) => {
  metrics.wait.record(0.1, span);
  metrics.orders.add(1, { plan: "pro", region: "eu" }, span);
});
// @ts-expect-error an exemplar has a span
metrics.wait.record(0.1, { traceId: "" });

// Options.
histogram("a", { bounds: linearBounds(0, 1, 10) });
histogram("a", { bounds: exponentialBounds(1, 2, 10) });
histogram("a", { bounds: perDecadeBounds(0, 3, 2), maxLabelSets: 10, unit: "s" });
// @ts-expect-error a histogram has bounds
histogram("a", {});
// @ts-expect-error a histogram has bounds
histogram("a");
// @ts-expect-error there is no such aggregation
gauge("a", { aggregate: "average" });
// @ts-expect-error a counter has no bounds
counter("a", { bounds: [1] });
// @ts-expect-error a name is a text
counter(1);
// @ts-expect-error that is no metric
defineMetrics({ a: "shop_orders" });

// The options of a Worker are typed by its own env.
interface Env {
  readonly TELEMETRY_QUEUE: Queue;
  readonly TELEMETRY: DurableObjectNamespace<TelemetryAggregator>;
  readonly TELEMETRY_KV: KVNamespace;
  readonly SCRAPE_TOKEN: string;
}
const handler = {
  async fetch(_request: Request, _env: Env): Promise<Response> {
    return new Response();
  },
} satisfies ExportedHandler<Env>;
const wrapped = withTelemetry(handler, (env) => ({
  metrics: {
    queue: env.TELEMETRY_QUEUE,
    aggregator: env.TELEMETRY,
    kv: env.TELEMETRY_KV,
    scrapeToken: env.SCRAPE_TOKEN,
    source: "kv",
    route: ({ url }) => url,
  },
}));
expectTrue<Same<typeof wrapped, typeof handler>>();
// @ts-expect-error there is no such binding
withTelemetry(handler, (env) => ({ metrics: { queue: env.MISSING } }));
// @ts-expect-error a queue is no namespace
withTelemetry(handler, (env) => ({ metrics: { kv: env.TELEMETRY_QUEUE } }));
// @ts-expect-error there is no such option
withTelemetry(handler, () => ({ metric: {} }));
// @ts-expect-error options are made from env
withTelemetry(handler, { metrics: {} });
// An env that the handler does not type is typed by the options.
withTelemetry({ fetch: () => new Response() }, (env: Env) => ({
  metrics: { queue: env.TELEMETRY_QUEUE },
}));
withTelemetry({ fetch: () => new Response() }, () => ({}));

class Room {
  readonly env: Env;
  constructor(_ctx: DurableObjectState, env: Env) {
    this.env = env;
  }
}
const Wrapped = withTelemetry(Room, ({ TELEMETRY_QUEUE }) => ({
  metrics: { queue: TELEMETRY_QUEUE },
}));
expectTrue<Same<typeof Wrapped, typeof Room>>();
// @ts-expect-error there is no such binding
withTelemetry(Room, (env) => ({ metrics: { queue: env.MISSING } }));

// The aggregator is a Durable Object to extend and to export.
export class Aggregator extends TelemetryAggregator {
  static override options = { kv: "METRICS" };
}

// Calls of an AI SDK are measured by the same options.
withTelemetry({ fetch: () => new Response() }, () => ({
  metrics: {
    genAi: {
      formerNames: true,
      currency: "EUR",
      prices: { "gpt-5": { input: 1, output: 8, cacheRead: 0.1 } },
    },
  },
}));
withTelemetry({ fetch: () => new Response() }, () => ({ metrics: { genAi: false } }));
withTelemetry(
  { fetch: () => new Response() },
  // @ts-expect-error a price is of input and output
  () => ({ metrics: { genAi: { prices: { "gpt-5": { input: 1 } } } } }),
);
// @ts-expect-error they are on unless they are off
withTelemetry({ fetch: () => new Response() }, () => ({ metrics: { genAi: true } }));
