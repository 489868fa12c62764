import { BaseAIGateway } from "cloudflare/resources/ai-gateway/ai-gateway";
import { BaseNamespaces } from "cloudflare/resources/kv/namespaces/namespaces";
import { BaseJobs } from "cloudflare/resources/logpush/jobs";
import { BaseQueues } from "cloudflare/resources/queues/queues";
import { BaseDestinations } from "cloudflare/resources/workers/observability/destinations";
import { createClient } from "cloudflare/tree-shakable";
import { usageError } from "../cli_error.ts";
import type { Invocation } from "../command.ts";
import { variable } from "../io.ts";

const resources = [BaseAIGateway, BaseNamespaces, BaseJobs, BaseQueues, BaseDestinations] as const;
const defaultBaseUrl = "https://api.cloudflare.com/client/v4";
const timeoutMs = 30_000;

function makeClient(apiToken: string, baseURL: string) {
  return createClient({
    resources,
    apiToken,
    // Other ways to sign in would be taken from the environment.
    apiKey: null,
    apiEmail: null,
    userServiceKey: null,
    baseURL,
    timeout: timeoutMs,
    // What it would log holds headers and bodies.
    logLevel: "off",
  });
}

export type Client = ReturnType<typeof makeClient>;

/** Cloudflare's API for one account. */
export interface Api {
  readonly client: Client;
  readonly account: string;
}

/** Options of every command that asks the API. */
export const apiOptions = { "account-id": { type: "string" } } as const;

/**
 * The API under the token and the account of the environment.
 *
 * @param configured the account a configuration names.
 * @throws CliError where one of them is missing.
 */
export function openApi({ io, secrets, text }: Invocation, configured?: string): Api {
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
      `the account's identifier is a text of ${account.length} characters; it has to be 32 hexadecimal digits, as \`npx wrangler whoami\` shows them`,
    );
  }
  const baseUrl = variable(io, "CLOUDFLARE_BASE_URL") ?? defaultBaseUrl;
  return { client: makeClient(token, checked(baseUrl)), account };
}

/** The token goes there: it does not travel in the clear. */
function checked(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const isHere =
    url?.protocol === "http:" && /^(127\.0\.0\.1|localhost|\[::1\])$/.test(url.hostname);
  if (url?.protocol === "https:" || isHere) return baseUrl;
  throw usageError("CLOUDFLARE_BASE_URL has to begin with https://");
}
