import { maskSecrets } from "../base/address.ts";
import { isList, record, shapeOf } from "../base/values.ts";
import { Limits } from "../core/abi.gen.ts";
import { isName, nameRule, shownLabel } from "./definitions.ts";
import { labelText } from "./labels.ts";
import type { Report } from "./worker_options.ts";

/** Labels of every series of an isolate. */
export interface ConstantLabels {
  /** In the layout of isotel_metrics_constant_labels(). */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly count: number;
}

const maxConstantLabels = 8;
const overflowLabel = "otel_metric_overflow";
/** Labels that expositions add. */
const reserved = ["le", "quantile", "isotel_definition", overflowLabel];

/**
 * Reads `metrics.constantLabels`. Reports each invalid label and leaves it out. A label with an empty text is not set.
 *
 * @returns undefined without labels.
 */
export function readConstantLabels(value: unknown, report: Report): ConstantLabels | undefined {
  if (value === undefined) return undefined;
  const where = "metrics.constantLabels";
  const labels = record(value);
  if (labels === undefined || isList(labels)) {
    const rule = 'an object such as { service: "shop" }';
    report(`isotel: ${where} is ${shapeOf(value)}; it has to be ${rule}. No label is added`);
    return undefined;
  }
  const refuse = (field: string, wrong: unknown, rule: string) =>
    report(`isotel: ${field} is ${shapeOf(wrong)}; it has to be ${rule}. The label is left out`);
  // First, so that overflow series have room for it.
  let bytes = encoded(overflowLabel, "");
  const names: string[] = [];
  for (const [name, given] of Object.entries(labels)) {
    const shown = shownLabel(name);
    const alike = names.find((other) => shownLabel(other) === shown);
    const text = labelText(given);
    const nameField = `the name ${JSON.stringify(name)} in ${where}`;
    if (!isName(name) || name.startsWith("__")) {
      refuse(nameField, name, `${nameRule}, and not to begin with "__"`);
    } else if (reserved.includes(shown)) {
      refuse(nameField, name, `a name other than ${reserved.join(", ")}, which expositions add`);
    } else if (alike !== undefined) {
      const rule = `a name that expositions do not show as ${shown}, like ${JSON.stringify(alike)}`;
      refuse(nameField, name, rule);
    } else if (text === undefined) {
      refuse(`${where}.${name}`, given, "a string, a number or a boolean");
    } else if (names.length === maxConstantLabels) {
      refuse(`${where}.${name}`, given, `one of at most ${maxConstantLabels} labels`);
    } else if (text !== "") {
      const longer = Uint8Array.of(...bytes, ...encoded(name, maskSecrets(text)));
      if (longer.length > Limits.maxConstantLabelBytes) {
        const rule = `shorter: constant labels have at most ${Limits.maxConstantLabelBytes} bytes together`;
        refuse(`${where}.${name}`, given, rule);
        continue;
      }
      names.push(name);
      bytes = longer;
    }
  }
  return names.length === 0 ? undefined : { bytes, count: names.length };
}

/** Returns texts, each with its length as a varint in front. */
function encoded(...texts: readonly string[]): Uint8Array<ArrayBuffer> {
  const parts = texts.map((text) => new TextEncoder().encode(text));
  return Uint8Array.from(
    parts.flatMap((part) => {
      const { length } = part;
      const size = length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7];
      return [...size, ...part];
    }),
  );
}
