import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isEmittable, type Standing } from "./latest.ts";

/** A family as the exposition in JSON has it: units are words, and stand at the end of names. */
export interface SeenFamily {
  readonly name: string;
  readonly type: string;
  readonly unit: string;
  readonly series: readonly {
    readonly labels: Readonly<Record<string, string>>;
    /** Of a histogram: upper bounds and cumulative counts. */
    readonly buckets?: readonly (readonly [number | "+Inf", number])[];
  }[];
}

interface MetricConvention extends Standing {
  readonly instrument: string;
  readonly unit: string;
  readonly boundaries?: readonly number[];
  readonly attributes: Readonly<Record<string, string>>;
  readonly not_for?: readonly string[];
}

const { metrics, never_merged_metric_names: neverMerged } = JSON.parse(
  readFileSync(join(import.meta.dirname, "../data/gen-ai.json"), "utf8"),
) as {
  readonly metrics: Readonly<Record<string, MetricConvention>>;
  readonly never_merged_metric_names: readonly string[];
};

/** The name without its unit. */
export function conventionalName({ name, unit }: SeenFamily): string {
  return unit !== "" && name.endsWith(`_${unit}`) ? name.slice(0, -unit.length - 1) : name;
}

/** Returns the standing of a family that the conventions have. */
export const standingOf = (family: SeenFamily): Standing | undefined =>
  metrics[conventionalName(family)];

/**
 * What is wrong with a family by the conventions.
 *
 * @param former also takes names they have given up.
 */
export function metricViolations(family: SeenFamily, former: boolean): string[] {
  const { type, unit, series } = family;
  const name = conventionalName(family);
  const convention = metrics[name];
  if (convention === undefined || neverMerged.includes(name)) return ["no such metric"];
  const found: string[] = [];
  if (!isEmittable(convention) && !(former && convention.status === "removed")) {
    found.push(`status ${convention.status}`);
  }
  if (type !== convention.instrument) found.push(`a ${type}, not a ${convention.instrument}`);
  // What is in braces is an annotation and no word; the exact unit is checked where metrics are declared.
  const word = convention.unit === "s" ? "seconds" : "";
  if (unit !== word) found.push(`unit ${unit}, not ${word}`);
  for (const { labels, buckets } of series) {
    const bounds = buckets?.map(([bound]) => bound).filter((bound) => bound !== "+Inf");
    if (String(bounds) !== String(convention.boundaries)) found.push(`bounds ${String(bounds)}`);
    for (const key of Object.keys(labels)) {
      if (!(key in convention.attributes)) found.push(`label ${key}`);
    }
    for (const [key, level] of Object.entries(convention.attributes)) {
      if (level === "required" && !(key in labels)) found.push(`no ${key}`);
    }
    const operation = labels["gen_ai.operation.name"] ?? "";
    if (!former && convention.not_for?.includes(operation)) found.push(`not for ${operation}`);
  }
  return [...new Set(found)];
}
