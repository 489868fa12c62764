import {
  createAggregate,
  isolateAggregate,
} from "../../../../bindings/aggregate/totals/aggregate.ts";
import { StoredTotals } from "../../../../bindings/aggregate/totals/stored_totals.ts";
import { makeMetricsExport } from "../../../../bindings/metrics_export/metrics_exporter.ts";
import type {
  ExportHost,
  MetricsExportOptions,
} from "../../../../bindings/slots/metrics_export.ts";
import { type ReceivedPoint, readMetricsProtobuf } from "../../../otlp_receiver/metrics.ts";
import { resourceIn } from "../../../otlp_receiver/requests.ts";
import type { MemoryStorage } from "../../support/runtime_doubles.ts";

/** What a backend does with a request; `lost` takes it and never says so. */
export type Answer =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | "lost"
  | "reset";

export interface SentRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly points: readonly ReceivedPoint[];
  readonly resource: Readonly<Record<string, unknown>>;
  /** Whether the backend has taken it, whatever it said. */
  readonly isTaken: boolean;
}

/** Backends of one test, by the host in their addresses, and a clock that only the test moves. */
export class World {
  nowUnixMs = 1_000_000;
  readonly requests: SentRequest[] = [];
  /** What is answered to the next requests; then 200. */
  readonly answers: Answer[] = [];

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const body = new Uint8Array(init.body as Uint8Array);
    const next = this.answers.shift() ?? { status: 200 };
    const isKnown = this.taken().some((request) => Buffer.compare(request.body, body) === 0);
    // No backend finds fault with what it has taken before.
    const isFinal = typeof next !== "string" && next.status === 400;
    const answer = isKnown && isFinal ? { status: 200 } : next;
    const isTaken = typeof answer === "string" ? answer === "lost" : answer.status === 200;
    const isJson = body[0] === 0x7b;
    this.requests.push({
      url,
      headers: init.headers as Record<string, string>,
      body,
      points: isJson ? [] : readMetricsProtobuf(body),
      resource: isJson ? {} : resourceIn(body),
      isTaken,
    });
    if (typeof answer === "string") throw new TypeError("connection lost");
    const { status, headers = {}, body: text = "" } = answer;
    return new Response(text, { status, headers });
  };

  taken(): SentRequest[] {
    return this.requests.filter(({ isTaken }) => isTaken);
  }
}

export function pointsOf(requests: readonly SentRequest[]): ReceivedPoint[] {
  return requests.flatMap(({ points }) => points);
}

/** Requests as a backend has them that knows the bytes of one again. */
export function onceEach(requests: readonly SentRequest[]): SentRequest[] {
  const known = new Set<string>();
  return requests.filter(({ body }) => {
    const key = Buffer.from(body).toString("base64");
    return !known.has(key) && known.add(key);
  });
}

/** One life of an aggregator with an export. */
export class Life {
  readonly totals: StoredTotals;
  readonly reports: string[] = [];
  readonly export: ReturnType<typeof makeMetricsExport>;
  readonly #world: World;
  readonly #work: Promise<unknown>[] = [];

  constructor(
    world: World,
    memory: MemoryStorage,
    options: MetricsExportOptions,
    env: object = {},
  ) {
    this.#world = world;
    // The limits of the totals are not those of requests.
    this.totals = new StoredTotals(memory.storage, () => createAggregate({ maxBytes: 1e9 }));
    const host: ExportHost = {
      storage: memory.storage,
      totals: this.totals,
      instanceId: "instance",
      aggregate: isolateAggregate,
      wakeBy: async () => {},
      hold: (work) => void this.#work.push(work),
      report: (message, cause) =>
        void this.reports.push(cause === undefined ? message : `${message} ${cause}`),
      counted: () => {},
    };
    this.export = makeMetricsExport(options, env, host, {
      clock: () => world.nowUnixMs,
      fetch: world.fetch,
      sleep: async () => {},
      random: () => 0,
    });
  }

  apply(...frames: readonly Uint8Array[]): void {
    this.export.prepare(this.#world.nowUnixMs);
    this.totals.apply(frames, this.#world.nowUnixMs);
    this.export.changed();
  }

  /** Moves the clock on and does what is due, to its end. */
  async pass(ms: number): Promise<void> {
    this.#world.nowUnixMs += ms;
    this.export.start(this.#world.nowUnixMs);
    await Promise.all(this.#work.splice(0));
  }

  /** The same for each thing that becomes due within so many milliseconds. */
  async passAll(ms: number): Promise<void> {
    const end = this.#world.nowUnixMs + ms;
    for (;;) {
      const next = this.export.nextUnixMs(this.#world.nowUnixMs);
      if (next === undefined || next > end) break;
      await this.pass(Math.max(0, next - this.#world.nowUnixMs));
    }
    this.#world.nowUnixMs = end;
  }
}
