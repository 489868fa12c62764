import { record } from "../../base/values.ts";
import type { Telemetry } from "../../trace/telemetry.ts";
import { truncating } from "../calls/ending.ts";
import { ModelCalls } from "../calls/model_calls.ts";
import { type ModelKind, modelKinds } from "../calls/model_kinds.ts";
import { type ProviderRequest, runProviderCall } from "../calls/provider_call.ts";
import { modelInfo } from "../calls/request.ts";
import type { Settings } from "../options.ts";
import type { TracedCall } from "./integration_calls.ts";
import { AwaitedResult } from "./integration_calls.ts";
import { paramsOf, type SdkEvent } from "./integration_events.ts";

/** A function that only calls a model. */
interface ModelFunction {
  readonly kind: ModelKind;
  readonly method: string;
  /** Whether the SDK has events for each request to the provider. Otherwise it has events for the whole call only. */
  readonly hasAttempts: boolean;
}

const functions: Readonly<Record<string, ModelFunction>> = {
  "ai.embed": { kind: modelKinds.embedding, method: "doEmbed", hasAttempts: true },
  "ai.embedMany": { kind: modelKinds.embedding, method: "doEmbed", hasAttempts: true },
  "ai.rerank": { kind: modelKinds.reranking, method: "doRerank", hasAttempts: true },
  "ai.generateSpeech": { kind: modelKinds.speech, method: "doGenerate", hasAttempts: false },
  "ai.transcribe": { kind: modelKinds.transcription, method: "doGenerate", hasAttempts: false },
  "ai.decide": { kind: modelKinds.decision, method: "doDecide", hasAttempts: false },
};

/** Returns the function of a start event. Undefined if it is not one of `functions`. */
export function modelFunctionOf(event: SdkEvent): ModelFunction | undefined {
  const operationId = String(event["operationId"]);
  return Object.hasOwn(functions, operationId) ? functions[operationId] : undefined;
}

/** Returns the owner of the requests of one call. */
export function modelCallsOf(
  telemetry: Telemetry,
  settings: Settings,
  { kind }: ModelFunction,
  event: SdkEvent,
): ModelCalls {
  const sdk = { telemetry, settings, namespace: {}, major: 7 } as const;
  return new ModelCalls(sdk, paramsOf(event), kind.outputType);
}

/** Returns the request that an event announces. */
export function providerRequest({ kind, method }: ModelFunction, event: SdkEvent): ProviderRequest {
  return { kind, method, model: modelInfo(event), options: event };
}

/** The error of a request that was retried. Events do not report it. */
const unknownError = Object.assign(new Error("unknown"), { name: "_OTHER" });

interface Attempt {
  readonly values: unknown;
  readonly result: AwaitedResult;
  /** The response of the provider. The end of the call adds more. */
  answer: SdkEvent | undefined;
}

const givenUp = Symbol("given up");

/** One call of a function that only calls a model. Each request to the provider has a span. */
export class HookedModelCalls implements TracedCall {
  readonly #function: ModelFunction;
  readonly #owner: ModelCalls;
  readonly #onClose: () => void;
  readonly #isParallel: boolean;
  readonly #attempts = new Map<unknown, Attempt>();

  constructor(
    telemetry: Telemetry,
    settings: Settings,
    modelFunction: ModelFunction,
    event: SdkEvent,
    onClose: () => void,
  ) {
    this.#function = modelFunction;
    this.#owner = modelCallsOf(telemetry, settings, modelFunction, event);
    this.#onClose = onClose;
    this.#isParallel = event["operationId"] === "ai.embedMany";
    if (!modelFunction.hasAttempts) this.attemptStarted(event);
  }

  attemptStarted(event: SdkEvent): void {
    const { values } = event;
    for (const [id, attempt] of this.#attempts) {
      if (attempt.answer !== undefined || (this.#isParallel && attempt.values !== values)) continue;
      this.#attempts.delete(id);
      attempt.result.reject(unknownError);
    }
    const result = new AwaitedResult();
    this.#attempts.set(event["embedCallId"], { values, result, answer: undefined });
    runProviderCall(
      this.#owner,
      providerRequest(this.#function, event),
      () => result,
      (call, answer) => {
        if (answer === givenUp) call.end(truncating);
        else call.settled(answer);
      },
    );
  }

  attemptEnded(event: SdkEvent): void {
    const id = event["embedCallId"];
    const attempt = this.#attempts.get(id);
    if (attempt === undefined) return;
    attempt.answer = event;
    if (!this.#isParallel) return;
    this.#attempts.delete(id);
    attempt.result.fulfil(event);
  }

  onEnd(event: unknown): void {
    const end = record(event);
    this.#close(({ result, answer }) => {
      if (answer === undefined && this.#function.hasAttempts) result.reject(unknownError);
      else result.fulfil({ ...answer, usage: end?.["usage"], response: end?.["response"] });
    });
  }

  onError(event: unknown): void {
    const error = record(event)?.["error"];
    // A call whose retries all failed rejects with an error that lists all errors.
    const cause = record(error)?.["lastError"] ?? error;
    this.#close(({ result }) => result.reject(cause));
  }

  onAbort(): void {}

  truncate(): void {
    this.#close(({ result }) => result.fulfil(givenUp));
  }

  #close(end: (attempt: Attempt) => void): void {
    this.#onClose();
    const attempts = [...this.#attempts.values()];
    this.#attempts.clear();
    for (const attempt of attempts) end(attempt);
  }
}
