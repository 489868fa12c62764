/** The effort of a benchmark. */
export interface Effort {
  /** Turns of every subject, which is also the number of pairs. Each pair has a ratio. */
  readonly rounds: number;
  /** Parts of a turn. The subjects alternate after each part, so that a disturbance affects all of them. */
  readonly slices: number;
  readonly sliceMs: number;
  readonly warmUpMs: number;
}

export const thorough: Effort = { rounds: 9, slices: 9, sliceMs: 25, warmUpMs: 600 };
export const quick: Effort = { rounds: 5, slices: 3, sliceMs: 15, warmUpMs: 250 };

/** Work to measure. */
export interface Subject {
  readonly name: string;
  /** One unit of work; awaited when `isAsync`. */
  run(): unknown;
  readonly isAsync?: boolean;
}

/** Microseconds of one unit of work, with a sample for each round of each subject. */
export type Samples = ReadonlyMap<string, readonly number[]>;

/**
 * Measures subjects in turns in this process, including garbage collection. A sample is the mean of the slices of a
 * turn, because on some kernels the clock of thread time moves in steps of several milliseconds, which a median would
 * keep. The time is the CPU time of this thread, so that other work of the machine does not count.
 */
export async function alternate(subjects: readonly Subject[], effort: Effort): Promise<Samples> {
  const turns = [];
  for (const subject of subjects) {
    turns.push({ subject, count: await warmUp(subject, effort), samples: [] as number[] });
  }
  for (let round = 0; round < effort.rounds; round += 1) {
    const slices = turns.map((): number[] => []);
    for (let slice = 0; slice < effort.slices; slice += 1) {
      // The order rotates too, because each subject leaves garbage to the next one.
      for (let turn = 0; turn < turns.length; turn += 1) {
        const index = (slice + turn) % turns.length;
        const { subject, count } = turns[index] as (typeof turns)[number];
        slices[index]?.push((1000 * (await elapsedMs(subject, count))) / count);
      }
    }
    for (const [index, { samples }] of turns.entries()) {
      samples.push(mean(slices[index] ?? []));
    }
  }
  return new Map(turns.map(({ subject, samples }) => [subject.name, samples]));
}

/** Runs only isotel for a while, for a profiler. */
export async function runAlone(subject: Subject, ms: number): Promise<void> {
  await warmUp(subject, { ...quick, warmUpMs: ms });
}

/** Runs a subject until the engine has optimized it. Returns the number of units of work in a slice. */
async function warmUp(subject: Subject, { warmUpMs, sliceMs }: Effort): Promise<number> {
  let count = 1;
  let spentMs = 0;
  for (;;) {
    const ms = await elapsedMs(subject, count);
    spentMs += ms;
    const wanted = Math.max(1, Math.round((count * sliceMs) / Math.max(ms, 0.001)));
    if (spentMs >= warmUpMs) {
      return wanted;
    }
    count = Math.min(wanted, 4 * count);
  }
}

async function elapsedMs(subject: Subject, count: number): Promise<number> {
  const start = process.threadCpuUsage();
  if (subject.isAsync === true) {
    for (let i = 0; i < count; i += 1) {
      await subject.run();
    }
  } else {
    for (let i = 0; i < count; i += 1) {
      subject.run();
    }
  }
  const { user, system } = process.threadCpuUsage(start);
  return (user + system) / 1000;
}

/** The result of one comparison: medians, and the median of the ratios of the rounds. */
export interface Comparison {
  readonly ours: number;
  readonly peer: number;
  readonly ratio: number;
  /** Lower and upper quartile of the rounds' ratios. */
  readonly spread: readonly [number, number];
}

export function compare(ours: readonly number[], peer: readonly number[]): Comparison {
  const ratios = ours.map((value, round) => value / (peer[round] ?? Number.NaN));
  return {
    ours: median(ours),
    peer: median(peer),
    ratio: median(ratios),
    spread: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
  };
}

/** Returns the difference of each round of `samples` to the same round of `base`. */
export function less(samples: readonly number[], base: readonly number[]): number[] {
  return samples.map((value, round) => value - (base[round] ?? Number.NaN));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Returns the lower quartile. For times that other programs can only make longer. */
export function undisturbed(values: readonly number[]): number {
  return quantile(values, 0.25);
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}
