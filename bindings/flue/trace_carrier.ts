import { emptyContext, type OtelContext, type OtelSpan, withSpan } from "./otel_types.ts";
import { readTraceState } from "./trace_state.ts";

/** W3C headers of a trace, as Flue carries them from where work was admitted to where it runs. */
export interface FlueTraceCarrier {
  readonly traceparent: string;
  readonly tracestate?: string | undefined;
}

const pattern =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/** A context under the span the headers name; undefined for a `traceparent` that is none. */
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

/** A span of another process: it has an identity and nothing else. */
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

/** Carriers kept at the same time; one more forgets the oldest. */
const maxCarriers = 1_000;

/** The carriers of work that is under way, by the identifiers of its submission and its operation. */
export class TraceCarriers {
  readonly #carriers = new Map<string, FlueTraceCarrier>();

  add(id: string, carrier: FlueTraceCarrier): void {
    this.#carriers.set(id, carrier);
    if (this.#carriers.size <= maxCarriers) return;
    const [oldest] = this.#carriers.keys();
    if (oldest !== undefined) this.#carriers.delete(oldest);
  }

  /** Forgets the carrier of `id`, unless it is another by now. */
  remove(id: string, carrier: FlueTraceCarrier): void {
    if (this.#carriers.get(id) === carrier) this.#carriers.delete(id);
  }

  get(id: string): FlueTraceCarrier | undefined {
    return this.#carriers.get(id);
  }
}
