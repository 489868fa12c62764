import type { KeptParameters } from "../../base/address.ts";
import type { Environment } from "../../base/env.ts";
import { type OptionNames, reportUnknownOption } from "../../base/options.ts";
import { shapeOf } from "../../base/values.ts";
import type { Attributes } from "../../trace/span_runtime.ts";
import { type Backend, type BackendOptions, backendOptionNames } from "../backends/backend.ts";
import { maxTimeoutMs, resolveBackend } from "../backends/resolve_backend.ts";
import { resourceOf, resourceOptionNames } from "../backends/resource.ts";
import { isSdkDisabled, Settings } from "../backends/settings.ts";
import { type ExportOptions, exporterOf, type OtlpOptions, type SpanExporter } from "./options.ts";
import { type SamplerPlan, samplerOf } from "./read_sampler.ts";
import type { TailSampling } from "./sampling.ts";

/** Validated options. */
export interface ExportPlan {
  readonly backends: readonly Backend[];
  /** Backends in the isolate. */
  readonly exporters: readonly SpanExporter[];
  readonly resource: Attributes;
  readonly sampler: SamplerPlan;
  readonly tail: TailSampling | undefined;
  readonly keptParameters: KeptParameters;
  readonly exportTimeoutMs: number;
  readonly options: ExportOptions;
}

const optionNames: OptionNames<ExportOptions & { backends: true }> = {
  ...resourceOptionNames,
  backends: true,
  sampleRatio: true,
  tail: true,
  exportTimeoutMs: true,
  propagateTo: true,
  incomingContext: true,
  consoleLogs: true,
  invocationSpan: true,
  route: true,
  keepQueryParameters: true,
};

const defaultExportTimeoutMs = 5_000;

const tailOptionNames: OptionNames<TailSampling> = { errors: true, slowMs: true, ratio: true };

/**
 * Validates options. Variables supply the options that are not set.
 *
 * @throws TypeError if options or variables are missing or invalid. The error names each of them and quotes no strings.
 */
export function readExportOptions(options: OtlpOptions, env: Environment): ExportPlan {
  if (typeof options !== "object" || options === null) {
    throw new TypeError('isotel: telemetry needs options such as { backend: "honeycomb" }');
  }
  reportUnknownOption("isotel: otlp", options, { ...optionNames, ...backendOptionNames });
  reportUnknownOption("isotel: otlp.tail", options.tail, tailOptionNames);
  const settings = new Settings(options, env);
  const resource = resourceOf(settings);
  const { sampleRatio, tail } = options;
  if (sampleRatio !== undefined) checkRatio(settings, "sampleRatio", sampleRatio);
  const sampler =
    sampleRatio === undefined ? samplerOf(settings) : { ratio: sampleRatio, isParentBased: true };
  if (tail !== undefined) checkTail(settings, tail);
  const { consoleLogs } = options;
  const levels: readonly unknown[] = [true, false, "debug", "info", "warn", "error"];
  settings.choice("consoleLogs", consoleLogs, levels as readonly string[], "");
  checkFunctions(settings, options);
  const keptParameters = keptParametersOf(settings, options.keepQueryParameters);
  const exportTimeoutMs = settings.integer(
    "exportTimeoutMs",
    options.exportTimeoutMs,
    1,
    maxTimeoutMs,
    defaultExportTimeoutMs,
  );
  const messages = settings.problems.map((problem) => `isotel: otlp: ${problem}`);
  const backends: Backend[] = [];
  const exporters: SpanExporter[] = [];
  const isDisabled = isSdkDisabled(env);
  for (const backend of isDisabled ? [] : backendsOf(options)) {
    if (backend !== options) {
      reportUnknownOption("isotel: otlp.backends", backend, backendOptionNames);
    }
    const exporter = exporterOf(backend);
    try {
      if (exporter === undefined) backends.push(resolveBackend(backend, env));
      else exporters.push(exporter);
    } catch (cause) {
      messages.push((cause as Error).message);
    }
  }
  if (consoleLogs && messages.length === 0 && backends.length > 0 && !backends.some(takesLogs)) {
    messages.push(
      `isotel: otlp: consoleLogs is ${shapeOf(consoleLogs)}, but no backend takes log records; add "logs" to signals`,
    );
  }
  if (messages.length > 0) throw new TypeError(messages.join("\n"));
  return { backends, exporters, resource, sampler, tail, keptParameters, exportTimeoutMs, options };
}

function takesLogs({ destinations }: Backend): boolean {
  return destinations.logs !== undefined;
}

function backendsOf(options: OtlpOptions): readonly BackendOptions[] {
  if (!("backends" in options)) return [options as BackendOptions];
  const { backends } = options;
  // An empty or missing list is reported as a backend without options.
  const isList = Array.isArray(backends) && backends.length > 0;
  return isList
    ? (backends as readonly BackendOptions[]).map((one) => one ?? {})
    : [{} as BackendOptions];
}

function checkRatio(settings: Settings, what: string, value: unknown): void {
  if (typeof value !== "number" || !(value >= 0 && value <= 1)) {
    settings.refuse(`${what} is ${shapeOf(value)}; it has to be a number from 0 to 1`);
  }
}

function checkTail(settings: Settings, tail: TailSampling): void {
  if (typeof tail !== "object" || tail === null) {
    settings.refuse(
      `tail is ${shapeOf(tail)}; it has to be an object such as { slowMs: 1000, ratio: 0.01 }`,
    );
    return;
  }
  const { ratio = 0, slowMs = 0 } = tail;
  checkRatio(settings, "tail.ratio", ratio);
  if (typeof slowMs !== "number" || !(slowMs >= 0)) {
    settings.refuse(`tail.slowMs is ${shapeOf(slowMs)}; it has to be a number of milliseconds`);
  }
}

function keptParametersOf(settings: Settings, names: unknown): KeptParameters {
  if (names === undefined) return undefined;
  if (Array.isArray(names) && names.every((name) => typeof name === "string" && name !== "")) {
    return names.length === 0 ? undefined : new Set(names as string[]);
  }
  settings.refuse(
    `keepQueryParameters is ${shapeOf(names)}; it has to be a list of names, such as ["page"]`,
  );
  return undefined;
}

function checkFunctions(
  settings: Settings,
  { propagateTo, route, incomingContext }: ExportOptions,
): void {
  const isList =
    Array.isArray(propagateTo) &&
    propagateTo.every((entry) => typeof entry === "string" || entry instanceof RegExp);
  if (propagateTo !== undefined && !isList && typeof propagateTo !== "function") {
    settings.refuse(
      `propagateTo is ${shapeOf(propagateTo)}; it has to be a list of host names and patterns, or a function`,
    );
  }
  if (typeof incomingContext !== "function") {
    const uses = ["continue", "link", "ignore"];
    settings.choice("incomingContext", incomingContext, uses, "");
  }
  if (route !== undefined && typeof route !== "function") {
    settings.refuse(`route is ${shapeOf(route)}; it has to be a function of the request`);
  }
}
