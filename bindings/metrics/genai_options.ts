import { type OptionNames, reportUnknownOption } from "../base/options.ts";
import { shapeOf } from "../base/values.ts";
import { Abi } from "../core/abi.gen.ts";

/** Prices of a million tokens of a model, in the currency of the options. */
export interface TokenPrices {
  /** Price of input tokens, at least 0. */
  readonly input: number;
  /** Price of output tokens, at least 0. */
  readonly output: number;
  /** Price of input tokens that are read from the provider's cache. Default: `input`. */
  readonly cacheRead?: number;
  /** Price of input tokens that are written to the provider's cache. Default: `input`. */
  readonly cacheWrite?: number;
}

/** Options for the metrics of AI SDK calls. */
export interface GenAiMetricsOptions {
  /** Whether to also record metrics under deprecated names of the GenAI conventions. Default: false. */
  readonly formerNames?: boolean;
  /** Prices by the model id of requests, at most 1,000, for the counter `isotel.gen_ai.cost`. Default: no costs. */
  readonly prices?: Readonly<Record<string, TokenPrices>>;
  /** The currency of `prices`. Default: `USD`. */
  readonly currency?: string;
}

const optionNames: OptionNames<GenAiMetricsOptions> = {
  formerNames: true,
  prices: true,
  currency: true,
};

/** The prices of one model. NaN selects the input price for cached tokens. */
export interface ModelPrice {
  readonly model: string;
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/** The options in the form that the core takes. */
export interface SpanMeasures {
  readonly flags: number;
  readonly currency: string;
  readonly prices: readonly ModelPrice[];
}

const maxPrices = 1000;
const maxCurrencyUnits = 16;

/**
 * Reads `metrics.genAi`. Reports invalid options and ignores them.
 *
 * @param value the value of the option, of any type.
 * @returns undefined if spans are not to be measured.
 */
export function readGenAi(
  value: unknown,
  report: (message: string) => void,
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
    flags: options["formerNames"] === true ? Abi.genaiFormerNames : 0,
    currency: currencyOf(options["currency"], report),
    prices: pricesOf(options["prices"], report),
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

function pricesOf(value: unknown, report: (message: string) => void): ModelPrice[] {
  if (value === undefined) return [];
  if (!isObject(value)) {
    report(
      `isotel: metrics.genAi.prices is ${shapeOf(value)}; it has to be an object with prices by model`,
    );
    return [];
  }
  const entries = Object.entries(value);
  if (entries.length > maxPrices) {
    report(
      `isotel: metrics.genAi.prices has ${entries.length} models; it may have at most ${maxPrices}. ` +
        "The models after that have no price",
    );
  }
  return entries
    .slice(0, maxPrices)
    .map(([model, price]) => priceOf(model, price, report))
    .filter((price) => price !== undefined);
}

function priceOf(
  model: string,
  value: unknown,
  report: (message: string) => void,
): ModelPrice | undefined {
  const where = `metrics.genAi.prices[${JSON.stringify(model)}]`;
  if (!isObject(value)) {
    report(
      `isotel: ${where} is ${shapeOf(value)}; it has to be an object with input and output. It is left out`,
    );
    return undefined;
  }
  const { input, output, cacheRead = Number.NaN, cacheWrite = Number.NaN } = value;
  const prices = { input, output, cacheRead, cacheWrite };
  const wrong = Object.entries(prices).find(
    ([name, price]) => !isPrice(price) && value[name] !== undefined,
  );
  const missing = Object.entries({ input, output }).find(([, price]) => price === undefined);
  const [name, price] = wrong ?? missing ?? [];
  if (name !== undefined) {
    report(
      `isotel: ${where}.${name} is ${shapeOf(price)}; it has to be the price of a million tokens, ` +
        "a number of at least 0. The model has no price",
    );
    return undefined;
  }
  return { model, ...prices } as ModelPrice;
}

function isPrice(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
