import { shapeOf } from "../base/values.ts";
import { Abi } from "../core/abi.gen.ts";

/** What a million tokens of a model cost, in the currency of the options. */
export interface TokenPrices {
  readonly input: number;
  readonly output: number;
  /** Of input tokens read from the provider's cache; `input` unless given. */
  readonly cacheRead?: number;
  /** Of input tokens written to it; `input` unless given. */
  readonly cacheWrite?: number;
}

/** How calls of the AI SDK are measured. */
export interface GenAiMetricsOptions {
  /** Record under the names that the GenAI conventions have given up, too; false unless given. */
  readonly formerNames?: boolean;
  /** Prices by the model's id in requests, for the counter `isotel.gen_ai.cost`. */
  readonly prices?: Readonly<Record<string, TokenPrices>>;
  /** What prices are in; `USD` unless given. */
  readonly currency?: string;
}

/** The price of one model; NaN where cached tokens have none of their own. */
export interface ModelPrice {
  readonly model: string;
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/** Options as the core takes them. */
export interface SpanMeasures {
  readonly flags: number;
  readonly currency: string;
  readonly prices: readonly ModelPrice[];
}

const maxPrices = 1000;
const maxCurrencyUnits = 16;

/**
 * Reads `metrics.genAi`. What is wrong with it is reported and left out.
 *
 * @param value whatever was given.
 * @returns undefined when spans are not to be measured.
 */
export function readGenAi(
  value: unknown,
  report: (message: string) => void,
): SpanMeasures | undefined {
  if (value === false) return undefined;
  if (value !== undefined && value !== true && !isObject(value)) {
    report(
      `isotel: metrics.genAi is ${shapeOf(value)}; it has to be false or an object with ` +
        "formerNames, prices or currency. Its defaults are used",
    );
  }
  const options = isObject(value) ? value : {};
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
      `isotel: metrics.genAi.prices has ${entries.length} models; there is room for ${maxPrices}. ` +
        "The others have no price",
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
  const given = { input, output, cacheRead, cacheWrite };
  const wrong = Object.entries(given).find(
    ([name, price]) => !isPrice(price) && value[name] !== undefined,
  );
  const missing = Object.entries({ input, output }).find(([, price]) => price === undefined);
  const [name, price] = wrong ?? missing ?? [];
  if (name !== undefined) {
    report(
      `isotel: ${where}.${name} is ${shapeOf(price)}; it has to be what a million tokens cost, ` +
        "0 or more. The model is left out",
    );
    return undefined;
  }
  return { model, ...given } as ModelPrice;
}

function isPrice(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
