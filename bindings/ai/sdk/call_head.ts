import { agentName, isDisabled, type Params } from "../calls/identity.ts";

/** A call's spans are bounded by its invocation when its parameters carry this. */
const boundedKey = Symbol.for("cloudflare.agents.ai-sdk.invocation-bounded");

/** What may be read of a call before it is known to be traced. */
export interface CallHead {
  readonly isDisabled: boolean;
  readonly isBounded: boolean;
  readonly agentName: string | undefined;
}

export function callHead(params: Params): CallHead {
  return {
    isDisabled: isDisabled(params),
    isBounded: isBounded(params),
    agentName: agentName(params),
  };
}

export function isBounded(params: Params): boolean {
  return params[boundedKey] === true;
}
