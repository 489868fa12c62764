import { Operation } from "../core/abi.gen.ts";
import type { CoreHost } from "../core/core_host.ts";
import { reportOnce } from "../core/report_once.ts";
import { errorType } from "./cause.ts";
import type { Clock } from "./clock.ts";
import { NameCache } from "./name_cache.ts";
import type { SpanRuntime } from "./span_runtime.ts";

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
  countAlso(counts: () => Readonly<Record<string, number>>): void {
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
