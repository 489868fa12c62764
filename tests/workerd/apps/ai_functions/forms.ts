import { tracer } from "isotel";
import { createAISDKTelemetry, wrapAISDK } from "isotel/ai";
import type { Major, Outcome } from "./outcomes.ts";
import { run } from "./run.ts";
import { type Namespace, type Subject, subjects, takesGateway } from "./subjects.ts";

/**
 * Runs a call once with the whole namespace wrapped and twice with only its function wrapped. The first call of a
 * function finds out the version of the SDK. Each run is below a span of its own.
 */
async function runForms(ai: Namespace, subject: Subject, major: Major, outcome: Outcome) {
  const [name = ""] = subject.name.split(".");
  const needsGateway = outcome === "gateway_id" && takesGateway(subject) === "with gateway";
  const record = { [name]: ai[name], ...(needsGateway && { gateway: ai["gateway"] }) };
  const functions = { ...ai, ...wrapAISDK(record as Namespace) };
  const reports: Record<string, unknown> = {};
  for (const [form, namespace] of [
    ["namespace", wrapAISDK(ai)],
    ["first call", functions],
    ["second call", functions],
  ] as const) {
    const root = `${outcome}: ${form}`;
    reports[form] = await tracer.withSpan(root, {}, () => run(namespace, subject, major, outcome));
  }
  return { outcome, reports };
}

/** Runs the calls of a function with each outcome. */
export async function runAllForms(
  ai: Namespace,
  subject: Subject,
  major: Major,
  outcomes: readonly Outcome[],
  isRegistered: boolean,
) {
  globalThis.AI_SDK_TELEMETRY_INTEGRATIONS = isRegistered ? [createAISDKTelemetry()] : [];
  const runAll = (outcome: Outcome) => runForms(ai, subject, major, outcome);
  const isOfId = (outcome: Outcome) => outcome.endsWith("_id");
  try {
    const all = await Promise.all(outcomes.filter((outcome) => !isOfId(outcome)).map(runAll));
    // These replace the provider or the network of the isolate.
    for (const outcome of outcomes.filter(isOfId)) all.push(await runAll(outcome));
    return all;
  } finally {
    globalThis.AI_SDK_TELEMETRY_INTEGRATIONS = [];
  }
}

/** Calls embed with ids of the gateway, which wrapAISDK does not get. Counts what the console is told. */
export async function runWithoutGateway({ embed }: Namespace) {
  const functions = wrapAISDK({ embed: embed as Namespace[string] });
  const subject = subjects.find(({ name }) => name === "embed") as Subject;
  const { error } = console;
  let told = 0;
  console.error = (message: unknown) => {
    if (String(message).includes("wrapAISDK({ embed, gateway })")) told += 1;
  };
  let embedded = 0;
  try {
    for (let call = 0; call < 2; call += 1) {
      const { value } = await run(functions, subject, "v7", "gateway_id");
      if (value !== undefined) embedded += 1;
    }
  } finally {
    console.error = error;
  }
  return { embedded, told };
}
