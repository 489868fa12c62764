import type { Span } from "../harness/spans.ts";
import { type LocalWorker, startWorkers, streamingTailConsumers } from "../harness/start.ts";
import { samplesOf } from "../workerd/harness/metrics_app.ts";
import { withoutBlindSpots } from "./blind_spots.ts";
import { differences, disagreements } from "./compare.ts";
import type { Case } from "./dimensions.ts";
import { expectedSpans } from "./expected_spans.ts";
import type { Entry } from "./log.ts";
import { metricDifferences, SpanSums } from "./metrics.ts";

export interface Verdict {
  readonly case: Case;
  readonly found: readonly string[];
  /** The blind spots of the way to observe the call. */
  readonly blindSpots: readonly string[];
  readonly plain: readonly Entry[];
  readonly observed: readonly Entry[];
  readonly spans: readonly Span[];
}

type Logs = Readonly<Record<number, Entry[]>>;

const batchSize = 60;

/** Runs cases plain and observed in workerd, and compares the spans with the expected spans. */
export class Oracle {
  readonly #workers: LocalWorker;
  readonly #sums = new SpanSums();

  private constructor(workers: LocalWorker) {
    this.#workers = workers;
  }

  static async start(): Promise<Oracle> {
    const app = "tests/oracle/worker";
    const workers = await startWorkers([
      {
        name: "driver",
        main: `${app}/driver.ts`,
        services: [
          { binding: "PLAIN", service: "plain" },
          { binding: "OBSERVED", service: "observed" },
        ],
      },
      { name: "plain", main: `${app}/plain.ts` },
      {
        name: "observed",
        main: `${app}/observed.ts`,
        streaming_tail_consumers: [...streamingTailConsumers],
        durable_objects: {
          bindings: [{ name: "TELEMETRY", class_name: "TelemetryAggregator" }],
        },
        migrations: [{ tag: "v1", new_sqlite_classes: ["TelemetryAggregator"] }],
      },
    ]);
    return new Oracle(workers);
  }

  /** Compares the metrics of all observed calls with their spans. */
  async compareMetrics(): Promise<readonly string[]> {
    const response = await this.#workers.fetchFrom("observed", "/metrics");
    const text = await response.text();
    if (response.status !== 200) throw new Error(`The scrape failed: ${text}`);
    return metricDifferences(this.#sums, samplesOf(text));
  }

  close(): Promise<void> {
    return this.#workers.close();
  }

  /**
   * Judges cases in batches. Calls `report` with each verdict. A case that disagrees is judged again alone, because a
   * timeout may fire too early on a busy machine.
   */
  async judgeAll(cases: readonly Case[], report: (verdict: Verdict) => void): Promise<void> {
    const groups = groupBy(cases, ({ way, content }) => `${way} ${content}`);
    for (const group of groups.values()) {
      for (let at = 0; at < group.length; at += batchSize) {
        for (const verdict of await this.judge(group.slice(at, at + batchSize))) {
          report(verdict.found.length === 0 ? verdict : await this.judgeAlone(verdict.case));
        }
      }
    }
  }

  /** Judges a case alone. Repeats a case that disagrees: two runs in total, or five if a timeout ends the call. */
  async judgeAlone(value: Case): Promise<Verdict> {
    const attempts = value.ender.includes("timeout") ? 5 : 2;
    for (let attempt = 1; ; attempt += 1) {
      const [verdict] = (await this.judge([value], 1)) as [Verdict];
      if (verdict.found.length === 0 || attempt === attempts) return verdict;
    }
  }

  /** Judges cases with equal `way` and `content`. */
  async judge(cases: readonly Case[], atOnce = 12): Promise<Verdict[]> {
    const [{ way, content } = cases[0] as Case] = cases;
    const query = new URLSearchParams({ way, content: String(content) });
    await this.#workers.fetchFrom("observed", `/way?${query}`);
    const plain = await this.#run("PLAIN", cases, atOnce);
    await this.#workers.takeSpans({ invocations: 1, timeoutMs: 20_000 });
    const observed = await this.#run("OBSERVED", cases, atOnce);
    const spans = await this.#workers.takeSpans({
      invocations: 2 * cases.length,
      timeoutMs: 20_000,
    });
    for (const span of spans) this.#sums.add(span);
    const bySeed = spansBySeed(spans);
    return cases.map((value) => {
      const own = bySeed.get(value.seed) ?? [];
      const plainLog = plain[value.seed] ?? [];
      const observedLog = observed[value.seed] ?? [];
      const basis = dependsOnTime(value) ? observedLog : plainLog;
      const { expected, names } = withoutBlindSpots(value, expectedSpans(value, basis));
      const found = [
        ...differences(value, plainLog, observedLog),
        ...disagreements(value, expected, own),
      ];
      return {
        case: value,
        found,
        blindSpots: names,
        plain: plainLog,
        observed: observedLog,
        spans: own,
      };
    });
  }

  async #run(target: "PLAIN" | "OBSERVED", cases: readonly Case[], atOnce: number): Promise<Logs> {
    const response = await this.#workers.fetch("/", {
      method: "POST",
      body: JSON.stringify({ target, cases, atOnce }),
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`The driver failed: ${text}`);
    return JSON.parse(text) as Logs;
  }
}

/** Whether the progress of a call until its invocation is over, or until its caller aborts, depends only on time. */
function dependsOnTime({ ender, reader, when }: Case): boolean {
  return ender === "return" || (reader === "unread" && when === "after");
}

function groupBy<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    groups.set(key, [...(groups.get(key) ?? []), value]);
  }
  return groups;
}

function spansBySeed(spans: readonly Span[]): Map<number, Span[]> {
  const byInvocation = groupBy(spans, ({ invocationId }) => invocationId);
  const found = new Map<number, Span[]>();
  for (const group of byInvocation.values()) {
    const name = group.find(({ isInvocation }) => isInvocation)?.name ?? "";
    const seed = /\/run\/(\d+)$/.exec(name)?.[1];
    if (seed !== undefined) found.set(Number(seed), group);
  }
  return found;
}
