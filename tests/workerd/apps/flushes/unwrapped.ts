// The default export is not that of withTelemetry, as with a framework that wraps it once more.
import { asObject } from "./index.ts";

export { Sockets, TelemetryAggregator } from "./index.ts";

export default {
  fetch: (request: Request, env: never, ctx: ExecutionContext) =>
    (asObject.fetch as (request: Request, env: never, ctx: ExecutionContext) => Promise<Response>)(
      request,
      env,
      ctx,
    ),
};
