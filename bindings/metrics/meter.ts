import { describeCause } from "../base/cause.ts";
import { LogOnce } from "../base/report_once.ts";
import type { Clock } from "../base/time.ts";
import { MetricKind } from "../core/abi.gen.ts";
import type { Core } from "../core/core.ts";
import type { CoreHost } from "../core/core_host.ts";
import type { Declaration } from "../core/declaration.ts";
import { MetricsCore, producerIdBytes } from "../core/metrics_core.ts";
import type { Series } from "./family.ts";
import { Family, type FamilyHost } from "./family.ts";
import { Outbox } from "./outbox.ts";

/** What a meter needs of the world around it. */
export interface MeterOptions {
  readonly clock: Clock;
  /** Fills the bytes with random ones. May throw where that is not allowed. */
  readonly random: (bytes: Uint8Array) => void;
  readonly warn: (message: string) => void;
}

/** Counts a meter keeps besides those of the core, over all instances of it. */
export interface MeterCounts {
  /** Records that were not even tried, because there was no core. */
  readonly lostRecords: number;
  /** Times data since the last flush was lost with an instance of the core. */
  readonly losses: number;
  /** Values that were not recorded: no number, not finite, or lowering a counter. */
  readonly invalidValues: number;
  /** Records with a label that had no value, or one of a wrong type. */
  readonly invalidLabels: number;
  /** Times a label set went to the overflow series of its family. */
  readonly labelSetsOverflowed: number;
}

/**
 * The metrics of one isolate: its families, and the core they are recorded in. The core becomes a producer of frames at
 * the first use inside a handler; one that trapped is followed by another.
 */
