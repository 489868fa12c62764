import { sleep, type WaitUntil } from "../../base/time.ts";
import { encodeLogs, encodeTraces } from "../core/encoder.ts";
import { ownScope, sampledFlag } from "../core/model.ts";
import { shouldSample } from "../core/propagation.ts";
import { systemFetch } from "../exporter/sender.ts";
import { Pipeline, type PipelineOptions } from "./pipeline.ts";
import type { ExportPlan } from "./read_export_options.ts";
import { tailDecision } from "./sampling.ts";

/** The environment of a pipeline. */
export type PipelineEnvironment = Pick<
  PipelineOptions,
  "clock" | "fetch" | "sleep" | "random" | "waitUntil" | "circuits"
>;

/** The encoders of a pipeline, and the limit of its queues. */
export type Encoders = Pick<PipelineOptions, "encodeSpans" | "encodeLogs" | "maxQueued">;

/** Makes the pipeline of a plan. By default all spans and records have the resource of the plan. */
export function makePipeline(
  plan: ExportPlan,
  environment: PipelineEnvironment,
  encoders: Encoders = encodersOf(plan),
): Pipeline {
  const { backends, exporters, sampler, tail, keptParameters, exportTimeoutMs, options } = plan;
  return new Pipeline({
    ...environment,
    ...encoders,
    backends,
    exporters,
    exportTimeoutMs,
    settings: options,
    keptParameters,
    samples: (traceId, parentFlags) => {
      const isDecided = parentFlags !== undefined && sampler.isParentBased;
      if (isDecided) return (parentFlags & sampledFlag) !== 0;
      return sampler.ratio === 1 || shouldSample(traceId, sampler.ratio);
    },
    tail: tail && tailDecision(tail, shouldSample),
  });
}

function encodersOf({ resource }: ExportPlan): Encoders {
  return {
    encodeSpans: (spans, format, { dialect, resource: own }) => {
      const whole = own === undefined ? resource : { ...resource, ...own };
      return encodeTraces(spans, whole, ownScope, format, dialect);
    },
    encodeLogs: (records, format) => encodeLogs(records, resource, ownScope, format),
  };
}

/** Returns the environment of a Worker or of a Node program. */
export function systemEnvironment(
  clock: () => number,
  waitUntil: WaitUntil | undefined,
): PipelineEnvironment {
  return {
    clock,
    fetch: systemFetch,
    sleep,
    random: Math.random,
    waitUntil,
    circuits: new Map(),
  };
}
