// A Worker with libraries that use the OpenTelemetry API.
import { OpenTelemetry } from "@ai-sdk/otel";
import * as OtelTracer from "@effect/opentelemetry/OtelTracer";
import { httpInstrumentationMiddleware } from "@hono/otel";
import { observe, startActiveObservation } from "@langfuse/tracing";
import { context, metrics, propagation, SpanStatusCode, trace } from "@opentelemetry/api";
import { logs } from "@opentelemetry/api-logs";
import * as ai from "ai";
import { Effect } from "effect";
import { Hono } from "hono";
import { tracer, withTelemetry } from "../../../dist/index.js";
import { registerOpenTelemetry } from "../../../dist/opentelemetry/index.js";
import "../../../dist/opentelemetry/metrics/index.js";
import "../../../dist/otlp/index.js";
import { answer, modelOf, textParts, toolCallParts } from "../../workerd/apps/ai_sdk/models.ts";

export { TelemetryAggregator } from "../../../dist/aggregate/index.js";

interface Env {
  /** The address of an OTLP receiver. Absent without an export. */
  readonly RECEIVER?: string;
  readonly TELEMETRY: DurableObjectNamespace;
}

// As libraries do while their modules load.
const early = trace.getTracer("early", "0.1.0");
const registered = registerOpenTelemetry();
const late = () => trace.getTracer("late", "0.2.0");
const again = registerOpenTelemetry();
ai.registerTelemetry(new OpenTelemetry());

const jobs = metrics.getMeter("app", "1.0.0").createCounter("app.jobs", { unit: "{job}" });
metrics
  .getMeter("app")
  .createObservableGauge("app.queue.length")
  .addCallback((result) => result.observe(7, { queue: "mail" }));

const hono = new Hono();
hono.use(httpInstrumentationMiddleware({ serviceName: "shop", captureRequestHeaders: ["x-user"] }));
hono.get("/hono/items/:id", async (c) => {
  await tracer.withSpan("load item", {}, () => scheduler.wait(1));
  return c.text(c.req.param("id"));
});
hono.get("/hono/fails", () => {
  throw new Error("of the route");
});

const routes: Readonly<Record<string, (request: Request) => Promise<unknown>>> = {
  async "/state"() {
    const { unregister, ...parts } = registered;
    return { ...parts, same: again === registered, canUnregister: typeof unregister };
  },

  async "/plain"() {
    return tracer.withSpan("of isotel", {}, () =>
      late().startActiveSpan(
        "of the API",
        { kind: 2, attributes: { list: ["a"] } },
        async (span) => {
          await scheduler.wait(1);
          span.addEvent("happened", { n: 1 });
          span.setStatus({ code: SpanStatusCode.ERROR, message: "bad" });
          const inner = await tracer.withSpan("inside", {}, async (own) => {
            await scheduler.wait(1);
            const active = trace.getActiveSpan()?.spanContext();
            late().startSpan("leaf").end();
            early.startSpan("early").end();
            return { own: own.spanContext(), active };
          });
          span.end();
          const carrier: Record<string, string> = {};
          propagation.inject(trace.setSpan(context.active(), span), carrier);
          return { inner, carrier, context: span.spanContext() };
        },
      ),
    );
  },

  async "/metrics_and_logs"() {
    jobs.add(2, { kind: "mail" });
    jobs.add(3, { kind: "mail", retried: true });
    jobs.add(4);
    late().startActiveSpan("with a log", (span) => {
      logs.getLogger("app").emit({ severityNumber: 13, severityText: "WARN", body: "careful" });
      span.end();
    });
    return "recorded";
  },

  async "/ai"() {
    const weather = ai.tool({
      inputSchema: ai.jsonSchema<object>({ type: "object" }),
      execute: async () => {
        await scheduler.wait(1);
        return late().startActiveSpan("in a tool", (span) => {
          span.end();
          return "sunny";
        });
      },
    });
    const { text } = await ai.generateText({
      model: modelOf(
        () => answer(toolCallParts("weather", {})),
        () => answer(textParts(2)),
      ),
      prompt: "How is the weather?",
      tools: { weather },
      stopWhen: ai.stepCountIs(3),
    });
    return text;
  },

  async "/effect"() {
    const work = Effect.gen(function* () {
      yield* Effect.sleep("1 millis").pipe(Effect.withSpan("sleep", { attributes: { ms: 1 } }));
      yield* Effect.promise(() => tracer.withSpan("inside effect", {}, () => scheduler.wait(1)));
      return "slept";
    }).pipe(Effect.withSpan("effect"), Effect.provide(OtelTracer.layerGlobal));
    return Effect.runPromise(work);
  },

  async "/langfuse"() {
    const search = observe(async (query: string) => `${query}!`, { name: "search" });
    return startActiveObservation("chain", async (span) => {
      span.update({ input: { q: "a" } });
      await scheduler.wait(1);
      return search("a");
    });
  },
};

const handler: ExportedHandler<Env> = {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/hono/")) return hono.fetch(request);
    const route = routes[pathname];
    return route === undefined
      ? new Response("there is no such route", { status: 404 })
      : Response.json(await route(request));
  },
};

export default withTelemetry(handler, (env) => ({
  ...(env.RECEIVER !== undefined && {
    otlp: { backend: "custom", endpoint: env.RECEIVER, format: "json" } as const,
  }),
  metrics: {
    aggregator: env.TELEMETRY,
    flushIntervalMs: 100,
    public: true,
    source: "durable-object" as const,
  },
}));
