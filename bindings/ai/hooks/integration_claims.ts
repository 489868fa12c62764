import { AsyncLocalStorage } from "node:async_hooks";

interface Claim {
  isTaken: boolean;
}

const claims = new AsyncLocalStorage<Claim>();
let isListening = false;

/** Says whether the channel is being traced; without it nobody asks for claims and none are made. */
export function setListening(value: boolean): void {
  isListening = value;
}

/** Runs a call of a v7 function that is traced already: what the channel says of it belongs to its tracer. */
export function runClaimed<T>(body: () => T): T {
  return isListening ? claims.run({ isTaken: false }, body) : body();
}

/** Whether the call that starts here is traced already. True once for each claim: calls inside are their own. */
export function takeClaim(): boolean {
  const claim = claims.getStore();
  if (claim === undefined || claim.isTaken) return false;
  claim.isTaken = true;
  return true;
}
