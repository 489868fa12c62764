import { maskSecrets } from "../base/address.ts";
import { errorType } from "../base/cause.ts";
import { reportOnce } from "../base/report_once.ts";
import type { Clock } from "../base/time.ts";
import { Operation } from "../core/abi.gen.ts";
import type { Core } from "../core/core.ts";
import type { CoreHost } from "../core/core_host.ts";
import { type ModelPrice, maxPrices } from "../core/prices.ts";
import type { SpanRuntime } from "./span_runtime.ts";

/** A name of at most this many UTF-16 units fits into 64 bytes, whatever its characters. */
const alwaysFits = 21;
const maxEntries = 1000;
/** The rest of a longer text has no effect: names are cut at 64 bytes, and longer targets are left out. */
const maxUnits = 256;

/** A map that is cleared when it is full. For values that the core can compute again. */
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

/** Caches a result of the core. A core that has trapped returns a substitute, which is not cached. */
function keep(core: Core, map: BoundedMap<string>, key: string, answer: string): string {
  return core.isAlive ? map.set(key, answer) : answer;
}

/** Caches texts that the core derives from others, so that each crosses once: span names, providers, metadata keys. */
export class NameCache {
  readonly #customNames = new BoundedMap<string>();
  readonly #operationNames: BoundedMap<string>[] = [];
  readonly #providers = new BoundedMap<string>();
  readonly #metadataKeys: BoundedMap<string>[] = [];

  /** Returns a user's span name, cut to the length that the runtime keeps. */
  custom(core: Core, name: string): string {
    // Masks before it cuts, because a secret cannot be recognized in a part of an address.
    const shown = maskSecrets(name);
    if (shown.length <= alwaysFits) return shown;
    const head = shown.slice(0, maxUnits);
    return this.#customNames.get(head) ?? keep(core, this.#customNames, head, core.cutName(head));
  }

  /** Returns `{operation} {target}`. */
  operation(core: Core, operation: number, target: string): string {
    this.#operationNames[operation] ??= new BoundedMap();
    const names = this.#operationNames[operation];
    const shown = maskSecrets(target);
    const head = shown.length > maxUnits ? shown.slice(0, maxUnits) : shown;
    return names.get(head) ?? keep(core, names, head, core.spanName(operation, head));
  }

  /** Returns `gen_ai.provider.name` for a provider identifier. */
  provider(core: Core, provider: string): string {
    if (provider.length > maxUnits) return core.providerName(provider);
    return (
      this.#providers.get(provider) ??
      keep(core, this.#providers, provider, core.providerName(provider))
    );
  }

  /** Returns the attribute key of a metadata entry, or an empty string if the entry is consumed. */
  metadataKey(core: Core, source: number, key: string): string {
    if (key.length > maxUnits) return core.metadataKey(source, key);
    this.#metadataKeys[source] ??= new BoundedMap();
    const keys = this.#metadataKeys[source];
    return keys.get(key) ?? keep(core, keys, key, core.metadataKey(source, key));
  }
}

/** The state that all spans of a tracer share. */
export class Telemetry {
  readonly host: CoreHost;
  /** An export replaces the runtime by one that wraps it. Open spans then keep their writers of the old runtime. */
  runtime: SpanRuntime;
  readonly clock: Clock;
  readonly names: NameCache = new NameCache();
  /** Grows when a body starts to run in a span. Distinguishes an error of the runtime from an error of the body. */
  bodiesEntered = 0;
  readonly #others: (() => Readonly<Record<string, number>>)[] = [];
  readonly #prices = new Map<string, ModelPrice>();
  #swallowed = 0;
  #evicted = 0;

  constructor(host: CoreHost, runtime: SpanRuntime, clock: Clock) {
    this.host = host;
    this.runtime = runtime;
    this.clock = clock;
  }

  /**
   * Returns the start time for the core of a span that opens now, in Unix milliseconds, or 0 if the core does not need
   * it. Reading the clock costs as much as a few attributes. The runtime times every span itself. The core needs the
   * start time only for durations of measured spans and for the time to the first chunk.
   */
  startTimeOf(operation: number, hasChunks: boolean): number {
    if (operation === Operation.custom) return 0;
    return hasChunks || this.host.core?.isMeasuring === true ? this.clock() : 0;
  }

  /** Returns the end time for the core of a span that ends now, or 0 if the span is not measured. */
  endTimeOf(operation: number, isMeasuring: boolean): number {
    return isMeasuring && operation !== Operation.custom ? this.clock() : 0;
  }

  /** Whether spans of an operation are measured. Measured spans are opened even if no trace records them. */
  measures(operation: number): boolean {
    if (operation === Operation.custom || operation === Operation.toolApproval) return false;
    return this.host.core?.isMeasuring === true;
  }

  /** Counts an error of the runtime or of a user's getter that was swallowed. Logged once per error type. */
  countSwallowed(cause: unknown): void {
    this.#swallowed += 1;
    reportOnce(
      `isotel: tracing failed (${errorType(cause)}): a span or an attribute is missing. ` +
        "isotel_swallowed_errors counts how often.",
    );
  }

  /** Adds the counts of another part of the library to the diagnostics. */
  addCounterSource(counts: () => Readonly<Record<string, number>>): void {
    this.#others.push(counts);
  }

  /** Adds prices to those of the isolate, in every core. A later price of a model replaces the earlier one. */
  addPrices(prices: readonly ModelPrice[]): void {
    if (prices.length > 0 && this.#prices.size === 0) {
      this.host.onCore((core) => {
        for (const price of this.#prices.values()) core.setPrice(price);
      });
    }
    for (const price of prices) {
      if (this.#prices.size >= maxPrices && !this.#prices.has(price.model)) continue;
      this.#prices.set(price.model, price);
      this.host.current?.setPrice(price);
    }
  }

  /** Counts an SDK call that was evicted because too many calls are open. */
  countEvicted(): void {
    this.#evicted += 1;
  }

  /** Runs instrumentation code. Returns undefined if it throws, so that it cannot disturb the program. */
  guard<T>(body: () => T): T | undefined {
    try {
      return body();
    } catch (cause) {
      this.countSwallowed(cause);
      return undefined;
    }
  }

  /** Returns `{operation} {target}`, or only the operation if there is no target. */
  nameOf(operation: number, target: string | undefined): string {
    const { core } = this.host;
    return core === undefined ? "" : this.names.operation(core, operation, target ?? "");
  }

  /** Returns counts of what was opened, dropped, cut, refused, swallowed and trapped in this isolate, by name. */
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
 * Whether a span opened here would be recorded, in a trace or in metrics. Decides by the active span, because the new
 * span does not exist yet. The active span may have ended while its trace goes on.
 */
export function isRecorded({ host, runtime }: Telemetry): boolean {
  const { core } = host;
  if (core?.isMeasuring === true) return true;
  if (!runtime.capabilities.spans || core === undefined) return false;
  const active = runtime.activeSpan();
  return active === undefined || active.isTraced || active.spanContext?.()?.traceId !== noTraceId;
}
