import { Control } from "./control.ts";
import { gatewayOf, modelsFor, providerOf } from "./models.ts";
import type { Major, Outcome } from "./outcomes.ts";
import type { Common, Namespace, Subject } from "./subjects.ts";

/** What the caller of a function saw. */
export interface Report {
  readonly value?: unknown;
  readonly error?: unknown;
  readonly chunks: readonly unknown[];
  readonly requests: number;
}

/** Calls a function with models that do what the outcome says, and reads its stream as the outcome says. */
export async function run(
  ai: Namespace,
  subject: Subject,
  major: Major,
  outcome: Outcome,
): Promise<Report> {
  const control = new Control(major, outcome, subject.stream !== undefined);
  const models = modelsFor(control);
  const common: Common = {
    control,
    parameters: parametersFor(control),
    model: (kind) => (outcome.endsWith("_id") ? models[kind].modelId : models[kind]),
  };
  globalThis.AI_SDK_DEFAULT_PROVIDER =
    outcome === "string_id" ? (providerOf(control, models) as never) : undefined;
  const { fetch } = globalThis;
  if (outcome === "gateway_id") {
    globalThis.fetch = gatewayOf(models);
    process.env["AI_GATEWAY_API_KEY"] = "key";
  }
  const chunks: unknown[] = [];
  const report = async (rest: object) => {
    // What is under way when a caller has left, or one of several requests has failed, comes to its end.
    await scheduler.wait(20);
    return { ...rest, chunks, requests: control.requests };
  };
  try {
    const result = await subject.call(ai, common);
    if (subject.stream === undefined) return await report({ value: described(result) });
    if (outcome !== "unread") await consume(subject.stream(result as never), control, chunks);
    return await report({});
  } catch (error) {
    return await report({ error: described(error) });
  } finally {
    globalThis.AI_SDK_DEFAULT_PROVIDER = undefined;
    globalThis.fetch = fetch;
  }
}

function parametersFor({ major, outcome, abort }: Control) {
  const isEnabled = outcome !== "disabled";
  return {
    maxRetries: outcome === "retry" ? 1 : 0,
    abortSignal: abort.signal,
    onError: () => {},
    ...(major === "v7"
      ? {
          telemetry: {
            isEnabled,
            functionId: "tester",
            includeRuntimeContext: { userId: true, plan: true },
          },
          runtimeContext: { userId: "user-1", plan: "pro", conversationId: "chat-1" },
        }
      : {
          experimental_telemetry: {
            isEnabled,
            functionId: "tester",
            metadata: { userId: "user-1", plan: "pro", conversationId: "chat-1" },
          },
        }),
  };
}

async function consume(
  stream: AsyncIterable<unknown> & ReadableStream<unknown>,
  { outcome, abort }: Control,
  chunks: unknown[],
): Promise<void> {
  if (outcome === "cancel") {
    const reader = stream.getReader();
    chunks.push(described((await reader.read()).value));
    await reader.cancel();
    return;
  }
  for await (const chunk of stream) {
    chunks.push(described(chunk));
    if (outcome === "break") break;
    if (outcome === "abort") abort.abort();
  }
}

const volatile = new Set(["id", "timestamp", "date", "callId", "performance", "messageId"]);

/** A value as far as it is the same in every run. */
function described(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, item: unknown) => {
      if (volatile.has(key)) return undefined;
      if (item instanceof Error) {
        const { name, message, cause } = item;
        return { name, message, cause };
      }
      return item;
    }) ?? "null",
  );
}
