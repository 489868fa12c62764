import { APICallError } from "ai";
import { tracer } from "isotel";
import type { Major, Outcome } from "./outcomes.ts";

/** What a scripted model does in one run, and what it noted. */
export class Control {
  readonly major: Major;
  readonly outcome: Outcome;
  readonly isStream: boolean;
  readonly abort = new AbortController();
  requests = 0;

  constructor(major: Major, outcome: Outcome, isStream: boolean) {
    this.major = major;
    this.outcome = outcome;
    this.isStream = isStream;
  }

  get specificationVersion(): string {
    return this.major === "v7" ? "v4" : "v3";
  }

  /** One request to the provider, as far as it comes before an answer. */
  async request(): Promise<void> {
    this.requests += 1;
    const isFirst = this.requests === 1;
    await tracer.withSpan("provider_work", {}, () => scheduler.wait(1));
    if (this.outcome === "provider_error") throw new TypeError("a secret");
    if (this.outcome === "retry" && isFirst) throw retryable();
    if (this.outcome === "abort" && !this.isStream) {
      this.abort.abort();
      throw this.abort.signal.reason;
    }
  }

  /** The stream of an answer. It fails when its signal aborts, as the body of a response does. */
  streamOf(parts: readonly object[], signal: AbortSignal | undefined): ReadableStream<object> {
    const rest = parts.values();
    return new ReadableStream({
      async pull(controller) {
        await scheduler.wait(1);
        if (signal?.aborted === true) {
          controller.error(signal.reason);
          return;
        }
        const { done, value } = rest.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
    });
  }
}

function retryable(): APICallError {
  return new APICallError({
    message: "a secret",
    url: "https://provider.example/",
    requestBodyValues: {},
    statusCode: 503,
    responseHeaders: { "retry-after-ms": "1", "cf-aig-log-id": "log-failed" },
    isRetryable: true,
  });
}
