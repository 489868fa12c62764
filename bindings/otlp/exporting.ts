import type { Environment } from "../base/env.ts";
import type { Telemetry } from "../trace/telemetry.ts";
import { CompositeRuntime } from "./capture/composite_runtime.ts";
import { captureConsole } from "./capture/console_lines.ts";
import { activeContext } from "./capture/context.ts";
import type { LogInput } from "./capture/log_record.ts";
import { continuation } from "./capture/run_in.ts";
import { type HandlerCall, runInvocation } from "./capture/run_invocation.ts";
import { makeTracedFetch } from "./capture/traced_fetch.ts";
import { makePipeline, type PipelineEnvironment } from "./pipeline/make_pipeline.ts";
import type { OtlpOptions } from "./pipeline/options.ts";
import type { Pipeline } from "./pipeline/pipeline.ts";
import { type ExportPlan, readExportOptions } from "./pipeline/read_export_options.ts";

/** Exports the spans of one {@link Telemetry}, and log records. */
export class Exports {
  readonly #telemetry: Telemetry;
  readonly #environment: PipelineEnvironment;
  readonly #runtime: CompositeRuntime;
  readonly #known = new Map<string, Pipeline>();

  constructor(telemetry: Telemetry, environment: PipelineEnvironment) {
    this.#telemetry = telemetry;
    this.#environment = environment;
    this.#runtime = new CompositeRuntime(telemetry.runtime);
    telemetry.addCounterSource(() => this.#diagnostics());
  }

  /**
   * Sets up an export. Telemetry outside of invocations uses the export of the last call. A call with the options of an
   * earlier call returns the earlier export with its queued items.
   *
   * @throws TypeError if options or variables are missing or invalid. The error names each of them and quotes no
   *   strings.
   */
  use(options: OtlpOptions, env: Environment): Pipeline {
    const plan = readExportOptions(options, env);
    const key = keyOf(plan);
    const pipeline = this.#known.get(key) ?? makePipeline(plan, this.#environment);
    this.#known.set(key, pipeline);
    this.#runtime.pipeline = pipeline;
    this.#telemetry.runtime = this.#runtime;
    if (plan.options.consoleLogs) captureConsole(this.#runtime);
    return pipeline;
  }

  /** Sends all queued items of all exports. Resolves to whether none waits any more. */
  async flush(): Promise<boolean> {
    const pipelines = [...this.#known.values()];
    await Promise.all(pipelines.map((pipeline) => pipeline.flush()));
    return !pipelines.some(({ hasWork }) => hasWork);
  }

  /** Runs a body as an invocation whose spans are exported; see {@link runInvocation}. */
  run<T>(invocation: HandlerCall, pipeline: Pipeline | undefined, body: () => T): T {
    const used = pipeline ?? this.#runtime.pipeline;
    return used === undefined ? body() : runInvocation(invocation, this.#runtime, used, body);
  }

  /** Returns a function that continues the current invocation; see {@link continuation}. */
  continuation(): (<T>(body: () => T) => T) | undefined {
    return continuation();
  }

  /** Sends a log record. Never throws. Does nothing without an export. */
  emitLog(input: LogInput): void {
    this.#runtime.emitLog(input);
  }

  /** Returns a `fetch` that sends the trace context to chosen hosts; see {@link makeTracedFetch}. */
  tracedFetch(original: typeof fetch | undefined): typeof fetch {
    const runtime = this.#runtime;
    return makeTracedFetch(original, runtime, () => {
      const pipeline = activeContext.getStore()?.group.pipeline ?? runtime.pipeline;
      return pipeline?.settings.propagateTo;
    });
  }

  /** Returns the sums over all exports of the isolate. */
  #diagnostics(): Readonly<Record<string, number>> {
    const sums: Record<string, number> = {};
    for (const pipeline of this.#known.values()) {
      for (const [name, count] of Object.entries(pipeline.diagnostics())) {
        sums[name] = (sums[name] ?? 0) + count;
      }
    }
    return sums;
  }
}

/** Returns one key for equal options, even in different objects. The key contains secrets. Do not log it. */
function keyOf(plan: ExportPlan): string {
  return JSON.stringify(plan, (_key, value: unknown) =>
    typeof value === "function" || value instanceof RegExp ? String(value) : value,
  );
}
