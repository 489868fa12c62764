import { reportOnce } from "../../base/report_once.ts";
import { shapeOf } from "../../base/values.ts";
import type { Settings } from "../backends/settings.ts";

/** The sampler for the spans of a Worker. */
export interface SamplerPlan {
  /** Fraction of traces to record, 0 to 1. */
  readonly ratio: number;
  /** Whether a trace that another process began keeps the decision of that process. */
  readonly isParentBased: boolean;
}

const variable = "OTEL_TRACES_SAMPLER";
const ratioVariable = `${variable}_ARG`;
const parentBased = "parentbased_";
/** The ratios of the samplers. Undefined for the ratio of the second variable. */
const samplers: ReadonlyMap<string, number | undefined> = new Map([
  ["always_on", 1],
  ["always_off", 0],
  ["traceidratio", undefined],
]);

/**
 * Reads the variables of the OpenTelemetry specification for the sampler. An invalid value is reported and ignored, as
 * the specification asks: all traces are then recorded.
 *
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function samplerOf(settings: Settings): SamplerPlan {
  const given = settings.variable(variable)?.toLowerCase() ?? "parentbased_always_on";
  const isParentBased = given.startsWith(parentBased);
  const name = isParentBased ? given.slice(parentBased.length) : given;
  if (!samplers.has(name)) {
    const names = [...samplers.keys()].flatMap((known) => [known, `${parentBased}${known}`]);
    ignored(variable, given, `one of ${names.join(", ")}`);
    return { ratio: 1, isParentBased: true };
  }
  return { ratio: samplers.get(name) ?? ratioOf(settings), isParentBased };
}

function ratioOf(settings: Settings): number {
  const given = settings.variable(ratioVariable);
  const ratio = Number(given);
  if (given !== undefined && ratio >= 0 && ratio <= 1) return ratio;
  ignored(ratioVariable, given, "a number from 0 to 1");
  return 1;
}

function ignored(name: string, value: unknown, rule: string): void {
  reportOnce(`isotel: ${name} is ${shapeOf(value)}; it has to be ${rule}. All traces are recorded`);
}
