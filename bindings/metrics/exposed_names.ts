import { utf8Length } from "../base/bytes.ts";
import { gaugeCodes, MetricKind, unitWords } from "../core/abi.gen.ts";
import type { Declaration } from "../core/declaration.ts";

/**
 * Returns the names that a metric occupies in text formats: those of its family and of its samples. A scraper that
 * accepts other characters than letters, digits, `_` and `:` sees different names, but others still see these. Source:
 * src/exposition/metric_names.cc, and the suffixes of the OpenMetrics specification.
 */
export function exposedNames(declaration: Declaration): string[] {
  const base = baseName(declaration);
  return suffixesOf(declaration.kind).map((suffix) => base + suffix);
}

function suffixesOf(kind: number): readonly string[] {
  if (kind === MetricKind.counter) return ["", "_total", "_created"];
  return isGauge(kind) ? [""] : ["", "_bucket", "_sum", "_count", "_created"];
}

function isGauge(kind: number): boolean {
  return (gaugeCodes as readonly number[]).includes(kind);
}

function baseName({ kind, name, unit }: Declaration): string {
  // Expositions add `_total` to the name of a counter.
  const stem = kind === MetricKind.counter ? name.replace(/(?<=.)_total$/s, "") : name;
  const word = unitWord(unit, kind);
  const hasUnit = word === "" || stem.endsWith(`_${word}`);
  return escaped(hasUnit ? stem : `${stem}_${word}`);
}

function escaped(name: string): string {
  return name.replace(/^[0-9]|[^A-Za-z0-9_:]/gu, "_");
}

/** Returns the last word of the name of a metric with this unit. Annotations have none. */
function unitWord(unit: string, kind: number): string {
  if (unit === "" || unit.startsWith("{")) return "";
  if (unit === "1") return isGauge(kind) ? "ratio" : "";
  if (Object.hasOwn(unitWords, unit)) return unitWords[unit as keyof typeof unitWords];
  return unit.replace(/[^A-Za-z0-9_]/gu, (character) => "_".repeat(utf8Length(character)));
}
