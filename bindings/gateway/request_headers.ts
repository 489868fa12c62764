import { type OptionNames, unknownOption } from "../base/options.ts";
import {
  booleanHeader,
  integerHeader,
  invalid,
  jsonHeader,
  plainObject,
  textHeader,
  variable,
} from "./check.ts";
import type { AIGatewayCache, AIGatewayOptions, AIGatewayRetry } from "./options.ts";

const cacheNames: OptionNames<AIGatewayCache> = { ttlSeconds: true, key: true, skip: true };
const retryNames: OptionNames<AIGatewayRetry> = { maxAttempts: true, delayMs: true, backoff: true };
const costNames = { total: true, perTokenIn: true, perTokenOut: true } as const;

/** Cloudflare accepts 128 KB of request headers. The client's own headers need room too. */
const maxHeadersLength = 65_536;
const maxMetadataEntries = 5;
const minTtlSeconds = 60;
/** 31 days. */
const maxTtlSeconds = 2_678_400;
const maxAttempts = 5;
const maxDelayMs = 5000;
const maxTimeoutMs = 2_147_483_647;
const backoffs: readonly unknown[] = ["constant", "linear", "exponential"];

/**
 * Returns the headers with the settings of a request to AI Gateway.
 *
 * @throws TypeError if an option is invalid. Names the option and its allowed values.
 */
export function requestHeaders(options: AIGatewayOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  const set = <T>(name: string, value: T | undefined, write: (value: T) => string) => {
    if (value !== undefined) headers[`cf-aig-${name}`] = write(value);
  };
  const flag = (option: string) => (value: unknown) => booleanHeader(option, value);
  const { cache, retry, requestTimeoutMs } = options;
  const token = options.apiToken ?? variable("CLOUDFLARE_API_TOKEN");
  if (token !== false) set("authorization", token, bearer);
  set("metadata", options.metadata, metadataHeader);
  if (cache !== undefined) {
    knownObject("cache", cache, cacheNames);
    set("cache-ttl", cache.ttlSeconds, ttlHeader);
    set("cache-key", cache.key, (key) => textHeader("cache.key", key));
    set("skip-cache", cache.skip, flag("cache.skip"));
  }
  if (retry !== undefined) {
    knownObject("retry", retry, retryNames);
    set("max-attempts", retry.maxAttempts, (count) =>
      integerHeader("retry.maxAttempts", count, 1, maxAttempts, "attempts"),
    );
    set("retry-delay", retry.delayMs, (delay) =>
      integerHeader("retry.delayMs", delay, 0, maxDelayMs, "milliseconds"),
    );
    set("backoff", retry.backoff, backoffHeader);
  }
  set("collect-log", options.collectLog, flag("collectLog"));
  set("collect-log-payload", options.collectLogPayload, flag("collectLogPayload"));
  set("custom-cost", options.customCost, costHeader);
  set("event-id", options.eventId, (id) => textHeader("eventId", id));
  set("request-timeout", requestTimeoutMs, (timeout) =>
    integerHeader("requestTimeoutMs", timeout, 1, maxTimeoutMs, "milliseconds"),
  );
  assertSize(headers);
  return headers;
}

function assertSize(headers: Readonly<Record<string, string>>): void {
  const length = Object.values(headers).join("").length;
  if (length <= maxHeadersLength) return;
  const [largest = ""] = Object.keys(headers).sort(
    (a, b) => (headers[b] as string).length - (headers[a] as string).length,
  );
  throw new TypeError(
    `isotel/gateway: the headers have ${length} characters, ${(headers[largest] as string).length} of them in ` +
      `${largest}; they may have at most ${maxHeadersLength}: shorten its option`,
  );
}

/** Returns the properties of an option that is an object. Throws TypeError for other values and for unknown properties. */
function knownObject(option: string, value: unknown, names: Readonly<Record<string, true>>) {
  const object = plainObject(option, value);
  const unknown = unknownOption(`isotel/gateway: ${option}`, object, names);
  if (unknown !== undefined) throw new TypeError(unknown);
  return object;
}

function bearer(token: unknown): string {
  // A token contains no spaces. A token with its scheme, such as `Bearer x`, would be sent with two schemes.
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) {
    throw invalid("apiToken", token, "a Cloudflare API token without `Bearer`, or false");
  }
  return `Bearer ${token}`;
}

function metadataHeader(metadata: unknown): string {
  const entries = Object.entries(plainObject("metadata", metadata));
  if (entries.length > maxMetadataEntries) {
    throw new TypeError(
      `isotel/gateway: metadata has ${entries.length} entries; it may have at most ${maxMetadataEntries}`,
    );
  }
  for (const [key, value] of entries) {
    const name = `metadata[${JSON.stringify(key.slice(0, 40))}]`;
    if (key === "" || key.startsWith("cf.")) {
      throw new TypeError(
        `isotel/gateway: ${name} has an invalid key; a key must not be empty or begin with cf.`,
      );
    }
    const isScalar = typeof value === "string" || typeof value === "boolean";
    if (!isScalar && !Number.isFinite(value)) {
      throw invalid(name, value, "a string, a finite number, true or false");
    }
  }
  return jsonHeader(metadata);
}

function ttlHeader(ttl: unknown): string {
  if (ttl === 0) return "0";
  return integerHeader("cache.ttlSeconds", ttl, minTtlSeconds, maxTtlSeconds, "seconds");
}

function backoffHeader(backoff: unknown): string {
  if (backoffs.includes(backoff)) return String(backoff);
  throw invalid("retry.backoff", backoff, `"constant", "linear" or "exponential"`);
}

function costHeader(customCost: unknown): string {
  const { total, perTokenIn, perTokenOut } = knownObject("customCost", customCost, costNames);
  const isPrice = (value: unknown) =>
    typeof value === "number" && Number.isFinite(value) && value >= 0;
  if (isPrice(total)) return jsonHeader({ total_cost: total });
  if (total === undefined && isPrice(perTokenIn) && isPrice(perTokenOut)) {
    return jsonHeader({ per_token_in: perTokenIn, per_token_out: perTokenOut });
  }
  throw invalid(
    "customCost",
    customCost,
    "{ perTokenIn, perTokenOut } or { total }, in US dollars, at least 0",
  );
}
