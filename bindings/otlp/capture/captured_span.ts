import { cleanAttribute, cleanValue, maskSecrets } from "../../base/address.ts";
import type {
  Attributes,
  AttributeValue,
  RemoteParent,
  SpanContext,
  SpanLog,
  SpanScope,
  SpanWriter,
  StatusCode as StatusName,
} from "../../trace/span_runtime.ts";
import { setNativeScope } from "../../trace/span_runtime.ts";
import {
  cleanAttributes,
  type FinishedSpan,
  type ParentSpan,
  type SpanEvent,
  SpanKind,
  type SpanLink,
  StatusCode,
} from "../core/model.ts";
import type { SpanGroup } from "../pipeline/span_group.ts";
import type { ActiveContext } from "./context.ts";
import { emitSpanLog } from "./log_record.ts";

/** The ids and flags of a span. */
export interface SpanIdentity {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
}

/** What is known of a span when it opens. */
export interface CapturedSpanOptions {
  /** The native span of the runtime. */
  readonly native?: SpanWriter | undefined;
  /** Default: now. */
  readonly startUnixMs?: number | undefined;
  /** A code of {@link SpanKind}. Default: internal. */
  readonly kind?: number | undefined;
  readonly links?: readonly ParentSpan[] | undefined;
  /** Default: isotel. */
  readonly scope?: SpanScope | undefined;
}

const noEvents: readonly SpanEvent[] = [];
const noLinks: readonly never[] = [];
const noParent = "";
/** Default limit of OpenTelemetry for the events of a span. */
const maxEvents = 128;
/** Default limit of OpenTelemetry for the links of a span. */
const maxLinks = 128;
/** Default limit of OpenTelemetry for the attributes of an event and of a link. */
const maxListed = 128;

const unset = { code: StatusCode.unset, message: "" };
const statuses = {
  unset,
  ok: { code: StatusCode.ok, message: "" },
  error: { code: StatusCode.error, message: "" },
} as const;

/** Attributes with which the core reports that a span lost attributes. */
const droppedAttributesKey = "otel.dropped_attributes_count";
const cutAttributesKey = "isotel.cut_attributes_count";

/**
 * A span that is kept for OTLP until it ends. It also writes to the native span of the runtime if there is one. Values
 * are kept by reference; a flush encodes them.
 */
