import { APIConnectionError, APIConnectionTimeoutError, APIError } from "cloudflare/error";
import { BaseAIGateway } from "cloudflare/resources/ai-gateway/ai-gateway";
import { BaseNamespaces } from "cloudflare/resources/kv/namespaces/namespaces";
import { BaseJobs } from "cloudflare/resources/logpush/jobs";
import { BaseQueues } from "cloudflare/resources/queues/queues";
import { BaseDestinations } from "cloudflare/resources/workers/observability/destinations";
import { createClient } from "cloudflare/tree-shakable";
import { CliError, type CommandCall, option, usageError, variable } from "../command.ts";

const resources = [BaseAIGateway, BaseNamespaces, BaseJobs, BaseQueues, BaseDestinations] as const;
const defaultBaseUrl = "https://api.cloudflare.com/client/v4";
const timeoutMs = 30_000;

function makeClient(apiToken: string, baseURL: string) {
  return createClient({
    resources,
    apiToken,
    // Otherwise the client would read other credentials from the environment.
    apiKey: null,
    apiEmail: null,
    userServiceKey: null,
    baseURL,
    timeout: timeoutMs,
    // Its log would contain headers and bodies.
    logLevel: "off",
  });
}

export type Client = ReturnType<typeof makeClient>;

/** Cloudflare's API for one account. */
export interface Api {
  readonly client: Client;
  readonly account: string;
}

/** Options of every command that calls the API. */
export const apiOptions = {
  "account-id": option("ID", "The account. Default: CLOUDFLARE_ACCOUNT_ID"),
} as const;

/**
 * Opens the API with the token and the account of the environment.
 *
 * @param configured The account in the configuration file.
 * @throws CliError if token or account is missing.
 */
export function openApi({ io, secrets, text }: CommandCall, configured?: string): Api {
  const token = variable(io, "CLOUDFLARE_API_TOKEN");
  if (token === undefined) {
    throw usageError(
      "CLOUDFLARE_API_TOKEN is not set: create a token at https://dash.cloudflare.com/profile/api-tokens and export it",
    );
  }
  secrets.add(token);
  const account = text("account-id") ?? variable(io, "CLOUDFLARE_ACCOUNT_ID") ?? configured;
  if (account === undefined) {
    throw usageError(
      "CLOUDFLARE_ACCOUNT_ID is not set: export it or give --account-id; `npx wrangler whoami` shows it",
    );
  }
  if (!/^[0-9a-f]{32}$/i.test(account)) {
    throw usageError(
      `the account's identifier is a text of ${account.length} characters; it has to be 32 ` +
        `hexadecimal digits, as \`npx wrangler whoami\` shows them`,
    );
  }
  const baseUrl = variable(io, "CLOUDFLARE_BASE_URL") ?? defaultBaseUrl;
  return { client: makeClient(token, checked(baseUrl)), account };
}

/** Returns the base URL. The token must not be sent unencrypted. */
function checked(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const isHere =
    url?.protocol === "http:" && /^(127\.0\.0\.1|localhost|\[::1\])$/.test(url.hostname);
  if (url?.protocol === "https:" || isHere) return baseUrl;
  throw usageError("CLOUDFLARE_BASE_URL has to begin with https://");
}

const pageSize = 100;
/** Maximum number of pages. No account has more. */
const maxPages = 1000;

/** One page of a list. The client does not load the next page by itself. */
interface Page<T> {
  readonly result?: readonly T[] | null;
}

/**
 * Returns all items of a paginated list.
 *
 * @param idOf Returns the id of an item. An endpoint without pagination repeats its only page, which the ids reveal.
 */
export async function allPages<T>(
  load: (page: number, size: number) => PromiseLike<Page<T>>,
  idOf: (item: T) => unknown,
): Promise<T[]> {
  const items = new Map<unknown, T>();
  for (let page = 1; page <= maxPages; page += 1) {
    const { result } = await load(page, pageSize);
    const before = items.size;
    for (const item of result ?? []) items.set(idOf(item), item);
    if ((result?.length ?? 0) < pageSize || items.size === before) break;
  }
  return [...items.values()];
}

/** Describes a request for its error messages. */
export interface Asked {
  /** The action, such as "read the queues". */
  readonly to: string;
  /** The permission that the token needs. */
  readonly permission: string;
  /** The object of the request, such as `the gateway "shop"`. */
  readonly subject: string;
}

const maxReasonLength = 300;

/**
 * Runs a request. Converts an error of the API into one line that says what to do.
 *
 * @throws CliError if the API returns an error.
 */
export function ask<T>(asked: Asked, request: () => PromiseLike<T>): Promise<T> {
  return explained(asked, request, "nothing was changed; try again later");
}

/** Like `ask`, for a request that writes. It is sent once: `request` passes its argument to the client. */
export function change<T>(
  asked: Asked,
  request: (once: { readonly maxRetries: 0 }) => PromiseLike<T>,
): Promise<T> {
  const advice = "a change may have been made; check before you try again";
  return explained(asked, () => request({ maxRetries: 0 }), advice);
}

/** @param advice What to do if the outcome of the request is unknown. */
async function explained<T>(
  asked: Asked,
  request: () => PromiseLike<T>,
  advice: string,
): Promise<T> {
  try {
    return await request();
  } catch (cause) {
    if (!(cause instanceof APIError)) throw cause;
    throw new CliError(`cannot ${asked.to}: ${explanation(cause, asked, advice)}`);
  }
}

function explanation(error: APIError, { permission, subject }: Asked, advice: string): string {
  if (error instanceof APIConnectionTimeoutError) {
    return `Cloudflare's API did not answer within ${timeoutMs / 1000} s: ${advice}`;
  }
  if (error instanceof APIConnectionError) {
    return "Cloudflare's API cannot be reached: check the network and try again";
  }
  const reason = reasonOf(error);
  switch (error.status) {
    case 401:
      return `the token is not accepted (401${reason}): CLOUDFLARE_API_TOKEN is wrong, expired or revoked`;
    case 403:
      return `the token has no permission for this (403${reason}): add "${permission}" for this account`;
    case 404:
      return `${subject} does not exist (404${reason}): check its name and CLOUDFLARE_ACCOUNT_ID`;
    case 409:
      return `${subject} already exists or has just been changed (409${reason}): check it and try again`;
    case 429:
      return `too many requests (429${reason}): try again ${waitOf(error)}`;
    default:
  }
  if (error.status !== undefined && error.status >= 500) {
    return `Cloudflare's API failed (${error.status}${reason}): ${advice}`;
  }
  return `Cloudflare refused the request (${error.status}${reason})`;
}

/** Returns the first message of the API. */
function reasonOf(error: APIError): string {
  const [first] = error.errors as readonly { readonly code?: number; readonly message?: string }[];
  if (first?.message === undefined) return "";
  const text = `${first.message}`.replace(/\s+/g, " ").slice(0, maxReasonLength);
  return `, ${text}${first.code === undefined ? "" : ` [${first.code}]`}`;
}

function waitOf(error: APIError): string {
  const seconds = Number((error.headers as Headers | undefined)?.get("retry-after") ?? "");
  return seconds > 0 ? `in ${seconds} s` : "in a few minutes";
}
