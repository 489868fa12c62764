import type { Context, ContextAPI, Span, Tracer } from "@opentelemetry/api";
import {
  createOpenTelemetryInstrumentation,
  createOpenTelemetryObserver,
  type FlueEvent,
  type FlueInstrumentation,
  type FlueSemconv,
  type OtelContext,
  remoteContext,
} from "isotel/flue";
import { expectTrue, type Same } from "./expect.ts";

// OpenTelemetry's own tracer and contexts are what the options take.
declare const tracer: Tracer;
declare const context: Context;
const observe = createOpenTelemetryObserver({ tracer, resolveRootContext: () => context });
createOpenTelemetryObserver({ exportContent: (event) => ({ ...event, args: undefined }) });
createOpenTelemetryObserver({ exportContent: () => undefined, tracer: undefined });
expectTrue<Same<ReturnType<typeof observe>, void>>();

// Without a tracer there is still an observer; something else than a tracer is none.
createOpenTelemetryObserver();
declare const span: Span;
// @ts-expect-error a span is no tracer
createOpenTelemetryObserver({ tracer: span });
// @ts-expect-error content is an event, not its text
createOpenTelemetryObserver({ exportContent: () => "text" });

// A header is a root's place without OpenTelemetry's own packages.
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
expectTrue<Same<ReturnType<typeof remoteContext>, OtelContext | undefined>>();
createOpenTelemetryInstrumentation({ resolveRootContext: () => remoteContext({ traceparent }) });
// @ts-expect-error headers by their names
remoteContext(traceparent);

// There are two sets of names.
createOpenTelemetryObserver({ semconv: "gen_ai" });
createOpenTelemetryInstrumentation({ tracer, semconv: undefined });
expectTrue<Same<FlueSemconv, "flue" | "gen_ai">>();
// @ts-expect-error there is no such set
createOpenTelemetryObserver({ semconv: "genai" });

// OpenTelemetry's own `context` makes spans active, for who stands around the work.
declare const contexts: ContextAPI;
const instrumentation = createOpenTelemetryInstrumentation({ tracer, context: contexts });
expectTrue<Same<typeof instrumentation, FlueInstrumentation>>();
// @ts-expect-error an observer makes nothing active
createOpenTelemetryObserver({ context: contexts });

// The interceptor has the type of what it wraps.
const { interceptor, key } = createOpenTelemetryInstrumentation({ tracer });
const result = interceptor({ type: "model" }, {}, async () => 7);
expectTrue<Same<typeof result, Promise<number>>>();
expectTrue<Same<typeof key, symbol>>();

declare const event: FlueEvent;
expectTrue<Same<typeof event.type, string>>();
expectTrue<Same<ReturnType<OtelContext["getValue"]>, unknown>>();
