import { sleep, type WaitUntil } from "../../trace/waiting.ts";
import { encodeLogs, encodeTraces } from "../encoder.ts";
import { systemFetch } from "../exporter/system_fetch.ts";
import { ownScope } from "../own_scope.ts";
import { shouldSample } from "../propagation.ts";
import { Pipeline, type PipelineOptions } from "./pipeline.ts";
import type { ExportPlan } from "./read_export_options.ts";
import { tailDecision } from "./sampling.ts";

/** What a pipeline needs of the world around it. */
export type Surroundings = Pick<
  PipelineOptions,
  "clock" | "fetch" | "sleep" | "random" | "waitUntil"
>;

/** How a pipeline's spans and records become requests, and how many may wait for it. */
export type Encoders = Pick<PipelineOptions, "encodeSpans" | "encodeLogs" | "maxQueued">;

/** The pipeline of a plan; of one resource, that of the plan, unless the encoders have it otherwise. */
export function makePipeline(
  plan: ExportPlan,
  surroundings: Surroundings,
  encoders: Encoders = encodersOf(plan),
): Pipeline {
  const { backends, sampleRatio, tail, keptParameters, options } = plan;
  return new Pipeline({
    ...surroundings,
    ...encoders,
    backends,
    settings: options,
    keptParameters,
    samples: (traceId) => sampleRatio === 1 || shouldSample(traceId, sampleRatio),
    tail: tail && tailDecision(tail, shouldSample),
  });
}

function encodersOf({ resource }: ExportPlan): Encoders {
  return {
    encodeSpans: (spans, format) => encodeTraces(spans, resource, ownScope, format),
    encodeLogs: (records, format) => encodeLogs(records, resource, ownScope, format),
  };
}

/** The surroundings of a Worker, or of a program in Node. */
export function systemSurroundings(
  clock: () => number,
  waitUntil: WaitUntil | undefined,
): Surroundings {
  return {
    clock,
    fetch: systemFetch,
    sleep,
    random: Math.random,
    waitUntil,
  };
}
