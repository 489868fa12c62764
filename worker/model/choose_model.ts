import { createOpenAI } from "@ai-sdk/openai";
import type { LanguageModel } from "ai";
import type { Env } from "../env.ts";
import { scriptedModel } from "./scripted_model.ts";

/** Returns the model that the environment selects: OpenAI, directly or through an AI Gateway, or the scripted model. */
export function chooseModel(env: Env): LanguageModel {
  const { OPENAI_API_KEY: apiKey, CLOUDFLARE_ACCOUNT_ID: account, AI_GATEWAY_ID: gateway } = env;
  if (!apiKey || env.MODEL === "scripted") {
    return scriptedModel();
  }
  const baseURL = `https://gateway.ai.cloudflare.com/v1/${account}/${gateway}/openai`;
  const provider = createOpenAI({ apiKey, ...(account && gateway ? { baseURL } : {}) });
  return provider(env.OPENAI_MODEL ?? "gpt-5-mini");
}
