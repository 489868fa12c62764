import { compiledModule } from "#wasm/core";
import { nativeTracing } from "#workers";
import { systemClock } from "../base/time.ts";
import { CoreHost } from "../core/core_host.ts";
import { nativeRuntime } from "./native_runtime.ts";
import { provideTelemetry } from "./provided_telemetry.ts";
import type { SpanRuntime } from "./span_runtime.ts";
import { Telemetry } from "./telemetry.ts";
import { Tracer } from "./tracer.ts";

/** The runtime's own spans, whatever else theirs feed. */
export const workersRuntime: SpanRuntime = nativeRuntime(nativeTracing);

/** The telemetry of this isolate: the runtime's native tracing driven by the core. */
export const workersTelemetry: Telemetry = new Telemetry(
  new CoreHost(() => compiledModule),
  workersRuntime,
  systemClock,
);

provideTelemetry(workersTelemetry);

/** Opens spans in the Workers runtime; a no-op where the runtime has no tracing. */
export const tracer: Tracer = new Tracer(workersTelemetry);
