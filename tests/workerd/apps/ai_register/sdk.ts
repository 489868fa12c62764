import { env } from "cloudflare:workers";
import { AsyncLocalStorage } from "node:async_hooks";
import * as ai from "ai";
import { createAISDKTelemetry, traceAISDKChannel, wrapAISDK } from "isotel/ai";

const { VIA = "", STORE = "" } = env as { VIA?: string; STORE?: string };

/** How this Worker traces its calls: any of wrapped, registered and channel; plain is none of them. */
export const via: ReadonlySet<string> = new Set(VIA.split("+"));

const options = { storeMessages: STORE !== "", storeTools: STORE !== "" };

/** Events other integrations of the user's were told of. */
export const heard: string[] = [];

/** The user's own context, which must be the same wherever the SDK runs code of the user's. */
export const store: AsyncLocalStorage<string> = new AsyncLocalStorage();

/** Events of this integration of the user's own, which carries its own context as others do. */
const registered = {
  onStart: () => {
    heard.push("registered");
  },
  executeLanguageModelCall: <T>({ execute }: { execute: () => PromiseLike<T> }) =>
    store.getStore() === undefined ? execute() : store.run("set around a model call", execute),
  executeTool: <T>({ execute }: { execute: () => PromiseLike<T> }) =>
    store.getStore() === undefined ? execute() : store.run("set around a tool", execute),
};
ai.registerTelemetry(registered);
if (via.has("registered")) ai.registerTelemetry(createAISDKTelemetry(options));
// Registered once more, as by a module that is evaluated twice.
if (via.has("registered")) ai.registerTelemetry({ ...createAISDKTelemetry(options) });

export let stopChannel: () => void = () => {};
/** Starts to trace the channel, however often. */
export function startChannel(): void {
  stopChannel = traceAISDKChannel(options);
  traceAISDKChannel(options);
}
if (via.has("channel")) startChannel();

export const sdk: typeof ai = via.has("wrapped") ? wrapAISDK(ai, options) : ai;
