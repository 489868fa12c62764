import { APIConnectionError, APIError } from "cloudflare/error";
import { CliError } from "../cli_error.ts";

/** What was asked of the API, for errors. */
export interface Asked {
  /** Such as "read the queues". */
  readonly to: string;
  /** What the token needs for it. */
  readonly permission: string;
  /** What may be missing or in the way, such as `the gateway "shop"`. */
  readonly subject: string;
}

const maxReasonLength = 300;

/**
 * Runs a request. What the API refuses becomes one line that says what to do.
 *
 * @throws CliError
 */
export async function ask<T>(asked: Asked, request: () => PromiseLike<T>): Promise<T> {
  try {
    return await request();
  } catch (cause) {
    if (!(cause instanceof APIError)) throw cause;
    throw new CliError(`cannot ${asked.to}: ${explanation(cause, asked)}`);
  }
}

function explanation(error: APIError, { permission, subject }: Asked): string {
  if (error instanceof APIConnectionError) {
    return "Cloudflare's API cannot be reached: check the network and try again";
  }
  const reason = reasonOf(error);
  switch (error.status) {
    case 401:
      return `the token is not accepted (401${reason}): CLOUDFLARE_API_TOKEN is wrong, expired or revoked`;
    case 403:
      return `the token may not do this (403${reason}): give it the permission "${permission}" for this account`;
    case 404:
      return `${subject} does not exist (404${reason}): check its name and CLOUDFLARE_ACCOUNT_ID`;
    case 409:
      return `${subject} is in the way or has just been changed (409${reason}): list what there is and try again`;
    case 429:
      return `too many requests (429${reason}): try again ${waitOf(error)}`;
    default:
  }
  if (error.status !== undefined && error.status >= 500) {
    return `Cloudflare's API failed (${error.status}${reason}): list what there is before you try again, it may have been done`;
  }
  return `Cloudflare refuses it (${error.status}${reason})`;
}

/** What the API says of it, in its own words. */
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
