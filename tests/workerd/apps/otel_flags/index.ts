import { trace } from "@opentelemetry/api";
import { registerOpenTelemetry } from "isotel/opentelemetry";

const { traces, contexts } = registerOpenTelemetry();

export default {
  fetch: () =>
    trace.getTracer("library").startActiveSpan("active", async (span) => {
      await scheduler.wait(1);
      return Response.json([traces, contexts, trace.getActiveSpan() === span]);
    }),
} satisfies ExportedHandler;
