// Made by scripts/generate_abi.mjs from src/abi/core/isotel_abi.h and the .def tables. Do not edit.
import type { ModuleAbi, ModuleExports } from "../wasm/module.ts";

/** Constants of isotel_abi.h. */
export const Abi = {
  maxFields: 128,
  blockNumber: 0,
  blockSize: 1024,
  blockTextId: 1536,
  blockPresent: 2048,
  blockPlan: 2064,
  blockResult: 3088,
  blockBytes: 3344,
  resultCount: 32,
  maxSpanSlots: 16384,
  maxUserAttributes: 128,
  maxValueBytes: 28672,
  startBytes: 61440,
  internedSize: 0xFFFFFFFF,
  keepAll: 0xFFFFFFFF,
  cuttable: 0x80000000,
  sourceText: 0,
  sourceNumber: 1,
  sourceTrue: 2,
  sourceInterned: 3,
  sourceCutText: 4,
  sourceTextList: 5,
  sourceInternedList: 6,
  sourceJsonList: 7,
  leftOut: 0x10000,
  spanBounded: 1,
  spanNative: 2,
  spanUntraced: 4,
  spanWhole: 8,
  spanProfileShift: 8,
  sizesExact: 1,
  statusAsAttribute: 2,
  statusUnset: 0,
  statusOk: 1,
  statusError: 2,
  metadata: 0,
  runtimeContext: 1,
  genaiFormerNames: 1,
  genaiValuesShift: 8,
  boundsLinear: 0,
  boundsExponential: 1,
  boundsPerDecade: 2,
  declarationZeroThreshold: 0,
  declarationKind: 8,
  declarationSchema: 12,
  declarationMaxBuckets: 16,
  declarationMaxSeries: 20,
  declarationNameSize: 24,
  declarationUnitSize: 28,
  declarationHelpSize: 32,
  declarationLabelCount: 36,
  declarationBoundCount: 40,
  declarationBuiltIn: 44,
  declarationBytes: 48,
  metricsFamilies: 0,
  metricsRows: 1,
  metricsDirty: 2,
  metricsPendingFrames: 3,
  metricsLabelSetsOverflowed: 4,
  metricsInvalidValues: 5,
  metricsReplaced: 6,
} as const;

/** The functions of isotel_abi.h. */
export interface CoreExports extends ModuleExports {
  isotel_abi_version(): number;
  isotel_abi_fingerprint(): number;
  isotel_create(): number;
  isotel_destroy(context: number): void;
  isotel_shared_block(context: number): number;
  isotel_buffer(context: number, size: number): number;
  isotel_counters(context: number): number;
  isotel_keys(context: number, profile: number): number;
  isotel_intern(context: number, length: number, field: number): number;
  isotel_text(context: number, text: number): number;
  isotel_span_name(context: number, operation: number, length: number): number;
  isotel_cut_name(context: number, length: number): number;
  isotel_provider_name(context: number, length: number): number;
  isotel_metadata_key(context: number, source: number, length: number): number;
  isotel_scope_open(context: number): number;
  isotel_scope_spans(context: number, scope: number, boundedOnly: number): number;
  isotel_scope_close(context: number, scope: number): number;
  isotel_span_open(context: number, operation: number, parent: number, scope: number, flags: number, startUnixMs: number): number;
  isotel_span_start(context: number, span: number, flags: number): number;
  isotel_span_reserve(context: number, span: number, count: number, bytes: number, invalid: number): number;
  isotel_span_fit(context: number, span: number, count: number, invalid: number): number;
  isotel_span_first_chunk(context: number, span: number, nowUnixMs: number): number;
  isotel_span_next_chunk(context: number, span: number, nowUnixMs: number): number;
  isotel_span_status(context: number, span: number, status: number): number;
  isotel_span_end(context: number, span: number, outcome: number, flags: number, endUnixMs: number, count: number, bytes: number, invalid: number): number;
  isotel_metrics_open(context: number): number;
  isotel_metrics_bounds(context: number, generator: number, a: number, b: number, count: number): number;
  isotel_metrics_declare(context: number, length: number): number;
  isotel_metrics_constant_labels(context: number, length: number): number;
  isotel_metrics_bind(context: number, family: number, length: number, nowUnixMs: number): number;
  isotel_metrics_record(context: number, row: number, value: number): number;
  isotel_metrics_record_exemplar(context: number, row: number, value: number, nowUnixMs: number): number;
  isotel_metrics_add(context: number, row: number, value: number): number;
  isotel_metrics_flush(context: number, nowUnixMs: number, refreshGauges: number): number;
  isotel_metrics_frame(context: number, index: number): number;
  isotel_metrics_commit(context: number, sequence: number): number;
  isotel_metrics_status(context: number): number;
  isotel_genai_metrics(context: number, flags: number, length: number): number;
  isotel_genai_price(context: number, length: number, input: number, output: number, cacheRead: number, cacheWrite: number): number;
}

