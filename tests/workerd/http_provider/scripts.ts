/** What the provider does with the requests of a run. */
export type Script =
  /** Answers: first with a tool call, where there are tools. */
  | "well"
  /** 429 with Retry-After to the first request. */
  | "busy_once"
  /** 503 to the first request. */
  | "down_once"
  | "bad_request"
  /** 500 to every request. */
  | "down"
  /** A stream that tells of an error. */
  | "error_event"
  /** The connection is reset in the middle of the answer. */
  | "reset"
  /** Takes its time: there is time to leave. */
  | "slow";

/** How one call over HTTP goes. */
export const httpOutcomes = {
  success: "well",
  retry_429: "busy_once",
  retry_503: "down_once",
  error_400: "bad_request",
  error_500: "down",
  stream_error: "error_event",
  reset: "reset",
  abort: "slow",
  break: "slow",
  cancel: "slow",
} as const satisfies Readonly<Record<string, Script>>;

export type HttpOutcome = keyof typeof httpOutcomes;
export type Major = "v6" | "v7";
export type Api = "responses" | "chat";

/** Whether the app calls a function that streams. */
export interface HttpSubject {
  readonly name: string;
  readonly isStream: boolean;
  readonly apis: readonly Api[];
  readonly majors: readonly Major[];
}
