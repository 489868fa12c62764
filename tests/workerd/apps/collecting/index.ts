// The collector of worker/collector, which tells what it has counted.
import { tracer } from "isotel";
import handlers from "../../../../worker/collector/index.ts";

export { TelemetryAggregator } from "isotel/aggregator";

type Handlers = typeof handlers;

export default {
  ...handlers,
  fetch(request, env, ctx) {
    const isOurs = new URL(request.url).pathname === "/diagnostics";
    return isOurs ? Response.json(tracer.diagnostics()) : handlers.fetch(request, env, ctx);
  },
} satisfies Handlers;
