// The reference Worker: an AI SDK agent whose calls are traced by isotel.
import { answer, streamAnswer } from "./agent.ts";
import { BadRequest, parseChatRequest } from "./chat_request.ts";
import type { Env } from "./env.ts";
import { help } from "./help.ts";

export { ScriptedProvider } from "./model/scripted_provider.ts";
export { WeatherService } from "./weather/weather_service.ts";

async function route(request: Request, env: Env): Promise<Response> {
  const url = new URL(request.url);
  if (request.method !== "GET") {
    return text("Only GET is served here.", 405, { allow: "GET" });
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
    default:
      return text(`There is no ${url.pathname}; / lists the routes.`, 404);
  }
}

function text(body: string, status: number, headers: Record<string, string> = {}): Response {
  return new Response(body.endsWith("\n") ? body : `${body}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
  });
}

export default {
  async fetch(request, env) {
    try {
      return await route(request, env);
    } catch (error) {
      if (error instanceof BadRequest) {
        return text(error.message, 400);
      }
      console.error("The model could not be asked.", error);
      return text("The model could not be asked.", 502);
    }
  },
} satisfies ExportedHandler<Env>;
