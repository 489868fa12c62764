import { describeCause } from "../base/cause.ts";
import { LogOnce } from "../base/report_once.ts";
import type { Clock } from "../base/time.ts";
import type { Core } from "../core/core.ts";
import type { CoreHost } from "../core/core_host.ts";
import type { Declaration } from "../core/declaration.ts";
import { MetricsCore, producerIdBytes } from "../core/metrics_core.ts";
import type { ConstantLabels } from "./constant_labels.ts";
import { exposedNames } from "./exposed_names.ts";
import type { Series } from "./family.ts";
import { Family, type FamilyHost } from "./family.ts";
import { LabelValues } from "./label_values.ts";
import type { OpenFamily } from "./open_family.ts";
import { Outbox } from "./outbox.ts";
import { markShards } from "./shards.ts";

/** Functions of the runtime that a meter uses. */
export interface MeterOptions {
  readonly clock: Clock;
  /** Fills the array with random bytes. May throw where randomness is not allowed, as at global scope. */
  readonly random: (bytes: Uint8Array) => void;
  readonly warn: (message: string) => void;
}

/** Counts that a meter keeps in addition to those of the core, over all instances of the core. */
export interface MeterCounts {
  /** Records that were not attempted, because there was no core. */
  readonly lostRecords: number;
  /** Number of times that data since the last flush was lost with an instance of the core. */
  readonly losses: number;
  /** Values that were not recorded: not a number, not finite, or negative for a counter. */
  readonly invalidValues: number;
  /** Records with a label that had no value or a value of a wrong type. */
  readonly invalidLabels: number;
  /** Number of times that a label set went to the overflow series of its family. */
  readonly labelSetsOverflowed: number;
}

function definedTwice({ name }: Declaration): TypeError {
  return new TypeError(
    `isotel: the metric ${JSON.stringify(name)} is defined twice with different options; ` +
      "the definitions of one name need the same kind, unit, help, labels and buckets",
  );
}

/**
 * The metrics of one isolate: its families, and the core that records them. The core becomes a producer of frames at
 * the first use inside a handler. A core that trapped is replaced.
 */
export class Meter implements FamilyHost {
  readonly host: CoreHost;
  readonly clock: Clock;
  readonly labelValues: LabelValues = new LabelValues();
  /** Frames that are not delivered yet. */
  readonly outbox: Outbox = new Outbox();
  /** Whether a flush is scheduled. Records need not call {@link onWake} then. */
  isAwake = false;
  /** Number of aggregators, for the identifiers of new producers. Undefined if it is not known. */
  shards: number | undefined;
  /** Called after a record while {@link isAwake} is false. */
  onWake: () => void = () => {};
  readonly #random: (bytes: Uint8Array) => void;
  readonly #warnings: LogOnce;
  /**
   * Families of the Worker and built-in families. A name may be in both maps; the core decides which one is recorded.
   */
  readonly #families = new Map<string, Family>();
  readonly #builtIns = new Map<string, Family>();
  /** Names of the Worker's metrics, by the names that expositions show for them. */
  readonly #shown = new Map<string, string>();
  /** Metrics whose label names are not declared. */
  readonly #openFamilies = new Map<string, OpenFamily>();
  /** Called before a flush, to record values that are read then. */
  readonly #observers: (() => Promise<unknown>)[] = [];
  readonly #gauges: Series[] = [];
  readonly #openings: ((core: Core) => void)[] = [];
  #constantLabels: ConstantLabels | undefined;
  #current: MetricsCore | undefined;
  #isOpen = false;
  /** Whether records were dropped since the last flush. Their counts justify a flush. */
  #hasLeftOut = false;
  #lostRecords = 0;
  #losses = 0;
  #invalidValues = 0;
  #invalidLabels = 0;
  #pastInvalidValues = 0;
  #pastOverflowed = 0;

