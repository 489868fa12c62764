import { number, record } from "../read.ts";

/** Usage under the names the SDK has for language models. */
export interface TokenUsage {
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
  readonly totalTokens: number | undefined;
}

/**
 * The tokens in the usage of a model that does not chat. There are as many shapes as kinds: `{tokens}` of embeddings,
 * `{inputTokens, outputTokens, totalTokens}` of images, decisions and streamed speech, tokens by modality of
 * translations, and for speech and transcription what the provider sent.
 */
export function tokenUsage(usage: unknown): TokenUsage | undefined {
  const source = record(usage);
  if (source === undefined) return undefined;
  const read = (...keys: readonly string[]) =>
    keys.map((key) => number(source[key])).find((value) => value !== undefined);
  const embedded = read("tokens");
  return {
    inputTokens:
      embedded ??
      read("inputTokens", "input_tokens", "prompt_tokens") ??
      sum(read("inputTextTokens"), read("inputAudioTokens")),
    outputTokens:
      read("outputTokens", "output_tokens", "completion_tokens") ??
      sum(read("outputTextTokens"), read("outputAudioTokens")),
    totalTokens: embedded ?? read("totalTokens", "total_tokens"),
  };
}

function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined && b === undefined ? undefined : (a ?? 0) + (b ?? 0);
}
