// A Worker that does what a collector has to understand: one route for each recorded stream of tail events.
import { DurableObject, tracing } from "cloudflare:workers";
import * as ai from "ai";
import { tracer } from "isotel";
import { wrapAISDK } from "isotel/ai";
import { scriptedModel } from "../../../../worker/model/scripted_model.ts";
import { createTools } from "../../../../worker/weather/tools.ts";

interface Env {
  readonly ROOM: DurableObjectNamespace<Room>;
  readonly JOBS: Queue;
}

export class Room extends DurableObject {
  override fetch(request: Request): Response {
    if (request.url.endsWith("/broken")) throw new RangeError("a secret of the room");
    return tracer.withSpan("in_room", { "room.name": "lobby" }, () => new Response("room"));
  }

  join(name: string): string {
    return tracer.withSpan("join", { "room.guest": name }, () => name);
  }
}

export { ScriptedProvider } from "../../../../worker/model/scripted_provider.ts";
export { WeatherService } from "../../../../worker/weather/weather_service.ts";

const { generateText } = wrapAISDK(ai);

const found: Readonly<Record<string, (env: Env) => unknown>> = {
  spans: () =>
    tracer.withSpan("outer", { "app.tenant": "a", "app.count": 3, "app.flag": true }, async () => {
      console.log("in outer", { of: ["a", 1] });
      await tracer.withSpan("inner", {}, () => new Promise((resolve) => setTimeout(resolve, 2)));
      console.error(new TypeError("a logged one"));
      return "spans";
    }),

  async object({ ROOM }) {
    const room = ROOM.get(ROOM.idFromName("lobby"));
    await (await room.fetch("https://room.example/")).text();
    return room.join("ann");
  },

  async queue({ JOBS }) {
    await JOBS.send("a job");
    return "sent";
  },

  async exception({ ROOM }) {
    const room = ROOM.get(ROOM.idFromName("lobby"));
    tracing.startActiveSpan("asks", (span) => {
      span.recordException(new TypeError("a secret of the span"));
      span.end();
    });
    await room.fetch("https://room.example/broken").catch(() => {});
    return "caught";
  },

  async ai() {
    const { text } = await generateText({
      model: scriptedModel(),
      tools: createTools({ isDown: false }),
      stopWhen: ai.isStepCount(5),
      prompt: "What is the weather in Berlin?",
    });
    return text;
  },
};

export default {
  async fetch(request, env) {
    const path = new URL(request.url).pathname.slice(1);
    const route = found[path];
    return route === undefined
      ? new Response("not found", { status: 404 })
      : new Response(String(await route(env)));
  },
  queue() {
    return tracer.withSpan("job", {}, () => undefined) as undefined;
  },
} satisfies ExportedHandler<Env>;
