import { isThenable } from "../../base/values.ts";
import type { SpanFields } from "../../core/span_fields.ts";
import type { Span } from "../../trace/span.ts";
import type { SpanContext } from "../../trace/span_runtime.ts";
import { activateSpan } from "../../trace/tracer.ts";
import type { Redact } from "../../trace/user_attributes.ts";
import { type ContentPolicy, noContent } from "../content/policy.ts";
import type { SpanInfo } from "../options.ts";
import type { CallOwner, OwnedCall } from "./call_owner.ts";
import { type CurrentCall, runInCall } from "./current_call.ts";
import { closeSpan, type Ending, truncating } from "./ending.ts";
import { completeGatewayAnswer, gatewayHeaders, noAnswer } from "./gateway_answer.ts";
import { InferenceEvent } from "./inference_event.ts";
import { redactedTarget } from "./redaction.ts";
import { addResponse, emptySummary, type ResponseSummary } from "./response.ts";

/** How many microtasks a late request may take to settle. */
const microtasksToSettle = 64;

/** One request to a model: its span, the summary of the response so far, and its end. */
export abstract class RequestCall implements OwnedCall, CurrentCall {
  readonly span: Span;
  protected readonly owner: CallOwner;
  protected readonly content: ContentPolicy;
  protected summary: ResponseSummary = emptySummary();
  /** Log records of the call, if it has any. */
  protected event: InferenceEvent | undefined;
  #hasOutput = false;
  #transportAnswer = noAnswer;

  protected constructor(owner: CallOwner, span: Span) {
    this.owner = owner;
    this.span = span;
    this.content = span.isMeasuredOnly ? noContent : owner.content;
    span.recordsErrors = this.content.errorMessages;
    span.onTruncate = () => this.interrupt(owner.isClosed ? owner.lateEnding : truncating);
  }

  /** Handles the result of the request. It may hold the stream of the response. */
  abstract settled(result: unknown): void;

  abstract fail(cause: unknown): void;

  /** Sends log records of the call as well, if the options ask for them. Call it before the span starts. */
  protected observe(redact: Redact | undefined): void {
    this.event = InferenceEvent.of(this.owner.telemetry, this.content, this.span, redact);
  }

  spanContext(): SpanContext | undefined {
    return this.span.isMeasuredOnly ? undefined : this.span.spanContext();
  }

  noteHeaders(headers: unknown): void {
    this.#transportAnswer = gatewayHeaders(headers);
  }

  end(ending: Ending): void {
    const fields = this.#endFields(ending);
    if (fields === undefined) return;
    this.event?.ends(ending);
    closeSpan(this.span, ending, fields);
  }

  /** Whether the request starts after its owner has ended, in no invocation that ends it. */
  get isLate(): boolean {
    return this.owner.isClosed && this.span.scope?.ended !== false;
  }

  /**
   * Ends a request that is late, because its model may never settle. A model that stops because it was aborted settles
   * before. Needs no timer, which may not fire after an invocation.
   */
  async endSoon(): Promise<void> {
    for (let i = 0; i < microtasksToSettle; i += 1) await undefined;
    this.owner.telemetry.guard(() => this.span.truncate());
  }

  /** Ends a call that was stopped. `ending` is for a call that was not aborted. */
  protected interrupt(ending: Ending): void {
    this.end(this.owner.abortEnding() ?? ending);
  }

  /** Notes that output has arrived. */
  protected noteOutput(): void {
    if (this.#hasOutput) {
      this.span.nextChunk();
      return;
    }
    this.#hasOutput = true;
    this.span.firstChunk();
  }

  /** Ends the open spans below the call. The call ends next. */
  protected endChildren(_ending: Ending): void {}

  /** Adds the content of the response to the finish fields. */
  protected addContent(_fields: SpanFields): void {}

  /** Returns the finish fields. Undefined if the call has already ended. */
  #endFields(ending: Ending): SpanFields | undefined {
    const { owner, span } = this;
    if (!owner.callEnded(this)) return undefined;
    owner.telemetry.guard(() => this.endChildren(ending));
    const fields = span.newFields();
    // Reading an object of the provider may throw. The span ends in any case.
    owner.telemetry.guard(() => {
      const { summary } = this;
      summary.gateway = completeGatewayAnswer(summary.gateway, this.#transportAnswer);
      addResponse(fields, summary);
      this.addContent(fields);
    });
    return fields;
  }
}

function settled(call: RequestCall, result: unknown): void {
  call.settled(result);
}

/**
 * Runs a request to a model inside its span. Runs it without a span if nothing records it.
 *
 * @param operation A code of `Operation`.
 * @param open Makes the call on its span.
 * @param settle Handles the result. Default: {@link RequestCall.settled}.
 */
export function runRequest<C extends RequestCall, T>(
  owner: CallOwner,
  operation: number,
  info: SpanInfo,
  open: (span: Span) => C,
  execute: () => T,
  settle: (call: C, result: unknown) => void = settled,
): T {
  const { telemetry } = owner;
  const options = owner.childOptions(operation, info);
  const target = redactedTarget(options.redact, "gen_ai.request.model", info.model);
  return activateSpan(telemetry, telemetry.nameOf(operation, target), options, (span) => {
    if (span === undefined) return execute();
    const call = telemetry.guard(() => open(span));
    if (call === undefined) {
      span.finish();
      return execute();
    }
    let pending: T;
    try {
      pending = runInCall(call, execute);
    } catch (cause) {
      telemetry.guard(() => call.fail(cause));
      throw cause;
    }
    if (!isThenable(pending)) {
      telemetry.guard(() => settle(call, pending));
      return pending;
    }
    if (call.isLate) void call.endSoon();
    return pending.then(
      (result) => {
        telemetry.guard(() => settle(call, result));
        return result;
      },
      (cause: unknown) => {
        telemetry.guard(() => call.fail(cause));
        throw cause;
      },
    ) as T;
  });
}
