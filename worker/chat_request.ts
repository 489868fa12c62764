import { BadRequest } from "./bad_request.ts";

/** Failures that a request can ask for, to show them in spans. */
export type Scenario = "failing-tool" | "abort";

export interface ChatRequest {
  readonly prompt: string;
  readonly scenario: Scenario | undefined;
}

const maxPromptLength = 2_000;

/** Reads the query of a chat route. Throws BadRequest if the prompt is invalid or the route lacks the scenario. */
export function parseChatRequest(url: URL, scenarios: readonly Scenario[]): ChatRequest {
  const prompt = url.searchParams.get("prompt")?.trim() ?? "";
  if (prompt === "") {
    throw new BadRequest("The query parameter `prompt` is missing or empty.");
  }
  if (prompt.length > maxPromptLength) {
    throw new BadRequest(
      `The prompt has ${prompt.length} characters, and at most ${maxPromptLength} are allowed.`,
    );
  }
  const name = url.searchParams.get("scenario");
  const scenario = scenarios.find((candidate) => candidate === name);
  if (name !== null && scenario === undefined) {
    throw new BadRequest(`The scenario must be one of: ${scenarios.join(", ")}.`);
  }
  return { prompt, scenario };
}
