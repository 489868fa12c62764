import { compiledModule } from "#wasm/core";
import { nativeTracing } from "#workers";
import { shared } from "../base/shared.ts";
import { systemClock } from "../base/time.ts";
import { CoreHost } from "../core/core_host.ts";
import { nativeRuntime } from "./native_runtime.ts";
import { provideTelemetry } from "./provided_telemetry.ts";
import type { SpanRuntime } from "./span_runtime.ts";
import { Telemetry } from "./telemetry.ts";
import { Tracer } from "./tracer.ts";

/** The native spans of the Workers runtime, without any wrapping runtime. */
export const workersRuntime: SpanRuntime = shared("runtime", () => nativeRuntime(nativeTracing));

/** The telemetry of this isolate: native tracing of the Workers runtime, driven by the core. */
export const workersTelemetry: Telemetry = shared(
  "telemetry",
  () => new Telemetry(new CoreHost(() => compiledModule), workersRuntime, systemClock),
);

provideTelemetry(workersTelemetry);

/** The tracer of this isolate. Records spans in the Workers runtime. A no-op if the runtime has no tracing. */
export const tracer: Tracer = new Tracer(workersTelemetry);
