import { invalid, shapeOf, variable } from "./check.ts";

/** The providers of AI Gateway by their names in its addresses. `compat` takes OpenAI's protocol for all of them. */
export const aiGatewayProviders = [
  "compat",
  "adobe-firefly",
  "anthropic",
  "aws-bedrock",
  "azure-openai",
  "cartesia",
  "cerebras",
  "cohere",
  "deepseek",
  "elevenlabs",
  "google-ai-studio",
  "google-vertex-ai",
  "grok",
  "groq",
  "huggingface",
  "mistral",
  "openai",
  "openrouter",
  "perplexity-ai",
  "replicate",
  "workers-ai",
] as const;

/** A provider AI Gateway knows, or `custom-` and the slug of one of the account's own. */
export type AIGatewayProvider = (typeof aiGatewayProviders)[number] | `custom-${string}`;

/** Which gateway, and which provider behind it. */
export interface AIGatewayTarget {
  /** 32 hexadecimal digits; the variable CLOUDFLARE_ACCOUNT_ID unless given. */
  readonly accountId?: string | undefined;
  /** The gateway's name; the variable CLOUDFLARE_GATEWAY_ID unless given. */
  readonly gatewayId?: string | undefined;
  readonly provider: AIGatewayProvider;
}

const origin = "https://gateway.ai.cloudflare.com";
const known: ReadonlySet<string> = new Set(aiGatewayProviders);

/**
 * The address of a provider behind AI Gateway, for whatever takes the address of that provider's API:
 * `https://gateway.ai.cloudflare.com/v1/{account}/{gateway}/{provider}`, without a slash at its end.
 *
 * @throws TypeError that names the field that is missing or cannot be one, and where to take it from.
 */
export function aiGatewayBaseURL(target: AIGatewayTarget): string {
  return `${gatewayURL(target)}/${readProvider(target.provider)}`;
}

/** The address of a gateway, which those of all its providers begin with. */
export function gatewayURL(target: AIGatewayTarget): string {
  const account = readField(target, "accountId", "CLOUDFLARE_ACCOUNT_ID");
  if (!isText(account.value, /^[0-9a-f]{32}$/i)) {
    throw invalid(
      account.name,
      account.value,
      "the 32 hexadecimal digits of the account, as `wrangler whoami` shows them",
    );
  }
  const gateway = readField(target, "gatewayId", "CLOUDFLARE_GATEWAY_ID");
  if (!isText(gateway.value, /^(?!\.{1,2}$)[^\s/\\]{1,64}$/)) {
    throw invalid(
      gateway.name,
      gateway.value,
      "the gateway's name alone, at most 64 characters without slashes or spaces",
    );
  }
  return `${origin}/v1/${account.value}/${encodeURIComponent(gateway.value)}`;
}

/** An option, or else the variable in its place; `name` is what to call it in an error. */
function readField(target: AIGatewayTarget, field: "accountId" | "gatewayId", fallback: string) {
  const given: unknown = target[field];
  if (given !== undefined) return { name: field, value: given };
  const value = variable(fallback);
  if (value === undefined) {
    throw new TypeError(
      `isotel/gateway: ${field} is missing: give the option ${field} or the variable ${fallback}`,
    );
  }
  return { name: `${field} (the variable ${fallback})`, value };
}

function isText(value: unknown, pattern: RegExp): value is string {
  return typeof value === "string" && pattern.test(value);
}

function readProvider(provider: unknown): string {
  if (isText(provider, /^custom-[a-z0-9][a-z0-9-]*$/i)) return provider;
  if (typeof provider === "string" && known.has(provider)) return provider;
  const allowed = `custom- and the slug of a provider of your own, or one of ${aiGatewayProviders.join(", ")}`;
  if (typeof provider !== "string") throw invalid("provider", provider, allowed);
  // A name that is none is shown for its misprint; an address, which may hold a key, is not.
  const isName = /^[\w./-]*$/.test(provider);
  const shown = isName ? JSON.stringify(provider.slice(0, 40)) : shapeOf(provider);
  throw new TypeError(`isotel/gateway: provider is ${shown}; it has to be ${allowed}`);
}
