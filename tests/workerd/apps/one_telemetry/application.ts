// The application, with its copy of the package.
import { tracer, withTelemetry } from "isotel";
import { counter, defineMetrics } from "isotel/metrics";
import { emitLog } from "isotel/otlp";
import { lines } from "../two_copies/console.ts";
import { type Env, options } from "./environment.ts";
import type * as libraryModule from "./library.ts";

const { calls } = defineMetrics({ calls: counter("application_calls") });

type Handler = (request: Request, env: Env, ctx: ExecutionContext) => Promise<Response>;

/** Returns the exports of a Worker that passes its requests and its Durable Object on to the library. */
export function application({ library, LibraryRoom }: typeof libraryModule) {
  const worker = withTelemetry(
    {
      async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
        const { pathname } = new URL(request.url);
        if (pathname === "/said") return Response.json(lines);
        if (pathname === "/room") return env.ROOM.getByName("room").fetch(request);
        return tracer.withSpan("work of the application", {}, () => {
          calls.add(1);
          emitLog({ body: "log of the application" });
          return (library.fetch as unknown as Handler)(request, env, ctx);
        });
      },
    },
    options,
  );
  return { worker, Room: withTelemetry(LibraryRoom, options) };
}
