import "isotel/otlp";
import { DurableObject } from "cloudflare:workers";
import * as ai from "ai";
import { type TelemetryOptions, tracer, withTelemetry } from "isotel";
import { wrapAISDK } from "isotel/ai";
import { emitLog, type OtlpOptions, tracedFetch } from "isotel/otlp";
import { type Route, routes } from "../../harness/routes.ts";
import { answer, modelOf, textParts } from "../ai_sdk/models.ts";

interface Env {
  /** Options of the export, as JSON. */
  readonly OTLP: string;
  readonly SELF: {
    queue(name: string, messages: readonly object[]): Promise<{ outcome: string }>;
    scheduled(options: object): Promise<{ outcome: string }>;
  };
  readonly ROOM: DurableObjectNamespace<DurableObject & { spin(): Promise<string> }>;
}

const otlp = (env: Env): TelemetryOptions => ({ otlp: JSON.parse(env.OTLP) as OtlpOptions });

class RoomClass extends DurableObject {
  override async fetch(): Promise<Response> {
    await tracer.withSpan("in_object", {}, () => scheduler.wait(1));
    return new Response("object");
  }

  spin(): Promise<string> {
    return tracer.withSpan("in_method", {}, async () => {
      await scheduler.wait(1);
      return "spun";
    });
  }
}

export const Room = withTelemetry(RoomClass, (env) => otlp(env as unknown as Env));

/** A body of which a span says when its last byte was made. */
function streamed(): Response {
  const span = tracer.openSpan("streamed", {}, (opened) => opened);
  let left = 3;
  return new Response(
    new ReadableStream<Uint8Array>({
      async pull(controller) {
        await tracer.withSpan("chunk", { "app.left": left }, () => scheduler.wait(2));
        controller.enqueue(new TextEncoder().encode("x"));
        left -= 1;
        if (left > 0) return;
        span.finish({ "app.end": true });
        controller.close();
      },
    }),
  );
}

const { generateText } = wrapAISDK(ai);

const table: Record<string, Route> = {
  "/work": () =>
    tracer.withSpan("work", { "app.list": ["a", "b"] }, async (span) => {
      await scheduler.wait(2);
      await tracer.withSpan("inner", { "app.text": "é".repeat(40_000) }, () => scheduler.wait(1));
      emitLog({ body: "in work", severity: "warn", attributes: { "app.log": true } });
      return span.spanContext();
    }),
  "/many": (url) => {
    const count = Number(url.searchParams.get("count"));
    for (let i = 0; i < count; i += 1) tracer.withSpan("one", { "app.i": i }, () => {});
    return count;
  },
  "/streamed": streamed,
  // More than a batch ends while its parent is open, so requests leave in the meantime.
  "/busy": () =>
    tracer.withSpan("busy", {}, async () => {
      for (let i = 0; i < 1_100; i += 1) tracer.withSpan("one", { "app.i": i }, () => {});
      emitLog({ body: "busy" });
      await scheduler.wait(200);
      return "busy";
    }),
  "/ask": async () =>
    (await generateText({ model: modelOf(() => answer(textParts(1))), prompt: "hello" })).text,
  "/propagated": async (url) => {
    const to = url.searchParams.get("to") ?? "";
    return tracer.withSpan("asking", {}, async (span) => {
      await tracedFetch(to);
      return span.spanContext();
    });
  },
  "/diagnostics": () => tracer.diagnostics(),
};

const app = routes(table);

export default withTelemetry(
  {
    async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
      switch (new URL(request.url).pathname) {
        case "/object":
          return env.ROOM.get(env.ROOM.idFromName("room")).fetch(request);
        case "/method":
          return new Response(await env.ROOM.get(env.ROOM.idFromName("room")).spin());
        case "/handlers":
          return Response.json([
            await env.SELF.queue("orders", [
              { id: "1", timestamp: new Date(), attempts: 1, body: 1 },
            ]),
            await env.SELF.scheduled({ cron: "* * * * *" }),
          ]);
        case "/after":
          ctx.waitUntil(tracer.withSpan("after", {}, () => scheduler.wait(20)));
          return new Response("before");
        case "/throws":
          throw new RangeError("a secret");
        default:
          return (await app.fetch?.(request as never, env, ctx)) as Response;
      }
    },
    queue(_batch: MessageBatch): void {
      tracer.withSpan("in_queue", {}, () => {});
    },
    scheduled(): void {
      tracer.withSpan("in_scheduled", {}, () => {});
    },
  },
  otlp,
);
