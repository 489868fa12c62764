import type { Environment } from "../base/env.ts";
import { sharedSlot } from "../base/shared.ts";
import type { HandlerCall } from "../otlp/capture/run_invocation.ts";
import type { OtlpOptions } from "../otlp/pipeline/options.ts";
import type { Pipeline } from "../otlp/pipeline/pipeline.ts";

/** Exports the invocations of a Worker over OTLP. */
export interface OtlpInvocations {
  /** Sets up an export. Throws TypeError if an option or variable is invalid. */
  use(options: OtlpOptions, env: Environment): Pipeline;
  /** Sends all queued items of all exports. Resolves to whether none waits any more. */
  flush(): Promise<boolean>;
  /** Runs a body as an invocation. Without `pipeline`, it uses the export that was set up last. */
  run<T>(invocation: HandlerCall, pipeline: Pipeline | undefined, body: () => T): T;
  /**
   * Returns a function that runs a body as part of the current invocation, for calls of the runtime that have lost its
   * context. Undefined if the invocation is not exported.
   */
  continuation(): (<T>(body: () => T) => T) | undefined;
}

const slot = sharedSlot<OtlpInvocations>("otlp");

/** Called by `isotel/otlp`. A Worker that exports nothing does not carry its code. */
export function provideOtlp(provided: OtlpInvocations): void {
  slot.value = provided;
}

export function otlpInvocations(): OtlpInvocations | undefined {
  return slot.value;
}