export class CapturedSpan implements SpanWriter, FinishedSpan, ActiveContext, ParentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
  readonly parentSpanId: string;
  readonly isParentRemote: boolean | undefined;
  readonly traceState: string;
  name: string;
  kind: number;
  readonly startUnixMs: number;
  endUnixMs = 0;
  readonly attributes: { readonly keys: string[]; readonly values: unknown[] } = {
    keys: [],
    values: [],
  };
  events: readonly SpanEvent[] = noEvents;
  links: readonly SpanLink[];
  status: { readonly code: number; readonly message: string } = unset;
  droppedAttributesCount = 0;
  droppedEventsCount = 0;
  droppedLinksCount = 0;
  readonly isRemote = false;
  readonly acceptsUntruncated = true;
  readonly group: SpanGroup;
  readonly scope: SpanScope | undefined;
  /** The native span of the runtime. */
  readonly native: SpanWriter | undefined;
  #ended = false;
  /** Number of attributes that are exported over OTLP and did not fit into the native span. */
  #untruncatedOnly = 0;

  constructor(
    name: string,
    { traceId, spanId, flags }: SpanIdentity,
    parent: ParentSpan | undefined,
    group: SpanGroup,
    { native, startUnixMs, kind, links = noLinks, scope }: CapturedSpanOptions = {},
  ) {
    this.name = maskSecrets(name);
    this.traceId = traceId;
    this.spanId = spanId;
    this.flags = flags;
    this.parentSpanId = parent?.spanId ?? noParent;
    this.isParentRemote = parent?.isRemote;
    this.traceState = parent?.traceState ?? "";
    this.group = group;
    this.native = native;
    this.scope = scope;
    if (scope !== undefined && native !== undefined) setNativeScope(native, scope);
    this.startUnixMs = startUnixMs ?? group.clock();
    this.kind = kind ?? SpanKind.internal;
    this.links = links.length === 0 ? noLinks : links.map(linkTo);
    group.opened();
  }

  /** Children of this span use it as their parent. */
  get parent(): ParentSpan {
    return this;
  }

  get isTraced(): boolean {
    return !this.#ended;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  get keys(): readonly string[] {
    return this.attributes.keys;
  }

  get byteBudget(): boolean {
    return this.native !== undefined;
  }

  setAttribute(key: string, value: AttributeValue, whole: AttributeValue = value): void {
    if (this.#ended) return;
    if (key === droppedAttributesKey) this.droppedAttributesCount = value as number;
    else if (key !== cutAttributesKey) this.#record(key, whole);
    this.native?.setAttribute(key, value);
  }

  setUntruncated(key: string, value: AttributeValue): void {
    if (this.#ended) return;
    this.#untruncatedOnly += 1;
    this.#record(key, value);
  }

  setKind(kind: number): void {
    if (!this.#ended) this.kind = kind;
  }

  setStatus(status: { code: StatusName; message?: string }): void {
    if (this.#ended) return;
    const { code, message = "" } = status;
    this.status =
      message === "" ? statuses[code] : { code: StatusCode[code], message: maskSecrets(message) };
    this.native?.setStatus?.(status);
  }

  recordFailure(type: string): void {
    this.addEvent("exception", this.group.clock(), { "exception.type": type });
  }

  /** Reaches the native span only. OTLP carries an exception as an event; see {@link recordFailure}. */
  recordException(exception: unknown): void {
    if (!this.#ended) this.native?.recordException?.(exception);
  }

  addEvent(name: string, unixMs: number, attributes: Attributes): void {
    if (this.#ended) return;
    const event: SpanEvent = { name, unixMs, ...this.#listed(attributes) };
    if (this.events === noEvents) {
      this.events = [event];
      return;
    }
    const events = this.events as SpanEvent[];
    events.push(event);
    // The last events tell most about a failure.
    if (events.length <= maxEvents) return;
    events.shift();
    this.droppedEventsCount += 1;
  }

  addLink(to: RemoteParent, isRemote: boolean, attributes: Attributes): void {
    if (this.#ended) return;
    const { traceId, spanId, traceFlags: flags, traceState = "" } = to;
    const link = linkTo({ traceId, spanId, flags, traceState, isRemote });
    const links = [...this.links, { ...link, ...this.#listed(attributes) }];
    this.droppedLinksCount += Math.max(links.length - maxLinks, 0);
    this.links = links.slice(-maxLinks);
  }

  /** Returns the attributes of an event or of a link, and the number of those beyond the limit. */
  #listed(attributes: Attributes): Pick<SpanEvent, "attributes" | "droppedAttributesCount"> {
    const { keys, values } = cleanAttributes(attributes, this.group.keptParameters);
    return {
      attributes: { keys: keys.slice(0, maxListed), values: values.slice(0, maxListed) },
      droppedAttributesCount: Math.max(keys.length - maxListed, 0),
    };
  }

  updateName(name: string): void {
    if (this.#ended) return;
    this.name = maskSecrets(name);
    this.native?.updateName?.(this.name);
  }

  emitLog(log: SpanLog): void {
    emitSpanLog(this, log);
  }

  spanContext(): SpanContext {
    return { traceId: this.traceId, spanId: this.spanId, traceFlags: this.flags };
  }

  end(): void {
    this.endAt(this.group.clock());
  }

  endAt(unixMs: number): void {
    if (this.#ended) return;
    this.#ended = true;
    // The clock may have been set back.
    this.endUnixMs = Math.max(unixMs, this.startUnixMs);
    this.droppedAttributesCount = Math.max(this.droppedAttributesCount - this.#untruncatedOnly, 0);
    this.group.ended(this);
    this.native?.end();
  }

  #record(key: string, value: AttributeValue): void {
    let clean: unknown = value;
    if (typeof value === "string") {
      clean = cleanAttribute(key, value, this.group.keptParameters);
      if (clean === undefined) return;
    } else if (typeof value === "object") {
      // Copied because the caller may change the list before it is sent.
      clean = cleanValue(key, value, this.group.keptParameters);
    }
    this.attributes.keys.push(key);
    this.attributes.values.push(clean);
  }
}

function linkTo({ traceId, spanId, traceState, flags, isRemote }: ParentSpan): SpanLink {
  return {
    traceId,
    spanId,
    traceState,
    flags,
    isRemote,
    attributes: { keys: [], values: [] },
    droppedAttributesCount: 0,
  };
}
