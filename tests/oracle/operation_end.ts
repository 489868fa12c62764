import {
  type CallRecord,
  canceled,
  cut,
  data,
  failed,
  finished,
  never,
  type Outcome,
  truncated,
  viewOf,
} from "./call_record.ts";
import type { ErrorView } from "./log.ts";

/** How and when a call ended for its caller. */
export interface OperationEnd {
  /** More than one if the caller cannot distinguish them. */
  readonly outcomes: readonly Outcome[];
  readonly at: number;
  /** Only for a call that finished. */
  readonly finishReason?: string | undefined;
}

/** Reads the end of a call from what its caller saw. */
export function operationEnd(record: CallRecord): OperationEnd {
  const end = record.case.reader === "-" ? promiseEnd(record) : streamEnd(record);
  return isLeftOpen(record) ? { ...end, outcomes: [...end.outcomes, cut] } : end;
}

/** Whether the runtime may have stopped the call. */
function isLeftOpen(record: CallRecord): boolean {
  const { ender, fn } = record.case;
  // The progress of a call until its invocation is over depends only on time.
  if (ender === "return") return true;
  if (record.at("caller", "gave up") === never) return false;
  // These continue after an abort if the model continues. The others end with the invocation.
  const goesOn = fn === "streamObject" || fn === "streamLanguageModelCall";
  return goesOn || record.abortedAt === never;
}

function promiseEnd(record: CallRecord): OperationEnd {
  for (const [at, { lane, what, error, value }] of record.entries.entries()) {
    if (lane !== "caller") continue;
    if (what === "rejected") return { outcomes: record.failuresWith(error as ErrorView, at), at };
    if (what === "resolved") {
      return { outcomes: [finished], at, finishReason: data(value)["finishReason"] as string };
    }
  }
  // The handler returned, and the call continued.
  return { outcomes: stopped(record), at: never };
}

/** The possible ends of a call that the runtime stops. */
function stopped(record: CallRecord): Outcome[] {
  return record.stoppedAt < never ? [record.abortOutcome, cut] : [cut];
}