/** The identity of the core.wasm that fits this file. */
export const coreAbi: ModuleAbi<CoreExports> = {
  file: "core.wasm",
  prefix: "isotel",
  version: 5,
  fingerprint: 1047031501,
  exportNames: [
    "isotel_abi_version",
    "isotel_abi_fingerprint",
    "isotel_create",
    "isotel_destroy",
    "isotel_shared_block",
    "isotel_buffer",
    "isotel_counters",
    "isotel_keys",
    "isotel_intern",
    "isotel_text",
    "isotel_span_name",
    "isotel_cut_name",
    "isotel_provider_name",
    "isotel_metadata_key",
    "isotel_scope_open",
    "isotel_scope_spans",
    "isotel_scope_close",
    "isotel_span_open",
    "isotel_span_start",
    "isotel_span_reserve",
    "isotel_span_fit",
    "isotel_span_first_chunk",
    "isotel_span_next_chunk",
    "isotel_span_status",
    "isotel_span_end",
    "isotel_metrics_open",
    "isotel_metrics_bounds",
    "isotel_metrics_declare",
    "isotel_metrics_constant_labels",
    "isotel_metrics_bind",
    "isotel_metrics_record",
    "isotel_metrics_record_exemplar",
    "isotel_metrics_add",
    "isotel_metrics_flush",
    "isotel_metrics_frame",
    "isotel_metrics_commit",
    "isotel_metrics_status",
    "isotel_genai_metrics",
    "isotel_genai_price",
  ],
};

/** The limits of src/base/host_limits.def. */
export const Limits = {
  maxNameBytes: 64,
  maxSeriesPerFamily: 2000,
  maxMetricNameBytes: 255,
  maxUnitBytes: 63,
  maxHelpBytes: 1024,
  maxLabels: 32,
  maxLabelBytes: 4096,
  defaultLabelValues: 100,
  maxConstantLabelBytes: 2048,
  maxBounds: 256,
  minExponentialBuckets: 2,
  maxExponentialBuckets: 512,
  minSchema: -4,
  maxSchema: 8,
} as const;

/** Identifiers of src/genai/fields.def. */
export const Field = {
  operationName: 0,
  integrationName: 1,
  sdkOperationName: 2,
  agentId: 3,
  agentName: 4,
  agentVersion: 5,
  conversationId: 6,
  providerName: 7,
  requestModel: 8,
  outputType: 9,
  stream: 10,
  maxTokens: 11,
  temperature: 12,
  topP: 13,
  topK: 14,
  frequencyPenalty: 15,
  presencePenalty: 16,
  seed: 17,
  stopSequences: 18,
  reasoningLevel: 19,
  choiceCount: 20,
  embeddingDimensions: 21,
  retrievalTopK: 22,
  stepNumber: 23,
  serverAddress: 24,
  serverPort: 25,
  toolDefinitions: 26,
  systemInstructions: 27,
  inputMessages: 28,
  toolName: 29,
  toolDescription: 30,
  toolType: 31,
  toolCallId: 32,
  toolCallArguments: 33,
  toolApprovalState: 34,
  toolRunsOnClient: 35,
  toolCallResult: 36,
  responseId: 37,
  responseModel: 38,
  timeToFirstChunk: 39,
  finishReason: 40,
  finishReasons: 41,
  outputMessages: 42,
  toolCount: 43,
  gatewayLogId: 44,
  gatewayCacheStatus: 45,
  gatewayStep: 46,
  httpStatusCode: 47,
  errorCode: 48,
  errorMessage: 49,
  inputTokens: 50,
  outputTokens: 51,
  cacheCreationInputTokens: 52,
  cacheReadInputTokens: 53,
  reasoningOutputTokens: 54,
  totalTokens: 55,
  cost: 56,
  costCurrency: 57,
  costSource: 58,
  errorType: 59,
  statusCode: 60,
  cancelled: 61,
  abortReason: 62,
  truncated: 63,
  droppedAttributesCount: 64,
  cutAttributesCount: 65,
} as const;

