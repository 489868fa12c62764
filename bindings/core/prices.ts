import { record, shapeOf } from "../base/values.ts";

/** Prices of a million tokens of a model. Their currency is that of `metrics.genAi`. Default: US dollars. */
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

/** The prices of one model. NaN selects the input price for cached tokens. */
export interface ModelPrice {
  readonly model: string;
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/** The number of models that may have prices in an isolate. */
export const maxPrices = 1000;

/**
 * Reads prices by the model id of requests.
 *
 * @param where the name of the option.
 * @param refuse receives each problem and its effect. Invalid prices are left out.
 */
export function readPrices(
  value: unknown,
  where: string,
  refuse: (problem: string, effect: string) => void,
): ModelPrice[] {
  if (value === undefined) return [];
  const prices = record(value);
  if (prices === undefined) {
    const problem = `${where} is ${shapeOf(value)}; it has to be an object with prices by model`;
    refuse(problem, "No model has a price");
    return [];
  }
  const entries = Object.entries(prices);
  if (entries.length > maxPrices) {
    refuse(
      `${where} has ${entries.length} models; it may have at most ${maxPrices}`,
      "The models after that have no price",
    );
  }
  return entries
    .slice(0, maxPrices)
    .map(([model, price]) =>
      priceOf(model, price, `${where}[${JSON.stringify(model)}]`, (problem) =>
        refuse(problem, "The model has no price"),
      ),
    )
    .filter((price) => price !== undefined);
}

function priceOf(
  model: string,
  value: unknown,
  where: string,
  refuse: (problem: string) => void,
): ModelPrice | undefined {
  const source = record(value);
  if (source === undefined) {
    refuse(`${where} is ${shapeOf(value)}; it has to be an object with input and output`);
    return undefined;
  }
  const { input, output, cacheRead = Number.NaN, cacheWrite = Number.NaN } = source;
  const prices = { input, output, cacheRead, cacheWrite };
  const wrong = Object.entries(prices).find(
    ([name, price]) => !isPrice(price) && source[name] !== undefined,
  );
  const missing = Object.entries({ input, output }).find(([, price]) => price === undefined);
  const [name, price] = wrong ?? missing ?? [];
  if (name !== undefined) {
    refuse(
      `${where}.${name} is ${shapeOf(price)}; it has to be the price of a million tokens, ` +
        "a number of at least 0",
    );
    return undefined;
  }
  return { model, ...prices } as ModelPrice;
}

function isPrice(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
