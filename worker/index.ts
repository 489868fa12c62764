// The reference Worker: an AI SDK agent whose calls isotel traces and measures, and a flag resolver.
import { withTelemetry } from "isotel";
import { answer, streamAnswer } from "./agent.ts";
import { BadRequest } from "./bad_request.ts";
import { parseChatRequest } from "./chat_request.ts";
import type { Env } from "./env.ts";
import { help } from "./help.ts";
import { resolve } from "./resolver/resolve.ts";
import { telemetryOptions } from "./telemetry_options.ts";

export { ScriptedProvider } from "./model/scripted_provider.ts";
export { TelemetryAggregator } from "./telemetry_aggregator.ts";
export { WeatherService } from "./weather/weather_service.ts";

async function route(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
  const url = new URL(request.url);
  if (request.method !== "GET") {
    return text("Only GET is allowed.", 405, { allow: "GET" });
  }
  switch (url.pathname) {
    case "/":
      return text(help, 200);
    case "/chat":
      return Response.json(
        await answer(parseChatRequest(url, ["failing-tool"]), env, request.signal),
      );
    case "/chat/stream":
      return streamAnswer(parseChatRequest(url, ["failing-tool", "abort"]), env, request.signal);
    case "/resolve":
      return resolve(url, context);
    default:
      return text(`Unknown route ${url.pathname}. GET / lists the routes.`, 404);
  }
}

function text(body: string, status: number, headers: Record<string, string> = {}): Response {
  return new Response(body.endsWith("\n") ? body : `${body}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
  });
}

const handlers = {
  async fetch(request, env, context) {
    try {
      return await route(request, env, context);
    } catch (error) {
      if (error instanceof BadRequest) {
        return text(error.message, 400);
      }
      console.error("The model call failed.", error);
      return text("The model call failed.", 502);
    }
  },
} satisfies ExportedHandler<Env>;

export default withTelemetry(handlers, telemetryOptions);
