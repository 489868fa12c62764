import assert from "node:assert/strict";
import { CoreHost } from "../../../bindings/core/core_host.ts";
import type { AttributeValue, SpanRuntime } from "../../../bindings/trace/span_runtime.ts";
import { Telemetry } from "../../../bindings/trace/telemetry.ts";
import { Tracer } from "../../../bindings/trace/tracer.ts";
import { compile, coreModule, readCore } from "../../wasm/support/module.ts";
import { withTrapIn } from "../../wasm/support/wasm_binary.ts";
import { type RecordedSpan, type RecordingOptions, RecordingRuntime } from "./recording_runtime.ts";

/** A tracer over a runtime, with a core of its own. */
export interface Tracing<R extends SpanRuntime = SpanRuntime> {
  readonly runtime: R;
  readonly telemetry: Telemetry;
  readonly tracer: Tracer;
  /** A count of diagnostics(), 0 where there is none. */
  count(name: string): number;
}

/** The clock of tests: a second later each time it is read. */
export function tickingClock(): () => number {
  let now = 1_000_000;
  return () => {
    now += 1000;
    return now;
  };
}

export function tracingOver<R extends SpanRuntime>(
  runtime: R,
  module: () => WebAssembly.Module = () => coreModule,
): Tracing<R> {
  const telemetry = new Telemetry(new CoreHost(module), runtime, tickingClock());
  const tracer = new Tracer(telemetry);
  return { runtime, telemetry, tracer, count: (name) => tracer.diagnostics()[name] ?? 0 };
}

export function recording(options?: RecordingOptions): Tracing<RecordingRuntime> {
  return tracingOver(new RecordingRuntime(options));
}

/** Its first core traps whenever the function `name` is called; the ones that replace it are sound. */
export function recordingWithTrapIn(name: string): Tracing<RecordingRuntime> {
  const modules = [compile(withTrapIn(readCore(), name))];
  return tracingOver(new RecordingRuntime(), () => modules.pop() ?? coreModule);
}

export function attributesOf(span: RecordedSpan | undefined): Record<string, AttributeValue> {
  assert.ok(span !== undefined, "there is no such span");
  return Object.fromEntries(span.attributes);
}

/** Waits until every span has ended, or for so many turns of the event loop that none will any more. */
export async function allEnded({ runtime }: Tracing<RecordingRuntime>): Promise<void> {
  for (let turn = 0; turn < 1_000 && runtime.spans.some(({ ended }) => !ended); turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The one span of that name. */
export function spanNamed({ runtime }: Tracing<RecordingRuntime>, name: string): RecordedSpan {
  const found = runtime.spans.filter((span) => span.name === name);
  assert.equal(found.length, 1, `spans: ${runtime.spans.map((span) => span.name).join(", ")}`);
  return found[0] as RecordedSpan;
}
