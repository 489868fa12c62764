import { maskSecrets } from "../base/address.ts";
import { errorType } from "../base/cause.ts";
import { reportOnce } from "../base/report_once.ts";
import type { Clock } from "../base/time.ts";
import { Operation } from "../core/abi.gen.ts";
import type { Core } from "../core/core.ts";
import type { CoreHost } from "../core/core_host.ts";
import type { SpanRuntime } from "./span_runtime.ts";

/** Names shorter than this fit into 64 bytes whatever their characters. */
const alwaysFits = 21;
const maxEntries = 1000;
/** More of a name or target never matters: both are cut or left out at 64 bytes. */
const maxUnits = 256;

/** A map that is emptied when it is full: a cache of what the core can compute again. */
class BoundedMap<V> {
  readonly #entries = new Map<string, V>();

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): V {
    if (this.#entries.size >= maxEntries) this.#entries.clear();
    this.#entries.set(key, value);
    return value;
  }
}

/** Keeps what a core answered, unless it trapped: then the answer only stands in for one. */
function keep(core: Core, map: BoundedMap<string>, key: string, answer: string): string {
  return core.isAlive ? map.set(key, answer) : answer;
}

/** Texts the core builds from others, kept so that each crosses once: span names, providers, metadata keys. */
export class NameCache {
  readonly #customNames = new BoundedMap<string>();
  readonly #operationNames: BoundedMap<string>[] = [];
  readonly #providers = new BoundedMap<string>();
  readonly #metadataKeys: BoundedMap<string>[] = [];

  /** A span name of the user's own, cut to what the runtime keeps. */
  custom(core: Core, name: string): string {
    // Before it is cut: of half an address nobody can tell what is secret.
    const shown = maskSecrets(name);
    if (shown.length <= alwaysFits) return shown;
    const head = shown.slice(0, maxUnits);
    return this.#customNames.get(head) ?? keep(core, this.#customNames, head, core.cutName(head));
  }

  /** `{operation} {target}`. */
  operation(core: Core, operation: number, target: string): string {
    this.#operationNames[operation] ??= new BoundedMap();
    const names = this.#operationNames[operation];
    const shown = maskSecrets(target);
    const head = shown.length > maxUnits ? shown.slice(0, maxUnits) : shown;
    return names.get(head) ?? keep(core, names, head, core.spanName(operation, head));
  }

  /** gen_ai.provider.name of a provider identifier. */
  provider(core: Core, provider: string): string {
    if (provider.length > maxUnits) return core.providerName(provider);
    return (
      this.#providers.get(provider) ??
      keep(core, this.#providers, provider, core.providerName(provider))
    );
  }

  /** The attribute key of a metadata entry; empty when the entry is consumed. */
  metadataKey(core: Core, source: number, key: string): string {
    if (key.length > maxUnits) return core.metadataKey(source, key);
    this.#metadataKeys[source] ??= new BoundedMap();
    const keys = this.#metadataKeys[source];
    return keys.get(key) ?? keep(core, keys, key, core.metadataKey(source, key));
  }
}

/** What the spans of one tracer share. */
export class Telemetry {
  readonly host: CoreHost;
  /** May be replaced by one above it, which then finds writers of this one in spans that are open. */
  runtime: SpanRuntime;
  readonly clock: Clock;
  readonly names: NameCache = new NameCache();
  /** Grows with every body that runs in a span: tells an error of the runtime's from one of the body's. */
  bodiesEntered = 0;
  readonly #others: (() => Readonly<Record<string, number>>)[] = [];
  #swallowed = 0;
  #evicted = 0;

  constructor(host: CoreHost, runtime: SpanRuntime, clock: Clock) {
    this.host = host;
    this.runtime = runtime;
    this.clock = clock;
  }

  /**
   * The time for the core to take for a span that opens now, in Unix milliseconds; 0 where the core has no use for it,
   * since reading the clock costs as much as a handful of attributes. The runtime times every span itself; what is
   * measured needs its duration, and what answers in chunks the time to the first.
   */
  startTimeOf(operation: number, hasChunks: boolean): number {
    if (operation === Operation.custom) return 0;
    return hasChunks || this.host.core?.isMeasuring === true ? this.clock() : 0;
  }

  /** The same for a span that ends now; only what is measured has a duration. */
  endTimeOf(operation: number, isMeasuring: boolean): number {
    return isMeasuring && operation !== Operation.custom ? this.clock() : 0;
  }

  /** Whether spans of the operation are measured, also those that nothing traces. */
  measures(operation: number): boolean {
    if (operation === Operation.custom || operation === Operation.toolApproval) return false;
    return this.host.core?.isMeasuring === true;
  }

  /** Notes an error of the runtime or of a caller's getter that was kept from the program. Logged once for each type. */
  countSwallowed(cause: unknown): void {
    this.#swallowed += 1;
    reportOnce(
      `isotel: tracing failed (${errorType(cause)}): a span or an attribute is missing. ` +
        "isotel_swallowed_errors counts how often.",
    );
  }

  /** Adds counts of another part to the diagnostics. */
  addCounterSource(counts: () => Readonly<Record<string, number>>): void {
    this.#others.push(counts);
  }

  /** Notes a call that was given up because too many are open. */
  countEvicted(): void {
    this.#evicted += 1;
  }

  /** Runs instrumentation that must not disturb the program; undefined when it throws. */
  guard<T>(body: () => T): T | undefined {
    try {
      return body();
    } catch (cause) {
      this.countSwallowed(cause);
      return undefined;
    }
  }

  /** `{operation} {target}`, or the bare operation without a target. */
  nameOf(operation: number, target: string | undefined): string {
    const { core } = this.host;
    return core === undefined ? "" : this.names.operation(core, operation, target ?? "");
  }

  /** Counts of what was opened, dropped, cut, refused, swallowed and trapped in this isolate. */
  diagnostics(): Readonly<Record<string, number>> {
    const { core, traps } = this.host;
    return {
      ...this.host.counters(),
      traps,
      swallowed_errors: this.#swallowed + (core?.sinkFailures ?? 0),
      evicted_calls: this.#evicted,
      memory_bytes: core?.memoryBytes ?? 0,
      ...Object.assign({}, ...this.#others.map((counts) => counts())),
    };
  }
}

const noTraceId = "0".repeat(32);

/**
 * Whether a span opened here would be recorded, by a trace or by metrics. There is no span yet to ask: the active one is
 * asked instead, which may have ended in a trace that goes on.
 */
export function isRecorded({ host, runtime }: Telemetry): boolean {
  const { core } = host;
  if (core?.isMeasuring === true) return true;
  if (!runtime.capabilities.spans || core === undefined) return false;
  const active = runtime.activeSpan();
  return active === undefined || active.isTraced || active.spanContext?.()?.traceId !== noTraceId;
}
