import "isotel/metrics";
import { withTelemetry } from "isotel";
import { TelemetryAggregator } from "isotel/aggregator";
import { createAISDKTelemetry, traceAISDKChannel, wrapAISDK } from "isotel/ai";
import type { Case } from "../dimensions.ts";
import { answer, type Namespaces, originals } from "./cases.ts";

export { TelemetryAggregator };

interface Env {
  readonly TELEMETRY: DurableObjectNamespace;
}

let namespaceOf = (value: Case): Namespaces[6] => originals[value.major];
let stopChannel = () => {};

const showsVersion = /^(gateway|registerTelemetry.*)$/;

/** Sets how isotel observes the calls from now on. */
function choose(way: string, content: boolean): void {
  stopChannel();
  stopChannel = () => {};
  const options = { storeMessages: content, storeTools: content };
  const has = (name: string) => way.split("+").includes(name);
  const wrapped = { 6: wrapAISDK(originals[6], options), 7: wrapAISDK(originals[7], options) };
  namespaceOf = ({ major, seed }) => {
    const namespace = originals[major];
    if (!has("wrap")) return namespace;
    if (seed % 2 === 0) return wrapped[major];
    // The other cases wrap the functions without the exports that show the version of the SDK. Each call has to
    // determine it.
    const functions = Object.entries(namespace).filter(([name]) => !showsVersion.test(name));
    return { ...namespace, ...wrapAISDK(Object.fromEntries(functions), options) };
  };
  globalThis.AI_SDK_TELEMETRY_INTEGRATIONS = has("register") ? [createAISDKTelemetry(options)] : [];
  if (has("channel")) stopChannel = traceAISDKChannel(options);
}

const handler: ExportedHandler<Env> = {
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname !== "/way") return answer(request, namespaceOf);
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
