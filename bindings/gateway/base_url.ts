import { invalid, shapeOf, variable } from "./check.ts";

/** The providers of AI Gateway, by their names in its URLs. `compat` accepts the OpenAI protocol for all of them. */
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

/** A provider that AI Gateway supports, or `custom-` and the slug of a custom provider of the account. */
export type AIGatewayProvider = (typeof aiGatewayProviders)[number] | `custom-${string}`;

/** Selects a gateway and a provider behind it. */
export interface AIGatewayTarget {
  /** 32 hexadecimal digits. Default: the variable CLOUDFLARE_ACCOUNT_ID. */
  readonly accountId?: string | undefined;
  /** The name of the gateway. Default: the variable CLOUDFLARE_GATEWAY_ID. */
  readonly gatewayId?: string | undefined;
  /** The provider, for example `openai`. */
  readonly provider: AIGatewayProvider;
}

const origin = "https://gateway.ai.cloudflare.com";
const known: ReadonlySet<string> = new Set(aiGatewayProviders);

/**
 * Returns the base URL of a provider behind AI Gateway, for any client that takes a base URL of that provider's API:
 * `https://gateway.ai.cloudflare.com/v1/{account}/{gateway}/{provider}`, without a trailing slash.
 *
 * @throws TypeError if a field is missing or invalid. Names the field and where its value comes from.
 */
export function aiGatewayBaseURL(target: AIGatewayTarget): string {
  return `${gatewayURL(target)}/${readProvider(target.provider)}`;
}

/** Returns the URL of a gateway. The base URLs of all its providers begin with it. */
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
      "only the gateway's name, at most 64 characters without slashes or spaces",
    );
  }
  return `${origin}/v1/${account.value}/${encodeURIComponent(gateway.value)}`;
}

/** Returns the value of an option or of the variable that replaces it, with a name for error messages. */
function readField(target: AIGatewayTarget, field: "accountId" | "gatewayId", fallback: string) {
  const option: unknown = target[field];
  if (option !== undefined) return { name: field, value: option };
  const value = variable(fallback);
  if (value === undefined) {
    throw new TypeError(
      `isotel/gateway: ${field} is missing: set the option ${field} or the variable ${fallback}`,
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
  // An unknown name is shown, so that a typo can be found. A URL may contain a key and is not shown.
  const isName = /^[\w./-]*$/.test(provider);
  const shown = isName ? JSON.stringify(provider.slice(0, 40)) : shapeOf(provider);
  throw new TypeError(`isotel/gateway: provider is ${shown}; it has to be ${allowed}`);
}
