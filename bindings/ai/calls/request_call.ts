import { isThenable } from "../../base/values.ts";
import { Outcome } from "../../core/abi.gen.ts";
import type { SpanFields } from "../../core/span_fields.ts";
import type { Span } from "../../trace/span.ts";
import type { SpanContext } from "../../trace/span_runtime.ts";
import { activateSpan } from "../../trace/tracer.ts";
import { type ContentPolicy, noContent } from "../content/policy.ts";
import type { SpanInfo } from "../options.ts";
import type { CallOwner, OwnedCall } from "./call_owner.ts";
import { type CurrentCall, runInCall } from "./current_call.ts";
import { completeGatewayAnswer, gatewayHeaders, noAnswer } from "./gateway_answer.ts";
import { redactedTarget } from "./redaction.ts";
import { addResponse, emptySummary, type ResponseSummary } from "./response.ts";

/** One request to a model: its span, what is known of the answer so far, and how it ends. */
export abstract class RequestCall implements OwnedCall, CurrentCall {
  readonly span: Span;
  protected readonly owner: CallOwner;
  protected readonly content: ContentPolicy;
  protected summary: ResponseSummary = emptySummary();
  #hasOutput = false;
  #toldByTransport = noAnswer;

  protected constructor(owner: CallOwner, span: Span) {
    this.owner = owner;
    this.span = span;
    this.content = span.isMeasuredOnly ? noContent : owner.content;
    span.onTruncate = () => this.closeWith(Outcome.truncated);
  }

  /** The request settled with a result, or with one that holds the stream of the answer. */
  abstract settled(result: unknown): void;

  abstract fail(cause: unknown): void;

  spanContext(): SpanContext | undefined {
    return this.span.isMeasuredOnly ? undefined : this.span.spanContext();
  }

  noteHeaders(headers: unknown): void {
    this.#toldByTransport = gatewayHeaders(headers);
  }

  closeWith(outcome: number): void {
    const fields = this.#endFields(outcome);
    if (fields !== undefined) this.span.close(outcome, fields);
  }

  protected closeWithCause(cause: unknown): void {
    const fields = this.#endFields(Outcome.failed);
    if (fields !== undefined) this.span.closeWithCause(cause, fields);
  }

  /** Output has arrived. */
  protected noteOutput(): void {
    if (this.#hasOutput) {
      this.span.nextChunk();
      return;
    }
    this.#hasOutput = true;
    this.span.firstChunk();
  }

  /** Ends what is open below the call, which ends next. */
  protected endChildren(_outcome: number): void {}

  /** Puts more of the answer than its summary into the finish fields. */
  protected addContent(_fields: SpanFields): void {}

  /** The finish fields; undefined when the call has ended before. */
  #endFields(outcome: number): SpanFields | undefined {
    const { owner, span } = this;
    if (!owner.callEnded(this)) return undefined;
    owner.telemetry.guard(() => this.endChildren(outcome));
    const fields = span.newFields();
    // What a provider handed over may throw when it is read: the span ends all the same.
    owner.telemetry.guard(() => {
      const { summary } = this;
      summary.gateway = completeGatewayAnswer(summary.gateway, this.#toldByTransport);
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
 * Runs a request to a model inside its span; just runs it where nothing records it.
 *
 * @param operation a code of `Operation`.
 * @param open makes the call on its span.
 * @param settle takes the result instead of {@link RequestCall.settled}.
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
