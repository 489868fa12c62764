import type { Approvals } from "../approvals/approvals.ts";
import type { AIOperation } from "./operation.ts";

/** A span with which a model call ends, for whoever started it. */
export interface OwnedCall {
  /** Ends the call if it is still open. */
  closeWith(outcome: number): void;
}

/** What a model call belongs to: an operation, or a function that only calls a model. */
export type CallOwner = Pick<
  AIOperation,
  | "telemetry"
  | "identity"
  | "content"
  | "isStream"
  | "outputType"
  | "isClosed"
  | "lateOutcome"
  | "childOptions"
  | "redactor"
  | "enrich"
  | "noteSignal"
  | "noteFailure"
> & {
  /** Where tools that need approval can be told of. */
  readonly approvals?: Pick<Approvals, "providerAsks">;
  callStarted(call: OwnedCall): void;
  /** The stream of a model call broke off. */
  modelStreamFailed?(cause: unknown): void;
  /** Whether the call was still open. */
  callEnded(call: OwnedCall): boolean;
};
