import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Something that is scraped. */
export interface Target {
  readonly job: string;
  readonly url: URL;
  readonly token?: string;
}

export interface PrometheusOptions {
  readonly targets: readonly Target[];
  /** Asks for protobuf first, and keeps native histograms. */
  readonly nativeHistograms?: boolean;
  readonly scrapeIntervalMs?: number;
}

/** A target as `/api/v1/targets` tells of it. */
export interface TargetState {
  readonly health: "up" | "down" | "unknown";
  readonly lastError: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** One series of an instant query. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const startMs = 20_000;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("There is no free port.");
  return address.port;
}

function scrapeConfig({ job, url, token }: Target): string {
  const lines = [
    `  - job_name: ${JSON.stringify(job)}`,
    `    scheme: ${url.protocol.slice(0, -1)}`,
    `    metrics_path: ${JSON.stringify(url.pathname)}`,
    "    static_configs:",
    `      - targets: [${JSON.stringify(url.host)}]`,
  ];
  if (token !== undefined)
    lines.push(`    authorization: { credentials: ${JSON.stringify(token)} }`);
  return lines.join("\n");
}

/** A real Prometheus with a data folder of its own, on a free loopback port. */
export class Prometheus {
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #url: string;
  readonly #targets: number;
  #output = "";

  private constructor(folder: string, process: ChildProcess, url: string, targets: number) {
    this.#folder = folder;
    this.#process = process;
    this.#url = url;
    this.#targets = targets;
    for (const stream of [process.stdout, process.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-20_000);
      });
    }
  }

  /** Starts one and waits until it answers; throws what it printed when it does not. */
  static async start(options: PrometheusOptions): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), "isotel-prometheus-"));
    const port = await freePort();
    const configuration = [
      "global:",
      `  scrape_interval: ${options.scrapeIntervalMs ?? 1000}ms`,
      `  scrape_timeout: ${options.scrapeIntervalMs ?? 1000}ms`,
      "scrape_configs:",
      ...options.targets.map(scrapeConfig),
    ];
    writeFileSync(join(folder, "prometheus.yml"), `${configuration.join("\n")}\n`);
    const features =
      options.nativeHistograms === true ? ["--enable-feature=native-histograms"] : [];
    const child = spawn(
      "prometheus",
      [
        `--config.file=${join(folder, "prometheus.yml")}`,
        `--storage.tsdb.path=${join(folder, "data")}`,
        `--web.listen-address=127.0.0.1:${port}`,
        "--log.level=warn",
        ...features,
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    const prometheus = new Prometheus(
      folder,
      child,
      `http://127.0.0.1:${port}`,
      options.targets.length,
    );
    try {
      await prometheus.#waitUntilReady();
    } catch (cause) {
      await prometheus.stop();
      throw new Error(`Prometheus does not start:\n${prometheus.#output}`, { cause });
    }
    return prometheus;
  }

  /** An instant query. Throws Prometheus's own message when it refuses the expression. */
  async query(expression: string): Promise<Sample[]> {
    const answer = (await this.#api(`query?query=${encodeURIComponent(expression)}`)) as {
      resultType: string;
      result: { metric: Record<string, string>; value: [number, string] }[] | [number, string];
    };
    if (answer.resultType === "scalar") {
      return [{ labels: {}, value: Number(answer.result[1]) }];
    }
    const series = answer.result as { metric: Record<string, string>; value: [number, string] }[];
    return series.map(({ metric, value }) => ({ labels: metric, value: numberOf(value[1]) }));
  }

  /** The value of a query that has exactly one series. */
  async value(expression: string): Promise<number> {
    const samples = await this.query(expression);
    if (samples.length !== 1) throw new Error(`${expression} has ${samples.length} series.`);
    return samples[0]?.value ?? Number.NaN;
  }

  async targets(): Promise<TargetState[]> {
    const { activeTargets } = (await this.#api("targets")) as { activeTargets: TargetState[] };
    return activeTargets;
  }

  /** Waits until every target was scraped, well or badly. */
  async scraped(): Promise<TargetState[]> {
    return this.#until("a scrape", async () => {
      const targets = await this.targets();
      const scraped = targets.filter(({ health }) => health !== "unknown");
      return scraped.length === this.#targets ? targets : undefined;
    });
  }

  /** Waits until a query has series that `accept` takes. */
  async eventually(
    expression: string,
    accept: (samples: Sample[]) => boolean,
    patienceMs = 30_000,
  ): Promise<Sample[]> {
    let last: Sample[] = [];
    return this.#until(
      `${expression} to be as expected`,
      async () => {
        last = await this.query(expression);
        return accept(last) ? last : undefined;
      },
      patienceMs,
      () => JSON.stringify(last),
    );
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const exited = new Promise((resolve) => this.#process.once("exit", resolve));
      this.#process.kill("SIGKILL");
      await exited;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #api(path: string): Promise<unknown> {
    const response = await fetch(`${this.#url}/api/v1/${path}`);
    const answer = (await response.json()) as { status: string; data: unknown; error?: string };
    if (answer.status !== "success")
      throw new Error(`${decodeURIComponent(path)}: ${answer.error}`);
    return answer.data;
  }

  async #waitUntilReady(): Promise<void> {
    let failure: Error | undefined;
    this.#process.once("error", (error) => {
      failure = error;
    });
    await this.#until(
      "Prometheus",
      async () => {
        if (failure !== undefined) throw failure;
        if (this.#process.exitCode !== null) throw new Error("It has ended.");
        const response = await fetch(`${this.#url}/-/ready`).catch(() => undefined);
        return response?.ok === true ? true : undefined;
      },
      startMs,
    );
  }

  async #until<T>(
    what: string,
    probe: () => Promise<T | undefined>,
    patienceMs = 30_000,
    last: () => string = () => "",
  ): Promise<T> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const found = await probe();
      if (found !== undefined) return found;
      if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}. ${last()}`);
      await sleep(100);
    }
  }
}

// Prometheus writes +Inf, -Inf and NaN.
function numberOf(text: string): number {
  return text.endsWith("Inf") ? (text.startsWith("-") ? -Infinity : Infinity) : Number(text);
}
