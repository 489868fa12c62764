// Made by scripts/generate_abi.mjs from src/abi/otlp/isotel_otlp.h and the .def tables. Do not edit.
import type { ModuleAbi, ModuleExports } from "../../wasm/module.ts";

/** Constants of isotel_otlp.h. */
export const OtlpAbi = {
  traces: 0,
  logs: 1,
  protobuf: 0,
  json: 1,
  dialectNone: 0,
  dialectOpeninference: 1,
  dialectLangfuse: 2,
  dialectLangsmith: 3,
  dialectBraintrust: 4,
  dialectSentry: 5,
  valueEmpty: 0,
  valueText: 1,
  valueFalse: 2,
  valueTrue: 3,
  valueInt32: 4,
  valueInteger: 5,
  valueInt64: 6,
  valueDouble: 7,
  valueList: 8,
  valueMap: 9,
  valueBytes: 10,
  valueSameText: 11,
  valueNone: 15,
  maxValueDepth: 32,
  maxBatchBytes: 16777216,
  spanSameTrace: 0x1000000,
  spanHasParent: 0x2000000,
  spanKnowsRemote: 0x4000000,
  spanIsRemote: 0x8000000,
  spanSameName: 0x10000000,
  logHasTrace: 0x1000000,
  logHasSpan: 0x2000000,
  maxIds: 1024,
  parentNone: 0,
  parentNotSampled: 1,
  parentSampled: 2,
} as const;

/** The functions of isotel_otlp.h. */
export interface OtlpExports extends ModuleExports {
  isotel_otlp_abi_version(): number;
  isotel_otlp_abi_fingerprint(): number;
  isotel_otlp_create(): number;
  isotel_otlp_destroy(context: number): void;
  isotel_otlp_buffer(context: number, size: number): number;
  isotel_otlp_output(context: number): number;
  isotel_otlp_encode(context: number, signal: number, format: number, dialect: number, numbers: number, keys: number, words: number, textBytes: number, textUnits: number, rawBytes: number): number;
  isotel_otlp_skipped(context: number): number;
  isotel_otlp_seed(context: number): number;
  isotel_otlp_ids(context: number, count: number): number;
  isotel_otlp_sample(context: number, parent: number, ratio: number): number;
  isotel_otlp_trace_parent(context: number, length: number): number;
  isotel_otlp_trace_state(context: number, length: number): number;
}

/** The identity of the otlp.wasm that fits this file. */
export const otlpAbi: ModuleAbi<OtlpExports> = {
  file: "otlp.wasm",
  prefix: "isotel_otlp",
  version: 3,
  fingerprint: 2045876491,
  exportNames: [
    "isotel_otlp_abi_version",
    "isotel_otlp_abi_fingerprint",
    "isotel_otlp_create",
    "isotel_otlp_destroy",
    "isotel_otlp_buffer",
    "isotel_otlp_output",
    "isotel_otlp_encode",
    "isotel_otlp_skipped",
    "isotel_otlp_seed",
    "isotel_otlp_ids",
    "isotel_otlp_sample",
    "isotel_otlp_trace_parent",
    "isotel_otlp_trace_state",
  ],
};
