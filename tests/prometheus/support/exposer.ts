import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import {
  Aggregate,
  type AggregateOptions,
  defaultAggregateOptions,
} from "../../../bindings/aggregate/totals/aggregate.ts";
import { compile, root } from "../../wasm/support/module.ts";

const aggregateModule = compile(
  new Uint8Array(readFileSync(join(root, "build/wasi/aggregate.wasm"))),
);

/** Totals of frames that Prometheus may scrape, straight from the aggregation module. */
export class Exposer {
  readonly #aggregate: Aggregate;
  readonly #server: Server;
  readonly #clock: () => number;
  /** The content types that were answered. */
  readonly contentTypes = new Set<string>();

  private constructor(clock: () => number, options: Partial<AggregateOptions>) {
    this.#aggregate = new Aggregate(aggregateModule, { ...defaultAggregateOptions, ...options });
    this.#clock = clock;
    this.#aggregate.load([]);
    this.#server = createServer((request, response) => {
      const exposition = this.#aggregate.negotiate(request.headers.accept ?? "");
      const type = this.#aggregate.contentType(exposition);
      this.contentTypes.add(type);
      this.#aggregate.merge([this.#aggregate.snapshot(this.#clock())]);
      response.setHeader("content-type", type);
      response.end(this.#aggregate.render(exposition, 0, this.#clock()).slice());
    });
  }

  /** @param clock time of the aggregator. Default: the system's. */
  static async start(
    frames: readonly Uint8Array[],
    clock = Date.now,
    options: Partial<AggregateOptions> = {},
  ): Promise<Exposer> {
    const exposer = new Exposer(clock, options);
    exposer.apply(frames);
    await new Promise<void>((resolve) => exposer.#server.listen(0, "127.0.0.1", resolve));
    return exposer;
  }

  apply(frames: readonly Uint8Array[]): void {
    for (const frame of frames) {
      const result = this.#aggregate.apply(frame, this.#clock());
      if (result < 0) throw new Error(`A frame was answered with ${result}.`);
    }
  }

  /** Removes series that have expired. Returns their number. */
  expireSeries(): number {
    return this.#aggregate.expireSeries(this.#clock(), false).removed;
  }

  /** Removes a metric. Returns the number of its series. */
  drop(name: string): number {
    return this.#aggregate.drop(name, this.#clock());
  }

  get url(): URL {
    const { port } = this.#server.address() as AddressInfo;
    return new URL(`http://127.0.0.1:${port}/metrics`);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