export class Meter implements FamilyHost {
  readonly host: CoreHost;
  readonly clock: Clock;
  /** Frames that were not delivered yet. */
  readonly outbox: Outbox = new Outbox();
  /** Whether a flush of what is recorded from now on is on its way, so that nobody needs to be told. */
  isAwake = false;
  /** Told of a record while {@link isAwake} is false. */
  onWake: () => void = () => {};
  readonly #random: (bytes: Uint8Array) => void;
  readonly #warnings: LogOnce;
  /** Those the Worker defines, and those that are built in. A name may be in both: the core decides between them. */
  readonly #families = new Map<string, Family>();
  readonly #builtIns = new Map<string, Family>();
  /** Names of the Worker's by how expositions show them. */
  readonly #shown = new Map<string, string>();
  readonly #gauges: Series[] = [];
  readonly #openings: ((core: Core) => void)[] = [];
  #current: MetricsCore | undefined;
  #isOpen = false;
  /** Whether records were left out since the last flush: their counts are worth one. */
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
        // A console of the user's own that fails is not the handler's business.
      }
    });
  }

  /**
   * The family of a declaration; the same one for an equal declaration. A core is not opened for it.
   *
   * @throws TypeError when the Worker has defined another metric of this name, or isotel has one built in twice.
   */
  define(declaration: Declaration): Family {
    const { name, isBuiltIn } = declaration;
    const families = isBuiltIn ? this.#builtIns : this.#families;
    const known = families.get(name);
    if (known === undefined) {
      const family = new Family(this, declaration);
      families.set(name, family);
      if (!isBuiltIn) this.#defined(family);
      return family;
    }
    if (JSON.stringify(known.declaration) !== JSON.stringify(declaration)) {
      throw new TypeError(
        `isotel: the metric ${JSON.stringify(name)} is defined twice, and differently; ` +
          "one name has to have one kind, unit, help, list of labels and set of buckets",
      );
    }
    return known;
  }

  /** Takes the name of a metric of the Worker's from built-in ones, which are recorded without being asked. */
  #defined(family: Family): void {
    const { name, kind } = family.declaration;
    // Expositions add `_total` to the name of a counter unless it is there.
    const stem = kind === MetricKind.counter ? name.replace(/(?<=.)_total$/, "") : name;
    const shown = stem.replace(/[^A-Za-z0-9]/g, "_");
    const other = this.#shown.get(shown);
    if (other === undefined) this.#shown.set(shown, name);
    else {
      this.warnOnce(
        `shown ${shown}`,
        `isotel: the metrics ${JSON.stringify(other)} and ${JSON.stringify(name)} may be shown under one name, ` +
          "as one metric or only one of them; rename one",
      );
    }
    if (this.#current?.isAlive === true) family.declareIn(this.#current);
  }

  /** The live core as a producer, opened if need be; undefined where there is none, or no randomness. */
  core(): MetricsCore | undefined {
    const current = this.#current;
    return current?.isAlive === true ? current : this.#renew();
  }

  #renew(): MetricsCore | undefined {
    if (!this.#isOpen) {
      if (this.#newProducerId() === undefined) return undefined;
      this.#isOpen = true;
      // From now on a core that replaces another records from its first span on.
      this.host.onCore((core) => this.#open(core));
    }
    // The host makes a core where there is none, and tells the listener above of it.
    return this.host.core === undefined ? undefined : this.#current;
  }

  /** Tells of the core that is a producer, if there is one, and of every later one before anything is recorded in it. */
  onOpen(listener: (core: Core) => void): void {
    this.#openings.push(listener);
    const { core } = this.host;
    if (core !== undefined && this.#current?.isAlive === true) listener(core);
  }

  /** Tells whoever flushes that there is something to flush. Never throws. */
  wake(): void {
    try {
      this.onWake();
    } catch (cause) {
      // The next invocation looks by itself.
      this.warnOnce("wake", `isotel: no flush could be set (${describeCause(cause)})`);
    }
  }

  /** Keeps a gauge, so that a new core learns its value. */
  rememberGauge(series: Series): void {
    this.#gauges.push(series);
  }

  get hasGauges(): boolean {
    return this.#gauges.length > 0;
  }

  /** Whether something was recorded, or left out, that is in no frame yet. */
  get isDirty(): boolean {
    const core = this.#current;
    return core !== undefined && (this.#hasLeftOut || core.isDirty);
  }

  /** Moves what changed into frames in the outbox; the core it was in, undefined when there is none or it trapped. */
  flush(refreshGauges: boolean): MetricsCore | undefined {
    if (refreshGauges) for (const gauge of this.#gauges) gauge.attach();
    const core = this.core();
    if (core === undefined) return undefined;
    this.#hasLeftOut = false;
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

  /** Counts a value the core has not seen, and so has not counted. */
  countInvalidValue(): void {
    this.#invalidValues += 1;
    this.#leftOut();
  }

  /** Notes a value that the core has counted. */
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

  /** Warns that the Worker has a metric under the name of a built-in one. */
  warnGivesWay(which: string, whose: string): void {
    this.warnOnce(
      `built in ${which}`,
      `isotel: ${which} not recorded: the Worker defines a metric of ${whose} name. Rename the Worker's to have both`,
    );
  }

  /** Warns that the core does not take a family, which its definition should have shown. */
  warnRefused({ name }: Declaration, error: number): void {
    this.warnOnce(
      `refused ${name}`,
      `isotel: the metric ${JSON.stringify(name)} cannot be recorded (error ${error} of the core); ` +
        "an isolate has room for 1,000 metrics",
    );
  }

  /** Gives a message the first time its key is seen. Never throws. */
  warnOnce(key: string, message: string): void {
    this.#warnings.log(key, message);
  }

  #newProducerId(): Uint8Array | undefined {
    const id = new Uint8Array(producerIdBytes);
    try {
      this.#random(id);
      return id;
    } catch {
      this.warnOnce(
        "random",
        "isotel: metrics can be recorded in a handler only, not while the Worker's modules are loaded",
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
    for (const family of this.#families.values()) family.declareIn(opened);
    for (const listener of this.#openings) listener(core);
  }
}
