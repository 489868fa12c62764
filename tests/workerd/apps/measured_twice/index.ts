// A Worker that records its own metrics, and is followed by a collector that records them too.
import "isotel/metrics";
import * as ai from "ai";
import { withTelemetry } from "isotel";
import { wrapAISDK } from "isotel/ai";
import { scriptedModel } from "../../../../worker/model/scripted_model.ts";

export { ScriptedProvider } from "../../../../worker/model/scripted_provider.ts";

interface Env {
  readonly TELEMETRY_QUEUE: Queue;
}

const { generateText } = wrapAISDK(ai);

const handlers = {
  async fetch() {
    const { text } = await generateText({ model: scriptedModel(), prompt: "Hello?" });
    return new Response(text);
  },
} satisfies ExportedHandler<Env>;

export default withTelemetry(handlers, ({ TELEMETRY_QUEUE }: Env) => ({
  metrics: { queue: TELEMETRY_QUEUE, flushIntervalMs: 200, route: () => "/measured" },
}));
