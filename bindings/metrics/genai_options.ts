import { type OptionNames, reportUnknownOption } from "../base/options.ts";
import { shapeOf } from "../base/values.ts";
import { Abi, Limits } from "../core/abi.gen.ts";
import { type ModelPrice, readPrices, type TokenPrices } from "../core/prices.ts";
import { isIntegerIn } from "./bounds.ts";

export type { TokenPrices } from "../core/prices.ts";

/** Options for the metrics of AI SDK calls. */
export interface GenAiMetricsOptions {
  /** Whether to also record metrics under deprecated names of the GenAI conventions. Default: false. */
  readonly formerNames?: boolean;
  /** Prices by the model id of requests, at most 1,000, for costs that no provider reports. Default: none. */
  readonly prices?: Readonly<Record<string, TokenPrices>>;
  /**
   * The currency of `prices` and of all costs. Costs that providers report are in US dollars and count only if it is
   * `USD`. Default: `USD`.
   */
  readonly currency?: string;
}

const optionNames: OptionNames<GenAiMetricsOptions> = {
  formerNames: true,
  prices: true,
  currency: true,
};

/** Limit of `metrics.maxLabelValues`: the core's table of texts has room for every label. */
const maxLabelValuesLimit = 500;

/** Reads `metrics.maxLabelValues`. Reports an invalid number and uses the default. */
export function readMaxLabelValues(value: unknown, report: (message: string) => void): number {
  if (value === undefined) return Limits.defaultLabelValues;
  if (isIntegerIn(value as number, 1, maxLabelValuesLimit)) return value as number;
  report(
    `isotel: metrics.maxLabelValues is ${shapeOf(value)}; it has to be an integer from 1 to ` +
      `${maxLabelValuesLimit}. ${Limits.defaultLabelValues} is used`,
  );
  return Limits.defaultLabelValues;
}

/** The options in the form that the core takes. */
export interface SpanMeasures {
  readonly flags: number;
  readonly currency: string;
  readonly prices: readonly ModelPrice[];
}

const maxCurrencyUnits = 16;

/**
 * Reads `metrics.genAi`. Reports invalid options and ignores them.
 *
 * @param value the value of the option, of any type.
 * @param maxLabelValues limit of distinct values of each label.
 * @returns undefined if spans are not to be measured.
 */
export function readGenAi(
  value: unknown,
  report: (message: string) => void,
  maxLabelValues: number = Limits.defaultLabelValues,
): SpanMeasures | undefined {
  if (value === false) return undefined;
  if (value !== undefined && value !== true && !isObject(value)) {
    report(
      `isotel: metrics.genAi is ${shapeOf(value)}; it has to be false or an object with ` +
        "formerNames, prices or currency. The defaults are used",
    );
  }
  const options = isObject(value) ? value : {};
  reportUnknownOption("isotel: metrics.genAi", options, optionNames);
  return {
    flags:
      (options["formerNames"] === true ? Abi.genaiFormerNames : 0) |
      (maxLabelValues << Abi.genaiValuesShift),
    currency: currencyOf(options["currency"], report),
    prices: readPrices(options["prices"], "metrics.genAi.prices", (problem, effect) =>
      report(`isotel: ${problem}. ${effect}`),
    ),
  };
}

function currencyOf(value: unknown, report: (message: string) => void): string {
  if (value === undefined) return "USD";
  if (typeof value === "string" && /^\w+$/.test(value) && value.length <= maxCurrencyUnits) {
    return value;
  }
  report(
    `isotel: metrics.genAi.currency is ${shapeOf(value)}; it has to be a code such as "EUR". ` +
      "USD is used",
  );
  return "USD";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
