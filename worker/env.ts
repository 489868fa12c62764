/** What may be configured; without any of it the scripted model answers. */
export interface Env {
  /** "scripted" keeps the scripted model although there is a key. */
  readonly MODEL?: string;
  readonly OPENAI_API_KEY?: string;
  readonly OPENAI_MODEL?: string;
  /** Both set: requests to OpenAI travel through this AI Gateway. */
  readonly CLOUDFLARE_ACCOUNT_ID?: string;
  readonly AI_GATEWAY_ID?: string;
}

declare global {
  namespace Cloudflare {
    // Gives `exports` of "cloudflare:workers" its type.
    interface GlobalProps {
      mainModule: typeof import("./index.ts");
    }
  }
}
