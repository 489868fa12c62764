export {
  type AIGatewayProvider,
  type AIGatewayTarget,
  aiGatewayBaseURL,
  aiGatewayProviders,
} from "./base_url.ts";
export { type AIGatewayConfiguration, configureAIGateway } from "./configure.ts";
export type {
  AIGatewayCache,
  AIGatewayCost,
  AIGatewayMetadata,
  AIGatewayOptions,
  AIGatewayRetry,
} from "./options.ts";
