import { env } from "cloudflare:workers";
import * as aiV7 from "ai";
import * as aiV6 from "ai-v6";
import "isotel/otlp";
import { withTelemetry } from "isotel";
import { type AITelemetryOptions, wrapAISDK } from "isotel/ai";
import { type Route, routes } from "../../harness/routes.ts";
import { type Major, type Outcome, outcomes } from "../ai_functions/outcomes.ts";
import { run } from "../ai_functions/run.ts";
import { type Namespace, subjects } from "../ai_functions/subjects.ts";
import { contentScenarios } from "./content.ts";

interface Env {
  readonly SEMCONV?: "agents" | "latest";
  /** Further options of the instrumentation, as JSON. */
  readonly OPTIONS?: string;
  /** Options of the export, as JSON. Without them, spans are native alone. */
  readonly OTLP?: string;
}

const { SEMCONV = "agents", OPTIONS = "{}", OTLP } = env as Env;
const options: AITelemetryOptions = {
  semconv: SEMCONV,
  storeMessages: true,
  storeTools: true,
  ...JSON.parse(OPTIONS),
};
const wrapped: Readonly<Record<Major, Namespace>> = {
  v6: wrapAISDK(aiV6, options) as unknown as Namespace,
  v7: wrapAISDK(aiV7, options) as unknown as Namespace,
};
const streamOnly: readonly Outcome[] = ["break", "cancel", "unread"];

/** Every function of a major with one outcome. */
const functions: Route = async ({ searchParams }) => {
  const major = searchParams.get("major") as Major;
  const outcome = searchParams.get("outcome") as Outcome;
  const called = subjects.filter(
    ({ majors, stream }) =>
      majors.includes(major) && (stream !== undefined || !streamOnly.includes(outcome)),
  );
  for (const subject of called) await run(wrapped[major], subject, major, outcome);
  return called.length;
};

const content: Route = async ({ searchParams }) => {
  const major = searchParams.get("major") as Major;
  for (const scenario of contentScenarios) await scenario(wrapped[major], major);
  return contentScenarios.length;
};

const handler = routes({
  "/functions": functions,
  "/content": content,
  "/outcomes": () => outcomes,
});

export default OTLP === undefined
  ? handler
  : withTelemetry(handler, () => ({ otlp: JSON.parse(OTLP) }));
