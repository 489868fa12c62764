import { instantiateDoor, type WasmExports } from "../core/wasm_exports.ts";
import { AggregateAbi, aggregateExportNames } from "./abi.gen.ts";

/** The functions of src/abi/aggregate/isotel_aggregate.h and the memory they work on. */
export type AggregateExports = WasmExports<(typeof aggregateExportNames)[number]>;

/**
 * Instantiates an aggregation module and checks that it is the one this package was built for.
 *
 * @throws Error when it is not; see {@link instantiateDoor}.
 */
export function instantiateAggregate(module: WebAssembly.Module): AggregateExports {
  return instantiateDoor(module, {
    file: "aggregate.wasm",
    exportNames: aggregateExportNames,
    version: "isotel_aggregate_abi_version",
    fingerprint: "isotel_aggregate_abi_fingerprint",
    expected: {
      abiVersion: AggregateAbi.aggregateAbiVersion,
      fingerprint: AggregateAbi.fingerprint,
    },
  });
}
