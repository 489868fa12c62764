// Made by scripts/generate_abi.mjs from src/abi/otlp/isotel_otlp.h and the .def tables. Do not edit.

/** Constants of isotel_otlp.h, and the hash of the tables. */
export const OtlpAbi = {
  otlpAbiVersion: 1,
  otlpTraces: 0,
  otlpLogs: 1,
  otlpProtobuf: 0,
  otlpJson: 1,
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
  fingerprint: 2949445495,
} as const;

/** The functions a module has to export. */
export const otlpExportNames = [
  "isotel_otlp_abi_version",
  "isotel_otlp_abi_fingerprint",
  "isotel_otlp_create",
  "isotel_otlp_destroy",
  "isotel_otlp_buffer",
  "isotel_otlp_output",
  "isotel_otlp_encode",
  "isotel_otlp_skipped",
] as const;
