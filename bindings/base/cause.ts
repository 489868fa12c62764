import { maskSecrets } from "./address.ts";
import { cutToBytes } from "./bytes.ts";

/**
 * Whether a cause is a cancellation: the caller or the runtime aborted the work. Checks `name`, because a DOMException
 * is not always an Error.
 */
export function isCancellation(cause: unknown): boolean {
  return nameOf(cause) === "AbortError";
}

/** Whether a cause is a timeout, such as the reason of `AbortSignal.timeout()`. */
export function isTimeout(cause: unknown): boolean {
  return nameOf(cause) === "TimeoutError";
}

/** Returns the type and the message of a cause for the console. Masks secrets in addresses. Never throws. */
export function describeCause(cause: unknown): string {
  const message = maskSecrets(messageOf(cause));
  return message.startsWith("isotel: ")
    ? message.slice("isotel: ".length)
    : `${errorType(cause)}: ${message}`;
}

function messageOf(cause: unknown): string {
  try {
    return String((cause as { message?: unknown } | undefined)?.message ?? cause);
  } catch {
    return "no message";
  }
}

/** The texts that may be an `error.type`. Other texts may contain private data and may differ for each error. */
const typeName = /^[A-Za-z_$][\w.$:-]{0,63}$/;

/**
 * Returns the `error.type` of a cause. Never the message.
 *
 * - An Error: its name, or `Error` if the name is longer than 64 characters or has characters that identifiers do not
 * have.
 * - Another object: its `type`, or that of its `error`. Providers send such errors in their streams.
 * - Any other value: its `typeof`.
 */
export function errorType(cause: unknown): string {
  if (isError(cause)) {
    const name = typeIn(cause, "name") ?? "Error";
    // The AI SDK wraps stream errors that are not an Error.
    return name === "AI_StreamProviderError" ? (typeIn(cause, "type") ?? name) : name;
  }
  return typeIn(cause, "type") ?? typeIn(valueIn(cause, "error"), "type") ?? typeof cause;
}

/** A few words: letters, digits and the other characters of identifiers. */
const fewWords = /^(?=.{1,64}$)[A-Za-z_$][\w.$:-]*( [\w.$:-]+){0,3}$/;
/** Texts with more digits are identifiers of one request, or times. */
const maxDigits = 3;

/**
 * Returns the reason of an abort for an attribute: the type of an Error, or a text of a few words. Undefined for any
 * other value, for a text that may be different for each call, and for the error of an abort without a reason.
 */
export function abortReason(reason: unknown): string | undefined {
  if (isCancellation(reason)) return undefined;
  if (isError(reason)) return errorType(reason);
  if (typeof reason !== "string" || !fewWords.test(reason)) return undefined;
  return reason.replaceAll(/\D/g, "").length > maxDigits ? undefined : reason;
}

/** The failure of a request, from its response. */
export interface Failure {
  /** Status of the HTTP response, from 100 to 599. */
  readonly statusCode: number | undefined;
  /** The provider's code of the error, or its type if there is no code. Never the message. */
  readonly code: string | undefined;
}

/** The texts that may be an error code. */
const codeName = /^[\w.:-]{1,64}$/;
/** A longer body is not an error of a provider. */
const maxBodyUnits = 16_384;
const maxCauses = 5;

/**
 * Reads HTTP status and error code of a failed request. Finds them in the error of the AI SDK, in the last error of a
 * call that was retried, in the causes of an error, and in an error that a stream reports as an object. Never throws.
 */
export function failureOf(cause: unknown): Failure {
  let statusCode: number | undefined;
  let code: string | undefined;
  let node = cause;
  for (let depth = 0; depth < maxCauses && typeof node === "object" && node !== null; depth += 1) {
    const own = statusIn(node);
    statusCode ??= own;
    code ??= codeIn(node, own);
    node = valueIn(node, "lastError") ?? valueIn(node, "cause");
  }
  return { statusCode, code };
}

function statusIn(cause: unknown): number | undefined {
  const status = valueIn(cause, "statusCode") ?? valueIn(cause, "status");
  const isStatus = Number.isInteger(status) && Number(status) >= 100 && Number(status) <= 599;
  return isStatus ? Number(status) : undefined;
}

function codeIn(cause: unknown, statusCode: number | undefined): string | undefined {
  const body = valueIn(cause, "data") ?? parsedBody(valueIn(cause, "responseBody"));
  // Any Error may have a code. The code is the provider's only if the error has the status of a response.
  const own = isError(cause) && statusCode === undefined ? undefined : cause;
  for (const source of [errorIn(body), body, errorIn(own), own]) {
    for (const key of ["code", "type", "status"]) {
      const code = valueIn(source, key);
      const name = typeof code === "number" ? String(code) : code;
      if (typeof name !== "string" || !codeName.test(name)) continue;
      // Some providers repeat the status as the code, or use the type "error" for every error.
      if (name !== "error" && name !== String(statusCode)) return name;
    }
  }
  return undefined;
}

/** Returns the error in a body: `{error}`, or the first of `{errors}`. */
function errorIn(body: unknown): unknown {
  const error = valueIn(body, "error") ?? valueIn(body, "errors");
  return valueIn(error, "0") ?? error;
}

function parsedBody(body: unknown): unknown {
  if (typeof body !== "string" || body.length > maxBodyUnits) return undefined;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

/** Matches a key in an error message, with the text before it. */
const keyInMessage = /\b(Bearer\s+|(?:sk|pk|rk|gsk|xai|pplx|hf|key)[-_])[\w.~+/=*-]{8,}/gi;
const maxMessageBytes = 1024;

/** Returns the message of a cause, at most 1,024 bytes of UTF-8. Masks keys and the secrets in addresses. */
export function errorMessage(cause: unknown): string | undefined {
  const message =
    typeof cause === "string"
      ? cause
      : (valueIn(cause, "message") ?? valueIn(valueIn(cause, "error"), "message"));
  if (typeof message !== "string" || message === "") return undefined;
  // Masks before it cuts, because a secret cannot be recognized in a part of an address.
  const clean = maskSecrets(message.slice(0, maxBodyUnits)).replace(keyInMessage, "$1REDACTED");
  return cutToBytes(clean, maxMessageBytes);
}

function typeIn(cause: unknown, key: string): string | undefined {
  const type = valueIn(cause, key);
  return typeof type === "string" && typeName.test(type) ? type : undefined;
}

// Causes are user objects: a getter or a proxy may throw.
/** Whether a value is an Error. Never throws. */
export function isError(cause: unknown): boolean {
  try {
    return cause instanceof Error;
  } catch {
    return false;
  }
}

function nameOf(cause: unknown): unknown {
  return valueIn(cause, "name");
}

/** Returns a property of an object. Undefined if there is none or its getter throws. */
export function valueIn(cause: unknown, key: string): unknown {
  if (typeof cause !== "object" || cause === null) return undefined;
  try {
    return (cause as Readonly<Record<string, unknown>>)[key];
  } catch {
    return undefined;
  }
}

/** How a body ended: the value it returned or the cause it threw. */
export type Outcome = { readonly result: unknown } | { readonly cause: unknown };
