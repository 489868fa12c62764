// The library, with its copy of the package.
import { DurableObject } from "cloudflare:workers";
import { tracer, withTelemetry } from "isotel-second";
import { counter, defineMetrics } from "isotel-second/metrics";
import { emitLog } from "isotel-second/otlp";
import { type Env, libraryOptions } from "./environment.ts";

const { calls } = defineMetrics({ calls: counter("library_calls") });

function work(): void {
  tracer.withSpan("work of the library", {}, () => {
    calls.add(1);
    emitLog({ body: "log of the library" });
  });
}

export const library = withTelemetry(
  {
    async fetch(): Promise<Response> {
      work();
      return new Response("done");
    },
  },
  libraryOptions,
);

class RoomClass extends DurableObject<Env> {
  override async fetch(): Promise<Response> {
    work();
    return new Response("done");
  }
}

export const LibraryRoom = withTelemetry(RoomClass, libraryOptions);
