import type { Span, SpanOptions } from "../../trace/span.ts";
import type { Attributes } from "../../trace/span_runtime.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import type { Redact } from "../../trace/user_attributes.ts";
import { type ContentPolicy, contentPolicy } from "../content/policy.ts";
import type { SpanInfo } from "../options.ts";
import type { CallOwner, OwnedCall } from "./call_owner.ts";
import { CallSignals, cancelling, type Ending } from "./ending.ts";
import {
  type Identity,
  identityOf,
  isBounded,
  metadataAttributes,
  type Params,
  telemetryOptions,
} from "./identity.ts";
import { enrichmentOf, redactorOf } from "./redaction.ts";
import type { Sdk } from "./sdk.ts";

/** The model calls of one SDK function without a span. Each of their spans has the attributes of the call. */
export class ModelCalls implements CallOwner {
  readonly telemetry: Telemetry;
  readonly identity: Identity;
  readonly content: ContentPolicy;
  readonly outputType: string;
  // Only language models read this, and the only function that calls them without an operation streams.
  readonly isStream = true;
  readonly isClosed = false;
  readonly lateEnding: Ending = cancelling;
  /** The stream that the function has returned. */
  stream: { isRead: boolean } | undefined;
  readonly #sdk: Sdk;
  readonly #bounded: boolean;
  readonly #attributes: Attributes;
  readonly #open = new Set<OwnedCall>();
  readonly #signals = new CallSignals();

  constructor(sdk: Sdk, params: Params, outputType: string) {
    const { telemetry, settings } = sdk;
    this.#sdk = sdk;
    this.telemetry = telemetry;
    this.outputType = outputType;
    this.identity = identityOf(params);
    this.content = contentPolicy(settings, telemetryOptions(params));
    this.#bounded = isBounded(params);
    this.#attributes = metadataAttributes(telemetry, params, settings.contextKeys);
    this.noteSignal(params["abortSignal"]);
  }

  childOptions(operation: number, info: SpanInfo): SpanOptions {
    return {
      operation,
      profile: this.#sdk.settings.profile,
      bounded: this.#bounded,
      hasChunks: true,
      redact: this.redactor(info),
    };
  }

  redactor(info: SpanInfo): Redact | undefined {
    return redactorOf(this.telemetry, this.#sdk.settings.redact, info);
  }

  enrich(span: Span, info: SpanInfo): void {
    span.isAbandoned = () => this.#isAbandoned;
    span.setAttributes(this.#attributes);
    if (span.isMeasuredOnly) return;
    const attributes = enrichmentOf(this.telemetry, this.#sdk.settings, info);
    if (attributes !== undefined) span.setAttributes(attributes);
  }

  /** Whether nothing ends the requests any more: no one reads the stream, or the caller has aborted the promise. */
  get #isAbandoned(): boolean {
    return this.stream === undefined ? this.#signals.hasAborted : !this.stream.isRead;
  }

  callStarted(call: OwnedCall): void {
    this.#open.add(call);
  }

  callEnded(call: OwnedCall): boolean {
    return this.#open.delete(call);
  }

  /** Does nothing. The result of the function reports the error to the caller. */
  noteFailure(): void {}

  noteSignal(signal: unknown): void {
    this.#signals.add(signal);
  }

  endingOf(cause: unknown): Ending {
    return this.#signals.endingOf(cause);
  }

  abortEnding(): Ending | undefined {
    return this.#signals.abortEnding();
  }
}
