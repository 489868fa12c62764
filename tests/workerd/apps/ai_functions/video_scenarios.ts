import { tracer } from "isotel";
import type { Scenario } from "./scenarios.ts";

/** A model that is asked for its result: pending as often as told, then with the last status. */
function startedModel(pending: number, last: object) {
  let asked = 0;
  let started = 0;
  const response = { timestamp: new Date(0), modelId: "video-1-2026", headers: {} };
  return {
    specificationVersion: "v4",
    provider: "scripted",
    modelId: "video-1",
    maxVideosPerCall: 1,
    async doStart() {
      started += 1;
      await tracer.withSpan("start_work", {}, () => scheduler.wait(1));
      return { operation: { id: started }, warnings: [], response };
    },
    async doStatus() {
      asked += 1;
      await tracer.withSpan("status_work", {}, () => scheduler.wait(1));
      return asked > pending ? { response, ...last } : { status: "pending", response };
    },
  };
}

const videos = [{ type: "base64", data: "AAAA", mediaType: "video/mp4" }];
const completed = { status: "completed", videos, warnings: [] };
const parameters = { prompt: "A cat.", poll: { intervalMs: 1, timeoutMs: 5_000 } };

export const videoScenarios: Readonly<Record<string, Scenario>> = {
  async video_polled(ai) {
    const model = startedModel(2, completed);
    const result = await ai["experimental_generateVideo"]?.({ ...parameters, model });
    return (result as { videos: unknown[] }).videos.length;
  },

  async video_failed(ai) {
    const model = startedModel(1, { status: "error", error: "a secret" });
    try {
      await ai["experimental_generateVideo"]?.({ ...parameters, model });
      return "fulfilled";
    } catch (error) {
      return String(error);
    }
  },

  async video_given_up(ai) {
    const model = startedModel(1_000, completed);
    const poll = { intervalMs: 1, timeoutMs: 10 };
    try {
      await ai["experimental_generateVideo"]?.({ ...parameters, poll, model });
      return "fulfilled";
    } catch (error) {
      return String(error);
    }
  },

  async video_started(ai) {
    const model = startedModel(0, completed);
    const started = await ai["experimental_startVideo"]?.({ prompt: "A cat.", model });
    const { operation } = started as { operation: unknown };
    const status = await ai["experimental_getVideoStatus"]?.(model, { operation });
    return (status as { status: string }).status;
  },
};