/** The first end that the caller saw of a stream. */
function streamEnd(record: CallRecord): OperationEnd {
  const { case: value, entries } = record;
  const { ender, fn, place, reader } = value;
  let failure: { readonly error: ErrorView; readonly at: number } | undefined;
  /** The last failure, even if another step followed. */
  let lastFailure = failure;
  /** From a promise of the result. */
  let rejection: { readonly error: ErrorView; readonly at: number } | undefined;
  let finishReason: string | undefined;
  let isOver = false;
  let isRead = false;
  let stoppedAt: number | undefined;
  const fail = (error: ErrorView | undefined, at: number) => {
    // A failure after the last part is not related to an abort.
    failure = { error: error ?? { kind: "undefined" }, at: isOver ? -1 : at };
    lastFailure = failure;
  };
  const failedAt = ({ error, at }: { error: ErrorView; at: number }): OperationEnd => ({
    outcomes: record.failuresWith(error, at),
    // A transform fails before its caller sees the error.
    at: place === "transform" ? 0 : at,
  });
  const aborted = (at: number): OperationEnd => ({
    // An earlier error is possible too, and so is the error of a model that does not stop.
    outcomes: [
      record.abortOutcome,
      ...(lastFailure === undefined ? [] : failedAt(lastFailure).outcomes),
      // An approval that fails stops the stream, which its caller may not see before it aborts.
      ...(place === "approval" || (fn === "streamObject" && reader === "promises") ? [failed] : []),
      ...(value.obeys ? [] : failedAt(lastModelError(record, never)).outcomes),
    ],
    at: Math.min(at, record.stoppedAt),
  });
  const isUnfit = place === "outputText" || place === "outputSchema";
  const end = (at: number): OperationEnd => {
    if (failure !== undefined) return failedAt(failure);
    if (finishReason === "error") return { ...failedAt(lastModelError(record, at)), at };
    // The SDK may have parsed the output for a callback and not reported that it cannot be parsed.
    return { outcomes: isUnfit ? [finished, failed] : [finished], at, finishReason };
  };
  const left = (at: number): OperationEnd => {
    if (failure !== undefined || isOver) return end(at);
    // A failure inside may not have reached the caller.
    const hasStopped = entries
      .slice(0, at)
      .some(({ lane, what }) => lane === "model" && (what === "cancelled" || what === "errored"));
    return { outcomes: hasStopped ? [canceled, failed] : [canceled], at };
  };
  const isStructured = isUnfit || fn === "streamObject";
  for (const [at, { lane, what, error, value: detail }] of entries.entries()) {
    const part = data(detail);
    switch (`${lane} ${what}`) {
      case "model start":
        // A retry, or another step.
        failure = undefined;
        break;
      case "signal aborted":
      case "signal model told to stop":
        // If a signal aborted before the call, the stream reports it.
        if (!isOver && !isRead && at > record.at("caller", "called")) stoppedAt ??= at;
        break;
      case "caller consumed":
      case "caller read to the end":
        isRead = true;
        break;
      case "caller fulfilled promise":
        finishReason ??= part["finishReason"] as string | undefined;
        break;
      case "caller rejected":
      case "caller read error": {
        // A stream may end with the abort after its caller has got an error.
        const before = failure === undefined ? [] : failedAt(failure).outcomes;
        fail(error, at);
        const { outcomes, ...rest } = end(at);
        // The fault may have occurred before the abort, although the caller gets it afterwards.
        const hidden = error?.is === "fault" ? [failed] : [];
        return { outcomes: [...outcomes, ...before, ...hidden], ...rest };
      }
      case "caller part":
        if (part["type"] === "error") fail(viewOf(part["error"]), at);
        if (part["type"] === "abort") return aborted(at);
        if (part["type"] === "finish" || part["type"] === "model-call-end") {
          finishReason = part["finishReason"] as string;
          isOver = true;
          // Actions of the caller after the last part change nothing.
          if (!isStructured) return end(at);
        }
        break;
      case "callback onError":
      case "callback console.error":
        fail(error, at);
        break;
      case "callback onAbort":
        // The promises of the result may have rejected before the abort. Version 6 reports it nevertheless.
        if (rejection !== undefined && rejection.at < record.stoppedAt) return failedAt(rejection);
        return aborted(at);
      case "callback onFinish":
        if (error !== undefined && fn === "streamObject") {
          const { outcomes } = failedAt({ error, at: -1 });
          return { outcomes: [...outcomes, ...failedAt({ error, at }).outcomes], at };
        }
        finishReason ??= part["finishReason"] as string | undefined;
        isOver = true;
        break;
      case "caller left":
        if (isStructured && isOver && failure === undefined) {
          return { outcomes: [finished, failed], at };
        }
        // The other branch of a tee continues to read.
        if (ender !== "tee") return left(at);
        break;
      case "client left": {
        // The runtime reads ahead of the client.
        const { outcomes } = left(at);
        const ahead = place === "nowhere" ? [] : [failed];
        return { outcomes: [...outcomes, canceled, ...ahead], at, finishReason };
      }
      case "client read error":
        // The runtime stops a handler that waits for no event.
        if (/runtime canceled/.test(String(error?.message)))
          return { outcomes: stopped(record), at: never };
        if (record.stoppedAt < never) return { outcomes: [record.abortOutcome, failed], at: 0 };
        if (failure !== undefined) return { ...end(at), at: 0 };
        return {
          outcomes: [String(error?.message).startsWith("AbortError") ? canceled : failed],
          at: 0,
        };
      case "client body": {
        if (reader !== "ui response" || failure !== undefined) break;
        const lastStep = String(detail).split('"type":"start-step"').at(-1) ?? "";
        if (lastStep.includes('"type":"abort"')) return aborted(at);
        if (lastStep.includes('"type":"error"')) fail(lastModelError(record, at).error, at);
        break;
      }
      case "caller rejected promise":
        if (detail === "output" || detail === "object") {
          // An output that cannot be parsed fails, even if the caller has left after the last part.
          if (isStructured && isOver) return failedAt({ error: error as ErrorView, at: -1 });
          if (!isStructured) break;
        }
        if (reader === "promises") isRead = true;
        rejection ??= { error: error as ErrorView, at };
        break;
      default:
    }
  }
  failure ??= rejection;
  if (failure !== undefined && stoppedAt !== undefined && failure.at < stoppedAt) {
    return aborted(stoppedAt);
  }
  if (failure !== undefined && stoppedAt === undefined) {
    const { outcomes, at } = failedAt(failure);
    // If the stream of a streamObject is not read, only the promises of the result report its failure.
    const isHidden = fn === "streamObject" && reader === "promises";
    const hidden = [truncated, canceled, failed];
    return { outcomes: isHidden ? [...outcomes, ...hidden] : outcomes, at };
  }
  if (reader === "unread") {
    const outcome = record.abortedAt < never ? record.abortOutcome : truncated;
    return { outcomes: [outcome, failed, canceled], at: 0 };
  }
  const wasRead = entries.some(({ lane, what }) => {
    if (lane === "client") {
      return what === "read to the end" && reader.endsWith("response") && ender !== "return";
    }
    return lane === "caller" && /^read|^consumed|^fulfilled/.test(what);
  });
  // streamObject does not stop by itself: its model has to.
  const goesOn = fn === "streamObject" && !value.obeys;
  if (stoppedAt !== undefined && !(goesOn && wasRead && isOver)) return aborted(stoppedAt);
  const calledAt = record.at("caller", "called");
  if (record.abortedAt < calledAt && !isOver && fn !== "streamObject") return aborted(calledAt);
  return wasRead ? end(entries.length) : { outcomes: [cut, finished, failed], at: never };
}

/** The error that ended a stream, if the caller saw only that there was an error. */
function lastModelError({ entries }: CallRecord, before: number): { error: ErrorView; at: number } {
  const at = entries.findLastIndex(
    ({ lane, error }, index) => index < before && lane === "model" && error !== undefined,
  );
  const error = entries[at]?.error ?? { kind: "error", name: "AI_NoOutputGeneratedError" };
  return { error, at };
}
