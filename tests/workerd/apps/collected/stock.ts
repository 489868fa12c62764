import { tracer } from "isotel";

export { ScriptedProvider } from "../../../../worker/model/scripted_provider.ts";

/** The stock of the shop, in a Worker of its own, beside the provider of its model. */
export default {
  fetch: (request) =>
    tracer.withSpan("take_from_stock", {}, async () => {
      await scheduler.wait(1);
      return Response.json({ taken: new URL(request.url).searchParams.get("item") });
    }),
} satisfies ExportedHandler;
