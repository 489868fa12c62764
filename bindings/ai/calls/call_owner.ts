import type { Span, SpanOptions } from "../../trace/span.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import type { Redact } from "../../trace/user_attributes.ts";
import type { Part } from "../content/parts.ts";
import type { ContentPolicy } from "../content/policy.ts";
import type { SpanInfo } from "../options.ts";
import type { Ending } from "./ending.ts";
import type { Identity } from "./identity.ts";

/** A model call with an open span. Its owner can end it. */
export interface OwnedCall {
  /** Ends the call if it is still open. */
  end(ending: Ending): void;
}

/** The operation that the spans of its tools and model calls belong to. */
export interface SpanParent {
  readonly telemetry: Telemetry;
  readonly identity: Identity;
  /** Returns the options of a child span. */
  childOptions(operation: number, info: SpanInfo): SpanOptions;
  /**
   * Adds the attributes of the user's `enrich` hook to a span that starts. If the owner has already ended, the span
   * ends with its invocation.
   */
  enrich(span: Span, info: SpanInfo): void;
}

/** A request to approve a tool call. */
export interface ApprovalRequest {
  readonly toolName: string;
  readonly toolCallId: string | undefined;
}

/** The owner of a model call: an operation, or a function that only calls a model. */
export interface CallOwner extends SpanParent {
  readonly content: ContentPolicy;
  readonly isStream: boolean;
  readonly outputType: string;
  readonly isClosed: boolean;
  /** The ending of a model call that ends after its owner. */
  readonly lateEnding: Ending;
  /**
   * Returns the ending of work that failed.
   *
   * @param signal A signal of the work itself.
   */
  endingOf(cause: unknown, signal?: unknown): Ending;
  /** Returns the ending of work that was stopped. Undefined if the call was not aborted. */
  abortEnding(): Ending | undefined;
  /** The step that the next model call belongs to, from 0. Undefined if the owner has no steps. */
  readonly stepNumber?: number;
  /** Notes the content of a model call that has ended, if the owner records its last answer. */
  noteAnswer?(parts: readonly Part[], finishReason: string | undefined): void;
  /** Returns the description of a tool of the call, if it is a text. Undefined if the owner is not an operation. */
  readonly clientTools?: { descriptionOf(toolName: string): string | undefined };
  /** Records tools that need approval. Undefined if the owner is not an operation. */
  readonly approvals?: { providerAsks(request: ApprovalRequest): void };
  /** Returns the user's redaction for one span. */
  redactor(info: SpanInfo): Redact | undefined;
  /** Notes a signal under which a model call runs. Anything else is ignored. */
  noteSignal(signal: unknown): void;
  /** Notes why a model call failed, and its ending. */
  noteFailure(cause: unknown, ending: Ending): void;
  callStarted(call: OwnedCall): void;
  /** Notes that the stream of a model call failed. */
  modelStreamFailed?(cause: unknown): void;
  /** Returns whether the call was still open. */
  callEnded(call: OwnedCall): boolean;
}
