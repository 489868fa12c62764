import type { Outcome } from "../../bindings/base/cause.ts";
import { HttpServerMetrics } from "../../bindings/metrics/built_in.ts";
import { defineMetricsIn } from "../../bindings/metrics/define_metrics.ts";
import { counter } from "../../bindings/metrics/definitions.ts";
import { Flusher } from "../../bindings/metrics/flusher.ts";
import type { Frame } from "../../bindings/metrics/outbox.ts";
import { resolverMetricsIn } from "../../bindings/metrics/resolver.ts";
import { SelfMetrics } from "../../bindings/metrics/self_metrics.ts";
import { queueTransport, type Transport } from "../../bindings/metrics/transport.ts";
import { currentScope, withInvocationScope } from "../../bindings/trace/invocation_scope.ts";
import { metering } from "../unit/support/metering.ts";
import { bytesOfBodies, QueueDouble } from "../unit/support/runtime_doubles.ts";

/** Requests that arrive evenly. */
export interface Traffic {
  readonly isolates: number;
  /** Requests a second of each isolate. */
  readonly rate: number;
  /** Series of a counter of their own that the requests take turns to count in. */
  readonly series: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** What an isolate handed over at once: one message each, or one call. */
export interface Send {
  readonly atMs: number;
  readonly frames: readonly Frame[];
}

/** The documented default. */
export const flushIntervalMs = 10_000;

const routes = ["/", "/chat", "/chat/stream", "/resolve"] as const;
const requests = routes.map((route) => ({ method: "GET", url: `https://shop.example${route}` }));
const pathOf = ({ url }: { readonly url: string }) => new URL(url).pathname;
const leastTickMs = 10;

/** A transport that notes what it is given, through the queue's own where there is one. */
function noting(transport: "queue" | "aggregator", note: (frames: Frame[]) => void): Transport {
  if (transport === "queue") {
    return queueTransport(new QueueDouble((bodies) => note(bytesOfBodies(bodies))).queue);
  }
  return {
    async send(frames, delivered) {
      note([...frames]);
      frames.forEach(delivered);
    },
  };
}

/** One isolate of a Worker that measures its requests and resolves flags. */
class Isolate {
  readonly sends: Send[] = [];
  readonly #own = metering({ random: (bytes) => void crypto.getRandomValues(bytes) });
  readonly #http = new HttpServerMetrics(this.#own.meter);
  readonly #resolver = resolverMetricsIn(this.#own.meter, { resolverId: "shop", baseUnits: true });
  readonly #orders = defineMetricsIn(this.#own.meter, {
    orders: counter("shop_orders", { labels: ["product"] }),
  }).orders;
  readonly #series: number;
  readonly #flusher: Flusher;
  #running: { readonly endMs: number; readonly end: () => void }[] = [];
  #requests = 0;

  constructor(transport: "queue" | "aggregator", startMs: number, series: number) {
    this.#series = series;
    const { meter, time } = this.#own;
    time.nowMs = startMs;
    this.#flusher = new Flusher(meter, new SelfMetrics(meter, () => ({})), {
      waitUntil: () => {},
      sleep: time.sleep,
      startInvocation: async (token) => this.#flusher.flushLater(token, () => {}),
    });
    const note = (frames: Frame[]) => this.sends.push({ atMs: time.nowMs, frames });
    this.#flusher.use({ transport: noting(transport, note), intervalMs: flushIntervalMs });
  }

  /** Lives until then, with so many requests a second. */
  async run(rate: number, endMs: number): Promise<void> {
    const { time } = this.#own;
    const tickMs = Math.max(leastTickMs, 1000 / rate);
    const requestsOfTick = (rate * tickMs) / 1000;
    while (time.nowMs < endMs) {
      for (let i = 0; i < requestsOfTick; i += 1) this.#begin();
      await time.advance(tickMs);
      this.#endDue();
    }
  }

  /** A request that takes 1 to 400 ms. */
  #begin(): void {
    const number = this.#requests;
    this.#requests += 1;
    const request = requests[number % requests.length];
    const finish = this.#http.begin(request, pathOf as never);
    const outcome: Outcome = { result: { status: number % 200 === 7 ? 500 : 200 } };
    const end = () =>
      withInvocationScope(() => {
        const scope = currentScope();
        if (scope !== undefined) this.#flusher.beginInvocation(scope);
        const reason = number % 20 === 3 ? "NO_SEGMENT_MATCH" : "MATCH";
        if (request?.url.endsWith("/resolve")) this.#resolver.resolved(50 + (number % 500), reason);
        if (this.#series > 0) this.#orders.add(1, { product: `p-${number % this.#series}` });
        finish(outcome);
        this.#flusher.endInvocation({ scope, waits: "rarely" });
      });
    const ms = 1 + ((number * 37) % 400);
    this.#running.push({ endMs: this.#own.time.nowMs + ms, end });
  }

  #endDue(): void {
    const now = this.#own.time.nowMs;
    const due = this.#running.filter(({ endMs }) => endMs <= now);
    this.#running = this.#running.filter(({ endMs }) => endMs > now);
    for (const { end } of due) end();
  }
}

/** Everything the isolates of a Worker send, in the order of time; their intervals begin evenly apart. */
export async function sendsOf(
  { isolates, rate, series, startMs, endMs }: Traffic,
  transport: "queue" | "aggregator",
): Promise<Send[]> {
  const sends: Send[] = [];
  for (let index = 0; index < isolates; index += 1) {
    const beginMs = startMs + (index * flushIntervalMs) / isolates;
    const isolate = new Isolate(transport, beginMs, series);
    await isolate.run(rate, endMs);
    sends.push(...isolate.sends);
  }
  return sends.sort((a, b) => a.atMs - b.atMs);
}
