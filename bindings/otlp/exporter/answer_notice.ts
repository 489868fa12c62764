import type { Signal } from "../backends/backend.ts";
import type { SendOutcome } from "./sender.ts";

/** What to check after an answer with a status. */
const advice: Readonly<Record<number, string>> = {
  400: "Check the endpoint and the option format",
  401: "Check the key",
  403: "Check the key and its permissions",
  404: "Check the endpoint",
  413: "Lower the option maxBytes",
  415: "Check the options format and compression",
};

/** What to check after another status. */
function otherAdvice(status: number): string {
  return status < 500 ? "Check the options of the backend" : "The backend failed";
}

const nouns: Readonly<Record<Signal, string>> = {
  traces: "spans",
  logs: "log records",
  metrics: "data points",
};

/** A line for the console about an answer. */
export interface AnswerNotice {
  /** Equal for all answers that need only one line. */
  readonly key: string;
  readonly message: string;
}

/**
 * Returns a notice about an answer that did not accept everything. Returns undefined for other answers. The message
 * contains no address and no text of the backend, because they may contain keys or content.
 *
 * @param dropped Number of items that this backend has refused so far.
 */
export function answerNotice(
  backend: string,
  signal: Signal,
  { result, status, rejected }: SendOutcome,
  dropped: number,
): AnswerNotice | undefined {
  if (result === "accepted" && rejected === 0) return undefined;
  const answer = status === 0 ? "no answer" : `status ${status}`;
  const soFar = `${dropped} ${nouns[signal]} dropped so far`;
  const messages: Readonly<Record<SendOutcome["result"], string>> = {
    accepted: `rejected a part of a request (partial success, ${answer}); ${soFar}. Check the limits of the backend`,
    rejected: `refused a request (${answer}); ${soFar}. ${advice[status] ?? otherAdvice(status)}`,
    redirected: `redirected to another host (${answer}); ${soFar}. Check the endpoint: keys go to no other host`,
    unavailable: `cannot take data now (${answer}). It waits and is sent again`,
  };
  return {
    key: `${backend} ${signal} ${result} ${status}`,
    message: `isotel: ${signal} for ${backend}: the backend ${messages[result]}.`,
  };
}
