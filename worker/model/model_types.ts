import type { LanguageModel } from "ai";

/** The type of a language model in ai 7. */
export type Model = Extract<LanguageModel, { specificationVersion: "v4" }>;
export type CallOptions = Parameters<Model["doGenerate"]>[0];
export type Message = CallOptions["prompt"][number];
export type GenerateResult = Awaited<ReturnType<Model["doGenerate"]>>;
export type Content = GenerateResult["content"][number];
export type StreamResult = Awaited<ReturnType<Model["doStream"]>>;
export type StreamPart = StreamResult["stream"] extends ReadableStream<infer Part> ? Part : never;
