import {
  emptyContext,
  type OtelContext,
  type OtelException,
  type OtelSpan,
  type OtelSpanOptions,
} from "../../../bindings/flue/sinks/otel_types.ts";
import { KeepingTracer } from "./flue.ts";

type Time = [number, number];

/** What Flue's own adapter passes besides: dates, and no context for a root. */
interface PeerOptions extends Omit<OtelSpanOptions, "startTime"> {
  readonly startTime?: Date;
}

/** Keeps what Flue's own adapter tells its tracer, which uses more of OpenTelemetry's interface. */
export class PeerTracer {
  readonly keeping = new KeepingTracer();

  startSpan(name: string, options: PeerOptions, context: OtelContext = emptyContext): object {
    const { attributes, kind, startTime } = options;
    const kept = { attributes, kind, startTime: timeOf(startTime) };
    const span: OtelSpan = this.keeping.startSpan(name, kept, context);
    return {
      ...span,
      setAttribute: (key: string, value: string) => span.setAttributes({ [key]: value }),
      recordException: (exception: OtelException) => span.recordException(exception, timeOf()),
      end: (end?: Date) => span.end(timeOf(end)),
    };
  }
}

function timeOf(date = new Date()): Time {
  const unixMs = date.getTime();
  const seconds = Math.floor(unixMs / 1_000);
  return [seconds, (unixMs - 1_000 * seconds) * 1e6];
}
