import { exports, tracing, WorkerEntrypoint } from "cloudflare:workers";

type Loopback = Record<"Upstream", Fetcher>;

/** Reached by a sub-request, so its spans belong to an invocation of its own. */
export class Upstream extends WorkerEntrypoint {
  override fetch(): Response {
    return tracing.startActiveSpan("upstream_work", (span) => {
      span.end();
      return new Response("upstream");
    });
  }
}

async function nested(): Promise<Response> {
  return tracing.startActiveSpan("outer", async (outer) => {
    outer.setAttributes({ "app.text": "é", "app.count": 3, "app.ratio": 0.5, "app.flag": true });
    const response = await (exports as unknown as Loopback).Upstream.fetch("https://upstream/");
    tracing.startActiveSpan("inner", (inner) => inner.end());
    outer.end();
    return new Response(await response.text());
  });
}

function failing(): Response {
  const span = tracing.startSpan("failing");
  span.setStatus({ code: "error", message: "no luck" });
  span.recordException(new TypeError("no luck"));
  span.updateName("failed");
  span.end();
  console.log("logged");
  return new Response("failed");
}

// Nobody ends the span, and the client leaves before the stream ends.
function endless(): Response {
  const span = tracing.startSpan("never_closed");
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await scheduler.wait(5);
      span.setAttribute("app.pulled", true);
      controller.enqueue(new Uint8Array(1));
    },
  });
  return new Response(body);
}

export default {
  fetch(request) {
    switch (new URL(request.url).pathname) {
      case "/nested":
        return nested();
      case "/failing":
        return failing();
      case "/endless":
        return endless();
      default:
        return new Response("unknown", { status: 404 });
    }
  },
} satisfies ExportedHandler;
