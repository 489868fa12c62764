import { tracer } from "isotel";
import { createAISDKTelemetry, wrapAISDK } from "isotel/ai";
import type { Major, Outcome } from "./outcomes.ts";
import { run } from "./run.ts";
import { type Namespace, type Subject, subjects, takesGateway } from "./subjects.ts";

interface Call {
  readonly number: number;
  readonly subject: Subject;
  readonly outcome: Outcome;
}

/**
 * Runs a call once with the whole namespace wrapped and twice with only its function wrapped. The first call of a
 * function finds out the version of the SDK. Each run is below a span of its own.
 */
async function runForms(ai: Namespace, major: Major, { number, subject, outcome }: Call) {
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
    // The runtime cuts names at 64 bytes.
    const root = `${number} ${form}`;
    reports[form] = await tracer.withSpan(root, {}, () => run(namespace, subject, major, outcome));
  }
  return { number, name: subject.name, outcome, reports };
}

/** Names of functions and the outcomes of their calls. */
export type Cases = Readonly<Record<string, readonly Outcome[]>>;

/** Runs the calls of all cases. */
export async function runAllForms(
  ai: Namespace,
  major: Major,
  cases: Cases,
  isRegistered: boolean,
) {
  globalThis.AI_SDK_TELEMETRY_INTEGRATIONS = isRegistered ? [createAISDKTelemetry()] : [];
  const calls: Call[] = subjects
    .flatMap((subject) => (cases[subject.name] ?? []).map((outcome) => ({ subject, outcome })))
    .map((call, number) => ({ ...call, number }));
  const isOfId = ({ outcome }: Call) => outcome.endsWith("_id");
  const runOne = (call: Call) => runForms(ai, major, call);
  try {
    const seen = await Promise.all(calls.filter((call) => !isOfId(call)).map(runOne));
    // These replace the provider or the network of the isolate.
    for (const call of calls.filter(isOfId)) seen.push(await runOne(call));
    return seen;
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