  constructor(host: CoreHost, { clock, random, warn }: MeterOptions) {
    this.host = host;
    this.clock = clock;
    this.#random = random;
    this.#warnings = new LogOnce((message) => {
      try {
        warn(message);
      } catch {
        // A custom console threw. Telemetry must not fail the program.
      }
    });
  }

  /**
   * Returns the family of a declaration. Equal declarations share a family. Does not open a core.
   *
   * @throws TypeError if the Worker has defined a different metric with this name or with a name that an exposition
   * would show for both, or isotel has a different built-in one.
   */
  define(declaration: Declaration): Family {
    const { name, isBuiltIn } = declaration;
    const families = isBuiltIn ? this.#builtIns : this.#families;
    const known = families.get(name);
    if (known === undefined) {
      if (!isBuiltIn) this.#claimNames(declaration);
      const family = new Family(this, declaration);
      families.set(name, family);
      // Declared at once, so that a built-in metric with the same name gives way.
      if (!isBuiltIn && this.#current?.isAlive === true) family.declareIn(this.#current);
      return family;
    }
    if (JSON.stringify(known.declaration) !== JSON.stringify(declaration)) {
      throw definedTwice(declaration);
    }
    return known;
  }

  /**
   * Returns the metric of a declaration whose records name their labels. Equal declarations share a metric.
   *
   * @param make makes the metric. A parameter, so that only Workers with such metrics carry the code.
   * @throws TypeError if another metric has this name, or a name that an exposition would show for both.
   */
  defineOpen(
    declaration: Declaration,
    make: (familyOf: (labels: readonly string[]) => Family) => OpenFamily,
  ): OpenFamily {
    const known = this.#openFamilies.get(declaration.name);
    if (known !== undefined) {
      if (JSON.stringify(known.declaration) === JSON.stringify(declaration)) return known;
      throw definedTwice(declaration);
    }
    this.#claimNames(declaration);
    const made = make((labels) => {
      const family = new Family(this, { ...declaration, labels });
      this.#families.set(JSON.stringify([declaration.name, labels]), family);
      return family;
    });
    this.#openFamilies.set(declaration.name, made);
    return made;
  }

  /** Calls `observe` before each flush. It may record values. */
  observe(observe: () => Promise<unknown>): void {
    this.#observers.push(observe);
  }

  get hasObservers(): boolean {
    return this.#observers.length > 0;
  }

  /** Lets the observers record. Resolves when all have. Never rejects. */
  async collect(): Promise<void> {
    const all = await Promise.allSettled(this.#observers.map((observe) => observe()));
    for (const one of all) if (one.status === "rejected") this.warnObserver(one.reason);
  }

  /** Logs that a value could not be observed. */
  warnObserver(cause: unknown): void {
    const why = describeCause(cause);
    this.warnOnce("observer", `isotel: a value of a metric could not be observed (${why})`);
  }

  /**
   * Refuses a metric of the Worker whose exposition would contain a name of another one.
   *
   * @throws TypeError with both names and the name that they share.
   */
  #claimNames(declaration: Declaration): void {
    const names = exposedNames(declaration);
    for (const shown of names) {
      const other = this.#shown.get(shown);
      if (other === undefined) continue;
      throw new TypeError(
        `isotel: the metrics ${JSON.stringify(other)} and ${JSON.stringify(declaration.name)} would both have ` +
          `${JSON.stringify(shown)} in an exposition; rename one of them`,
      );
    }
    for (const shown of names) this.#shown.set(shown, declaration.name);
  }

  /**
   * Returns the live core as a producer, opened if necessary. Returns undefined without a core or without randomness.
   */
  core(): MetricsCore | undefined {
    const current = this.#current;
    return current?.isAlive === true ? current : this.#renew();
  }

  #renew(): MetricsCore | undefined {
    if (!this.#isOpen) {
      if (this.#newProducerId() === undefined) return undefined;
      this.#isOpen = true;
      // A core that replaces another one becomes a producer before its first span.
      this.host.onCore((core) => this.#open(core));
    }
    // The getter creates a core if there is none, and then calls the listener above.
    return this.host.core === undefined ? undefined : this.#current;
  }

  /** Sets labels of every series, in this core and in every later one. Only the first labels have an effect. */
  useConstantLabels(labels: ConstantLabels | undefined): void {
    const known = this.#constantLabels;
    if (labels === undefined || labels === known) return;
    if (known === undefined) {
      this.#constantLabels = labels;
      this.#current?.setConstantLabels(labels.bytes);
    } else if (String(labels.bytes) !== String(known.bytes)) {
      this.warnOnce(
        "constant labels",
        "isotel: metrics.constantLabels differ between handlers of this isolate. Its metrics have the first ones; " +
          "use the same everywhere",
      );
    }
  }

  get constantLabelCount(): number {
    return this.#constantLabels?.count ?? 0;
  }

  /** Calls `listener` with the core that is a producer, if any, and with every later one before its first record. */
  onOpen(listener: (core: Core) => void): void {
    this.#openings.push(listener);
    const { core } = this.host;
    if (core !== undefined && this.#current?.isAlive === true) listener(core);
  }

  /** Requests a flush. Never throws. */
  wake(): void {
    try {
      this.onWake();
    } catch (cause) {
      // The next invocation schedules the flush.
      this.warnOnce("wake", `isotel: no flush could be scheduled (${describeCause(cause)})`);
    }
  }

  /** Keeps a gauge, so that its value is set in the next instance of the core. */
  rememberGauge(series: Series): void {
    this.#gauges.push(series);
  }

  /** Whether values have to be sent again that have not changed. */
  get hasGauges(): boolean {
    return this.#gauges.length > 0;
  }

  /** Whether records, or counts of dropped records, are in no frame yet. */
  get isDirty(): boolean {
    const core = this.#current;
    return core !== undefined && (this.#hasLeftOut || core.isDirty);
  }

  /**
   * Moves changes into frames in the outbox. Returns the core that had them, or undefined if there is none or it
   * trapped.
   */
  flush(refreshGauges: boolean): MetricsCore | undefined {
    if (refreshGauges) for (const gauge of this.#gauges) gauge.attach();
    const core = this.core();
    if (core === undefined) return undefined;
    this.#hasLeftOut = false;
    // Not earlier: a series at 0 does not justify a flush.
    for (const family of this.#families.values()) family.attachZeros(core);
    this.outbox.add(core.flush(refreshGauges));
    return core.isAlive ? core : undefined;
  }

  get counts(): MeterCounts {
    const core = this.#current;
    return {
      lostRecords: this.#lostRecords,
      losses: this.#losses,
      invalidValues: this.#invalidValues + this.#pastInvalidValues + (core?.invalidValues ?? 0),
      invalidLabels: this.#invalidLabels,
      labelSetsOverflowed: this.#pastOverflowed + (core?.labelSetsOverflowed ?? 0),
    };
  }

  countLost(): void {
    this.#lostRecords += 1;
    this.#leftOut();
  }

  /** Counts a value that did not reach the core. */
  countInvalidValue(): void {
    this.#invalidValues += 1;
    this.#leftOut();
  }

  /** Notes a value that the core has refused and counted. */
  noteRefusedValue(): void {
    this.#leftOut();
  }

  countInvalidLabels(): void {
    this.#invalidLabels += 1;
    this.#leftOut();
  }

  #leftOut(): void {
    this.#hasLeftOut = true;
    if (!this.isAwake) this.wake();
  }

  /** Warns that a built-in metric gives way to a metric of the Worker. */
  warnGivesWay(metric: string): void {
    this.warnOnce(
      `built in ${metric}`,
      `isotel: ${metric} not recorded: the Worker defines a metric with the same name. Rename it to record both`,
    );
  }

  /** Warns that the core refuses a family. The checks of its definition should have found the reason. */
  warnRefused({ name }: Declaration, error: number): void {
    this.warnOnce(
      `refused ${name}`,
      `isotel: the metric ${JSON.stringify(name)} cannot be recorded (core error ${error}); ` +
        "an isolate may have at most 1,000 metrics",
    );
  }

  /** Logs a message, once per key. Never throws. */
  warnOnce(key: string, message: string): void {
    this.#warnings.log(key, message);
  }

  #newProducerId(): Uint8Array | undefined {
    const id = new Uint8Array(producerIdBytes);
    try {
      this.#random(id);
      markShards(id, this.shards);
      return id;
    } catch {
      this.warnOnce(
        "random",
        "isotel: metrics can be recorded only in a handler, not while the Worker's modules load",
      );
      return undefined;
    }
  }

  #open(core: Core): void {
    const id = this.#newProducerId();
    if (id === undefined) return;
    let opened: MetricsCore | undefined;
    opened = MetricsCore.open(core, id, this.clock, ({ frames, isLoss }) => {
      this.outbox.add(frames);
      if (isLoss) this.#losses += 1;
      this.#pastInvalidValues += opened?.invalidValues ?? 0;
      this.#pastOverflowed += opened?.labelSetsOverflowed ?? 0;
      if (this.#current === opened) this.#current = undefined;
    });
    this.#current = opened;
    if (opened === undefined) return;
    if (this.#constantLabels !== undefined) opened.setConstantLabels(this.#constantLabels.bytes);
    for (const family of this.#families.values()) family.declareIn(opened);
    for (const listener of this.#openings) listener(core);
  }
}
