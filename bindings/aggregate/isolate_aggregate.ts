import { aggregateModule } from "#aggregate-module";
import { Aggregate, type AggregateOptions } from "./aggregate.ts";
import { AggregationError } from "./aggregation_error.ts";

/**
 * A new instance of the aggregation module.
 *
 * @throws AggregationError where the module could not be loaded.
 */
export function createAggregate(options?: AggregateOptions): Aggregate {
  if (aggregateModule === undefined) {
    throw new AggregationError("aggregate.wasm could not be loaded");
  }
  return new Aggregate(aggregateModule, options);
}

let shared: Aggregate | undefined;

/** The isolate's instance for calls that leave nothing behind: shards of frames, snapshots, expositions. */
export function isolateAggregate(): Aggregate {
  if (shared?.isAlive !== true) shared = createAggregate();
  return shared;
}
