import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAI as createOpenAIV6 } from "ai-sdk-openai-v6";
import {
  type AIGatewayConfiguration,
  type AIGatewayOptions,
  type AIGatewayProvider,
  aiGatewayBaseURL,
  aiGatewayProviders,
  configureAIGateway,
} from "isotel/gateway";
import { expectTrue, type Same } from "./expect.ts";

// Providers of the AI SDK take the configuration as it is, in both majors.
const configuration = configureAIGateway({ provider: "openai" });
expectTrue<Same<typeof configuration, AIGatewayConfiguration>>();
createOpenAI({ apiKey: "key", ...configuration });
createOpenAIV6({ apiKey: "key", ...configuration });

expectTrue<Same<ReturnType<typeof aiGatewayBaseURL>, string>>();
aiGatewayBaseURL({ accountId: "a", gatewayId: "g", provider: "compat" });
aiGatewayBaseURL({ provider: "custom-my-models" });
const provider: AIGatewayProvider | undefined = aiGatewayProviders[0];
aiGatewayBaseURL({ provider: provider ?? "compat" });
// @ts-expect-error there is no such provider
aiGatewayBaseURL({ provider: "open-ai" });
// @ts-expect-error a provider has to be given
aiGatewayBaseURL({ accountId: "a", gatewayId: "g" });

const options: AIGatewayOptions = {
  provider: "anthropic",
  apiToken: false,
  metadata: { team: "shop", user: 7, test: true },
  cache: { ttlSeconds: 60, key: "k", skip: false },
  retry: { maxAttempts: 2, delayMs: 10, backoff: "exponential" },
  customCost: { perTokenIn: 1, perTokenOut: 2 },
  fetch: globalThis.fetch,
};
configureAIGateway(options);
configureAIGateway({ provider: "compat", customCost: { total: 1 } });
// @ts-expect-error metadata has no objects
configureAIGateway({ provider: "compat", metadata: { user: {} } });
// @ts-expect-error there is no such backoff
configureAIGateway({ provider: "compat", retry: { backoff: "fast" } });
// @ts-expect-error a price has both sides
configureAIGateway({ provider: "compat", customCost: { perTokenIn: 1 } });
// @ts-expect-error there is no such option
configureAIGateway({ provider: "compat", cacheTtl: 60 });
