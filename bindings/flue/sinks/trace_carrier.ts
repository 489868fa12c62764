import {
  emptyContext,
  type OtelContext,
  type OtelSpan,
  type OtelTraceState,
  withSpan,
} from "./otel_types.ts";

/** W3C headers of the trace in which work was admitted. Flue passes them to the place where it runs. */
export interface FlueTraceCarrier {
  readonly traceparent: string;
  readonly tracestate?: string | undefined;
}

const pattern =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/** Returns a context with the span of the headers. Undefined if `traceparent` is invalid. */
export function remoteContext({
  traceparent,
  tracestate,
}: FlueTraceCarrier): OtelContext | undefined {
  const [, traceId, spanId, flags] = pattern.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const traceState = typeof tracestate === "string" ? readTraceState(tracestate) : undefined;
  const identity = {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(traceState && { traceState }),
  };
  return withSpan(emptyContext, new RemoteSpan(identity));
}

/** A span of another process. It has only an identity. */
class RemoteSpan implements OtelSpan {
  readonly #identity: ReturnType<OtelSpan["spanContext"]>;

  constructor(identity: ReturnType<OtelSpan["spanContext"]>) {
    this.#identity = identity;
  }

  spanContext(): ReturnType<OtelSpan["spanContext"]> {
    return this.#identity;
  }

  isRecording(): boolean {
    return false;
  }

  setAttributes(): this {
    return this;
  }

  addEvent(): this {
    return this;
  }

  setStatus(): this {
    return this;
  }

  recordException(): void {}

  end(): void {}
}

/** Maximum number of carriers. Adding another one removes the oldest. */
const maxCarriers = 1_000;

/** The carriers of work in progress, by the identifiers of its submission and its operation. */
export class TraceCarriers {
  readonly #carriers = new Map<string, FlueTraceCarrier>();

  add(id: string, carrier: FlueTraceCarrier): void {
    this.#carriers.set(id, carrier);
    if (this.#carriers.size <= maxCarriers) return;
    const [oldest] = this.#carriers.keys();
    if (oldest !== undefined) this.#carriers.delete(oldest);
  }

  /** Removes `carrier`. Does nothing if `id` has another carrier now. */
  remove(id: string, carrier: FlueTraceCarrier): void {
    if (this.#carriers.get(id) === carrier) this.#carriers.delete(id);
  }

  get(id: string): FlueTraceCarrier | undefined {
    return this.#carriers.get(id);
  }
}

/** Limits of the W3C recommendation. */
const maxMembers = 32;
const maxUnits = 512;
const keyPattern = /^[a-z0-9][a-z0-9_\-*/@]{0,255}$/;
const valuePattern = /^[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;

/** Parses a header. Leaves out invalid members. Returns undefined if no member is valid. */
export function readTraceState(header: string): OtelTraceState | undefined {
  if (header.length > maxUnits) return undefined;
  const members = new Map<string, string>();
  for (const member of header.split(",")) {
    const [key = "", ...rest] = member.trim().split("=");
    const value = rest.join("=");
    if (isMember(key, value) && !members.has(key)) members.set(key, value);
  }
  return members.size === 0 || members.size > maxMembers ? undefined : new TraceState(members);
}

class TraceState implements OtelTraceState {
  readonly #members: ReadonlyMap<string, string>;

  constructor(members: ReadonlyMap<string, string>) {
    this.#members = members;
  }

  set(key: string, value: string): OtelTraceState {
    if (!isMember(key, value)) return this;
    const others = [...this.#members].filter(([other]) => other !== key);
    return new TraceState(
      new Map([[key, value], ...others].slice(0, maxMembers) as [string, string][]),
    );
  }

  unset(key: string): OtelTraceState {
    const members = new Map(this.#members);
    members.delete(key);
    return new TraceState(members);
  }

  get(key: string): string | undefined {
    return this.#members.get(key);
  }

  serialize(): string {
    return Array.from(this.#members, ([key, value]) => `${key}=${value}`).join(",");
  }
}

function isMember(key: string, value: string): boolean {
  return keyPattern.test(key) && valuePattern.test(value);
}
