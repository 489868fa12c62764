import { type AggregateExports, aggregateAbi } from "../../../bindings/aggregate/totals/abi.gen.ts";
import { type CoreExports, coreAbi } from "../../../bindings/core/abi.gen.ts";
import { type FlueExports, flueAbi } from "../../../bindings/flue/abi.gen.ts";
import { type OtlpExports, otlpAbi } from "../../../bindings/otlp/core/abi.gen.ts";
import type { ModuleAbi, ModuleExports } from "../../../bindings/wasm/module.ts";

/** Every function of every module. */
type AnyExports = CoreExports & AggregateExports & OtlpExports & FlueExports;

/** A module of the package. */
export interface KnownModule {
  readonly name: "core" | "aggregate" | "otlp" | "flue";
  /** Its header, from the root of the repository. */
  readonly header: string;
  readonly abi: ModuleAbi<ModuleExports & AnyExports>;
}

/** The four modules. */
export const knownModules: readonly KnownModule[] = [
  { name: "core", header: "src/abi/core/isotel_abi.h", abi: coreAbi },
  { name: "aggregate", header: "src/abi/aggregate/isotel_aggregate.h", abi: aggregateAbi },
  { name: "otlp", header: "src/abi/otlp/isotel_otlp.h", abi: otlpAbi },
  { name: "flue", header: "src/abi/flue/isotel_flue.h", abi: flueAbi },
];
