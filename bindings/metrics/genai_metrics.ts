import type { Core } from "../core/core.ts";
import type { SpanMeasures } from "./genai_options.ts";
import type { Meter } from "./meter.ts";

/** The metrics of GenAI spans in an isolate: the core records them as the spans end. */
export class GenAiMetrics {
  readonly #meter: Meter;
  #measures: SpanMeasures | undefined;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /** Measures spans from now on, in every core that follows too. The first that are given count. */
  use(measures: SpanMeasures | undefined): void {
    if (measures === undefined || this.#measures !== undefined) return;
    this.#measures = measures;
    this.#meter.onOpen((core) => this.#measure(core, measures));
  }

  #measure(core: Core, { flags, currency, prices }: SpanMeasures): void {
    const leftOut = core.measureSpans(flags, currency);
    if (leftOut < 0) {
      this.#meter.warnOnce(
        "genai",
        `isotel: calls of the AI SDK are not measured (error ${leftOut} of the core)`,
      );
      return;
    }
    if (leftOut > 0)
      this.#meter.warnGivesWay(`${leftOut} built-in metrics of AI calls are`, "their");
    for (const { model, input, output, cacheRead, cacheWrite } of prices) {
      core.setPrice(model, input, output, cacheRead, cacheWrite);
    }
  }
}
