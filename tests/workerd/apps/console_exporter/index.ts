import * as ai from "ai";
import { isStepCount } from "ai";
import { tracer, withTelemetry } from "isotel";
import { wrapAISDK } from "isotel/ai";
import { type BackendOptions, consoleExporter } from "isotel/otlp";
import { routes } from "../../harness/routes.ts";
import { answer, modelOf, textParts, toolCallParts } from "../ai_sdk/models.ts";

const { generateText } = wrapAISDK(ai);

async function ask(): Promise<string> {
  const { text } = await generateText({
    model: modelOf(
      () => answer(toolCallParts("lookup", { city: "Lisbon" })),
      () => answer(textParts(1)),
    ),
    prompt: "What is the weather in Lisbon?",
    tools: {
      lookup: ai.tool({
        inputSchema: ai.jsonSchema<{ city: string }>({ type: "object" }),
        execute: (): Promise<object> => Promise.reject(new RangeError("No such city.")),
      }),
    },
    stopWhen: isStepCount(3),
    telemetry: { functionId: "shop" },
  });
  return text;
}

/** A span that ends after the response. */
function streamed(): Response {
  const span = tracer.openSpan("streamed", {}, (opened) => opened);
  return new Response(
    new ReadableStream<Uint8Array>({
      async pull(controller) {
        await scheduler.wait(1);
        tracer.withSpan("chunk", {}, () => {});
        controller.enqueue(new TextEncoder().encode("x"));
        span.finish({ "app.end": true });
        controller.close();
      },
    }),
  );
}

const app = routes({
  "/order": () =>
    tracer.withSpan("place_order", { "app.plan": "pro" }, async () => {
      tracer.withSpan("reserve", {}, () => {});
      console.log("of the program");
      await ask();
      return "placed";
    }),
  "/streamed": streamed,
  "/diagnostics": () => tracer.diagnostics(),
});

interface Env {
  /** Options of another backend, as JSON. */
  readonly OTLP: string;
}

const printing = { backend: consoleExporter({ attributes: ["app.plan"] }) };

export default withTelemetry(
  {
    async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
      if (new URL(request.url).pathname === "/throws") throw new TypeError("not shown");
      return (await app.fetch?.(request as never, env, ctx)) as Response;
    },
  },
  (env) => ({
    otlp: { backends: [printing, JSON.parse(env.OTLP) as BackendOptions], consoleLogs: true },
  }),
);
