import "isotel/metrics";
import { withTelemetry } from "isotel";
import { TelemetryAggregator } from "isotel/aggregator";
import { createAISDKTelemetry, traceAISDKChannel, wrapAISDK } from "isotel/ai";
import { answer, type Namespaces, originals } from "./cases.ts";

export { TelemetryAggregator };

interface Env {
  readonly TELEMETRY: DurableObjectNamespace;
}

let namespaces: Namespaces = originals;
let stopChannel = () => {};

/** Chooses how isotel sees the calls from now on. */
function choose(way: string, content: boolean): void {
  stopChannel();
  stopChannel = () => {};
  const options = { storeMessages: content, storeTools: content };
  const has = (name: string) => way.split("+").includes(name);
  namespaces = has("wrap")
    ? { 6: wrapAISDK(originals[6], options), 7: wrapAISDK(originals[7], options) }
    : originals;
  globalThis.AI_SDK_TELEMETRY_INTEGRATIONS = has("register") ? [createAISDKTelemetry(options)] : [];
  if (has("channel")) stopChannel = traceAISDKChannel(options);
}

const handler: ExportedHandler<Env> = {
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname !== "/way") return answer(request, namespaces);
    choose(url.searchParams.get("way") ?? "", url.searchParams.get("content") === "true");
    return new Response();
  },
};

export default withTelemetry(handler, (env: Env) => ({
  metrics: {
    aggregator: env.TELEMETRY,
    public: true,
    source: "durable-object",
    flushIntervalMs: 500,
  },
}));
