import type { Environment } from "../base/env.ts";
import type { HandlerCall } from "../otlp/capture/run_invocation.ts";
import type { OtlpOptions } from "../otlp/pipeline/options.ts";
import type { Pipeline } from "../otlp/pipeline/pipeline.ts";

/** What a Worker does to export its invocations over OTLP. */
export interface OtlpInvocations {
  /** Sets an export up. Throws a TypeError when options or variables are wrong. */
  use(options: OtlpOptions, env: Environment): Pipeline;
  /** Runs a body as an invocation, with the export set up last when none is given. */
  run<T>(invocation: HandlerCall, pipeline: Pipeline | undefined, body: () => T): T;
}

let otlp: OtlpInvocations | undefined;

/** Filled by `isotel/otlp` when a Worker carries it: one that exports nothing does without its code. */
export function provideOtlp(provided: OtlpInvocations): void {
  otlp = provided;
}

export function otlpInvocations(): OtlpInvocations | undefined {
  return otlp;
}
