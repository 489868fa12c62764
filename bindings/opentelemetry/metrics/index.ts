import { shared } from "../../base/shared.ts";
import { workersMeter } from "../../metrics/isolate_metrics.ts";
import { provideRecording } from "../../metrics/recording.ts";
import { provideMeterProvider } from "../../slots/meter_provider.ts";
import { OtelMeterProvider } from "./otel_meter.ts";

provideRecording();
// Metrics of registerOpenTelemetry. A Worker without this import does not carry their code.
provideMeterProvider(shared("otel meters", () => new OtelMeterProvider(workersMeter())));
