import type { OfResource } from "../../otlp/core/encode_by_resource.ts";
import type { ResourceAttributes } from "../../otlp/core/encoder.ts";
import {
  type FinishedSpan,
  type SpanEvent,
  SpanKind,
  type SpanLink,
  StatusCode,
} from "../../otlp/core/model.ts";
import type { RedactedSpan } from "./redaction.ts";

const noKeys: readonly string[] = [];
const noEvents: readonly SpanEvent[] = [];
const noLinks: readonly SpanLink[] = [];
const unset = { code: StatusCode.unset, message: "" } as const;
const ok = { code: StatusCode.ok, message: "" } as const;
const failed = { code: StatusCode.error, message: "" } as const;

/** A span of another Worker, built from its events. */
export class CollectedSpan implements FinishedSpan, OfResource, RedactedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly isParentRemote: boolean;
  readonly flags: number;
  readonly resource: ResourceAttributes;
  /** The parent span, if it belongs to the same invocation. */
  readonly parent: CollectedSpan | undefined;
  name: string;
  kind: number = SpanKind.unspecified;
  readonly startUnixMs: number;
  endUnixMs = 0;
  /** Other spans may share the list of keys. Use {@link ownKeys} to change it. */
  readonly attributes: { keys: readonly string[]; readonly values: unknown[] } = {
    keys: noKeys,
    values: [],
  };
  events: readonly SpanEvent[] = noEvents;
  status: { readonly code: number; readonly message: string } = unset;
  droppedAttributesCount = 0;
  droppedEventsCount = 0;
  isOpen = true;
  /** UTF-16 units of its attributes. A value that is not a text counts as 8. */
  units = 0;
  /** gen_ai.operation.name. Empty if there is none. */
  operation = "";
  errorType = "";
  isRenamed = false;
  #ownKeys: string[] | undefined;

  constructor(
    name: string,
    traceId: string,
    spanId: string,
    parentSpanId: string,
    parent: CollectedSpan | undefined,
    isParentRemote: boolean,
    flags: number,
    startUnixMs: number,
    resource: ResourceAttributes,
  ) {
    this.name = name;
    this.traceId = traceId;
    this.spanId = spanId;
    this.parentSpanId = parentSpanId;
    this.parent = parent;
    this.isParentRemote = isParentRemote;
    this.flags = flags;
    this.startUnixMs = startUnixMs;
    this.resource = resource;
  }

  get traceState(): string {
    return "";
  }

  get links(): readonly SpanLink[] {
    return noLinks;
  }

  get droppedLinksCount(): number {
    return 0;
  }

  get service(): string {
    return this.resource["service.name"] as string;
  }

  /** Sets an attribute of isotel, without `redact` and without limits. */
  set(key: string, value: unknown): void {
    if (value === undefined) return;
    this.ownKeys().push(key);
    this.attributes.values.push(value);
  }

  /** Returns a list of keys that belongs to this span only. */
  ownKeys(): string[] {
    const { attributes } = this;
    if (this.#ownKeys === undefined || this.#ownKeys !== attributes.keys) {
      this.#ownKeys = attributes.keys.slice();
      attributes.keys = this.#ownKeys;
    }
    return this.#ownKeys;
  }

  setStatus(code: number, message: string): void {
    if (message !== "") this.status = { code, message };
    else this.status = code === StatusCode.ok ? ok : code === StatusCode.error ? failed : unset;
  }

  /** Marks the span as failed, unless its status has been set. */
  fail(errorType: string): void {
    if (this.status.code === StatusCode.unset) this.status = failed;
    if (this.errorType !== "" || errorType === "") return;
    this.errorType = errorType;
    this.set("error.type", errorType);
  }
}
