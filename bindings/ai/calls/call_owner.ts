import type { Span, SpanOptions } from "../../trace/span.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import type { Redact } from "../../trace/user_attributes.ts";
import type { ContentPolicy } from "../content/policy.ts";
import type { SpanInfo } from "../options.ts";
import type { Identity } from "./identity.ts";

/** A span with which a model call ends, for whoever started it. */
export interface OwnedCall {
  /** Ends the call if it is still open. */
  closeWith(outcome: number): void;
}

/** What the spans inside an operation need of it. */
export interface SpanParent {
  readonly telemetry: Telemetry;
  readonly identity: Identity;
  /** Returns the options of a child span. */
  childOptions(operation: number, info: SpanInfo): SpanOptions;
  /** Adds the attributes that the user's hook returns to a span that starts. */
  enrich(span: Span, info: SpanInfo): void;
}

/** A request that a tool be approved. */
export interface ApprovalRequest {
  readonly toolName: string;
  readonly toolCallId: string | undefined;
}

/** What a model call belongs to: an operation, or a function that only calls a model. */
export interface CallOwner extends SpanParent {
  readonly content: ContentPolicy;
  readonly isStream: boolean;
  readonly outputType: string;
  readonly isClosed: boolean;
  /** The outcome of a model call that finds its owner closed. */
  readonly lateOutcome: number;
  /** Records tools that need approval. Absent where there is no operation. */
  readonly approvals?: { providerAsks(request: ApprovalRequest): void };
  /** Returns the user's redaction for one span. */
  redactor(info: SpanInfo): Redact | undefined;
  /** Notes a signal under which a model call runs. Anything else is ignored. */
  noteSignal(signal: unknown): void;
  /** Notes why a model call failed. */
  noteFailure(cause: unknown): void;
  callStarted(call: OwnedCall): void;
  /** The stream of a model call broke off. */
  modelStreamFailed?(cause: unknown): void;
  /** Returns whether the call was still open. */
  callEnded(call: OwnedCall): boolean;
}
