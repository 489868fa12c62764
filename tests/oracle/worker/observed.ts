import { withTelemetry } from "isotel";
import { createAISDKTelemetry, traceAISDKChannel, wrapAISDK } from "isotel/ai";
import { answer, type Namespaces, originals } from "./cases.ts";

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

export default withTelemetry({
  async fetch(request): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname !== "/way") return answer(request, namespaces);
    choose(url.searchParams.get("way") ?? "", url.searchParams.get("content") === "true");
    return new Response();
  },
} satisfies ExportedHandler);
