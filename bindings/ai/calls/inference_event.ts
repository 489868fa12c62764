import { maskSecrets } from "../../base/address.ts";
import { cutToBytes } from "../../base/bytes.ts";
import { errorType, valueIn } from "../../base/cause.ts";
import { reportOnce } from "../../base/report_once.ts";
import { Outcome, Profile } from "../../core/abi.gen.ts";
import type { Span, SpanObserver } from "../../trace/span.ts";
import type { Attributes, AttributeValue } from "../../trace/span_runtime.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import type { Redact } from "../../trace/user_attributes.ts";
import type { ContentPolicy } from "../content/policy.ts";
import type { ContentFields } from "../content/record.ts";
import type { Ending } from "./ending.ts";

/** Attributes of profile agents that have another name in the conventions. */
const conventional: Readonly<Record<string, string>> = {
  "cloudflare.agents.response.finish_reason": "gen_ai.response.finish_reasons",
  "gen_ai.usage.cache_creation.input_tokens": "gen_ai.usage.cache_write.input_tokens",
};

/** Attributes of the span that a record has too. */
const recorded = /^(gen_ai|server)\.|^error\.type$/;

/** Content, which a record has in its own form. */
const content = /\.(messages|system_instructions|definitions)$/;

/** Attributes of the request that the record of an exception has too. */
const requestKeys: ReadonlySet<string> = new Set([
  "gen_ai.operation.name",
  "gen_ai.provider.name",
  "gen_ai.request.model",
  "gen_ai.conversation.id",
  "server.address",
  "server.port",
  "error.type",
]);

const messageKey = "exception.message";
const stackKey = "exception.stacktrace";
const maxStackBytes = 8_192;

/** Limit of one attribute with content. Records have no budget that all attributes share. */
const maxEventContentBytes = 131_072;

/**
 * The log records of a model call. They have the attributes that the core plans for the span, and content as structured
 * values. Their names are those of the conventions, also if the span has profile agents.
 */
export class InferenceEvent implements SpanObserver, ContentFields {
  readonly maxBytes: number = maxEventContentBytes;
  readonly #telemetry: Telemetry;
  readonly #policy: ContentPolicy;
  readonly #span: Span;
  readonly #redact: Redact | undefined;
  readonly #attributes: Record<string, AttributeValue> = {};
  readonly #content: Record<string, unknown> = {};
  #message: AttributeValue | undefined;
  #ending: Ending | undefined;

  private constructor(
    telemetry: Telemetry,
    policy: ContentPolicy,
    span: Span,
    redact: Redact | undefined,
  ) {
    this.#telemetry = telemetry;
    this.#policy = policy;
    this.#span = span;
    this.#redact = redact;
    span.observer = this;
  }

  /** Returns undefined if the call has no events, or nothing sends log records, which is reported once. */
  static of(
    telemetry: Telemetry,
    policy: ContentPolicy,
    span: Span,
    redact: Redact | undefined,
  ): InferenceEvent | undefined {
    if (!policy.inferenceEvents && !policy.exceptionEvents) return undefined;
    if (span.emitsLogs) return new InferenceEvent(telemetry, policy, span, redact);
    reportOnce(
      "isotel/ai: inferenceEvents and exceptionEvents have no effect, because no log records are sent. Import " +
        '"isotel/otlp" and set `otlp` in the options of withTelemetry. Content stays on spans.',
    );
    return undefined;
  }

  verbatim(field: number, json: string | undefined): void {
    const key = this.#telemetry.host.core?.keyOf(Profile.latest, field);
    if (key && json !== undefined) this.#content[key] = JSON.parse(json);
  }

  wrote(key: string, value: AttributeValue): void {
    const name = conventional[key] ?? key;
    if (key === messageKey) this.#message = value;
    if (!recorded.test(name) || content.test(name)) return;
    this.#attributes[name] = name === key || typeof value !== "string" ? value : [value];
  }

  /** Notes how the call ends. */
  ends(ending: Ending): void {
    this.#ending = ending;
  }

  closing(): void {
    const { inferenceEvents, exceptionEvents } = this.#policy;
    const attributes = this.#attributes;
    if (inferenceEvents) {
      const structured = this.#content as Attributes;
      this.#emit("operation.details", "debug", { ...attributes, ...structured });
    }
    if (exceptionEvents && this.#ending?.outcome === Outcome.failed) {
      const request = Object.entries(attributes).filter(([key]) => requestKeys.has(key));
      const exception = this.#exception(this.#ending.cause);
      this.#emit("exception", "warn", { ...Object.fromEntries(request), ...exception });
    }
  }

  #exception(cause: unknown): Attributes {
    const stack = this.#policy.errorMessages ? valueIn(cause, "stack") : undefined;
    const shown = typeof stack === "string" ? maskSecrets(stack) : undefined;
    const kept = shown && (this.#redact ? this.#redact(stackKey, shown) : shown);
    return {
      "exception.type": errorType(cause),
      ...(this.#message !== undefined && { [messageKey]: this.#message }),
      ...(kept && { [stackKey]: cutToBytes(kept, maxStackBytes) }),
    };
  }

  #emit(event: string, severity: string, attributes: Attributes): void {
    this.#span.emitLog({
      eventName: `gen_ai.client.inference.${event}`,
      severity,
      body: undefined,
      unixMs: this.#telemetry.clock(),
      attributes,
    });
  }
}