/** The fields whose texts are labels of GenAI metrics, of src/genai/labels.def. */
export const labelFields = [
  0,
  7,
  8,
  38,
  59,
  4,
  29,
  31,
] as const;

/** Codes of src/genai/operations.def. */
export const Operation = {
  custom: 0,
  invokeAgent: 1,
  chat: 2,
  executeTool: 3,
  toolApproval: 4,
  embeddings: 5,
  rerank: 6,
  generateContent: 7,
} as const;

/** Values of gen_ai.operation.name by operation; empty for an operation without one. */
export const operationNames = [
  "",
  "invoke_agent",
  "chat",
  "execute_tool",
  "",
  "embeddings",
  "rerank",
  "generate_content",
] as const;

/** Kinds of spans by operation, as OTLP codes them. */
export const operationKinds = [
  1,
  1,
  3,
  1,
  1,
  3,
  3,
  3,
] as const;

/** Codes of src/genai/profiles.def. */
export const Profile = {
  agents: 0,
  latest: 1,
} as const;

/** Codes of src/trace/outcomes.def. */
export const Outcome = {
  finished: 0,
  failed: 1,
  cancelled: 2,
  truncated: 3,
} as const;

/** Codes of src/metrics/kinds.def. */
export const MetricKind = {
  counter: 0,
  gaugeSum: 1,
  gaugeMin: 2,
  gaugeMax: 3,
  gaugeLast: 4,
  histogram: 5,
  exponentialHistogram: 6,
} as const;

/** The codes of the gauges in src/metrics/kinds.def. */
export const gaugeCodes = [
  1,
  2,
  3,
  4,
] as const;

/** Codes of src/base/errors.def. */
export const ErrorCode = {
  ok: 0,
  staleHandle: -1,
  alreadyEnded: -2,
  limitReached: -3,
  unknownOperation: -4,
  unknownOutcome: -5,
  unknownProfile: -6,
  outOfRange: -7,
  invalidUtf8: -8,
  needExactSizes: -9,
  outOfMemory: -10,
  unknownText: -11,
  corrupt: -12,
  unknownVersion: -13,
  invalidValue: -14,
  invalidMetricName: -15,
  invalidLabelName: -16,
  invalidBounds: -17,
  invalidDeclaration: -18,
  conflict: -19,
  tooOld: -20,
  tooLarge: -21,
  recordDamaged: -22,
} as const;

/** Their names, by the code without its sign. */
export const errorNames = [
  "ok",
  "staleHandle",
  "alreadyEnded",
  "limitReached",
  "unknownOperation",
  "unknownOutcome",
  "unknownProfile",
  "outOfRange",
  "invalidUtf8",
  "needExactSizes",
  "outOfMemory",
  "unknownText",
  "corrupt",
  "unknownVersion",
  "invalidValue",
  "invalidMetricName",
  "invalidLabelName",
  "invalidBounds",
  "invalidDeclaration",
  "conflict",
  "tooOld",
  "tooLarge",
  "recordDamaged",
] as const;

/** Counters of src/base/counters.def, in the order of isotel_counters(). */
export const counterNames = [
  "spans_opened",
  "spans_ended",
  "spans_refused",
  "spans_truncated",
  "spans_evicted",
  "scopes_evicted",
  "double_ends",
  "late_writes",
  "stale_handles",
  "unknown_codes",
  "attributes_dropped_limit",
  "attributes_dropped_bytes",
  "attributes_dropped_type",
  "attributes_cut",
  "names_cut",
  "intern_overflows",
  "label_values_overflowed",
] as const;

/** The words of src/exposition/units.def, by their units. */
export const unitWords = {
  d: "days",
  h: "hours",
  min: "minutes",
  s: "seconds",
  ms: "milliseconds",
  us: "microseconds",
  ns: "nanoseconds",
  By: "bytes",
  KiBy: "kibibytes",
  MiBy: "mebibytes",
  GiBy: "gibibytes",
  KBy: "kilobytes",
  MBy: "megabytes",
  GBy: "gigabytes",
  "%": "percent",
  Cel: "celsius",
  Hz: "hertz",
  J: "joules",
  W: "watts",
} as const;
