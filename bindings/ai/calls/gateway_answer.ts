import { isFunction, ownValue, record, text } from "../../base/values.ts";
import { Field } from "../../core/abi.gen.ts";
import type { SpanFields } from "../../core/span_fields.ts";

/** The data that AI Gateway adds to a response. */
export interface GatewayAnswer {
  readonly logId?: string | undefined;
  readonly cacheStatus?: string | undefined;
  /** Index of the gateway's fallback that answered, from 0. */
  readonly step?: number | undefined;
}

/** The response has no data of AI Gateway. */
export const noAnswer: GatewayAnswer = Object.freeze({});
const maxLogIdUnits = 256;
const maxDepth = 6;
const maxNodes = 200;

/** Reads the headers of a response: `Headers`, or an object with names in any case. */
export function gatewayHeaders(headers: unknown): GatewayAnswer {
  const source = record(headers);
  if (source === undefined) return noAnswer;
  // `instanceof` on a runtime class takes longer than reading all three headers.
  const own = isFunction(source["get"]) && headers instanceof Headers ? headers : undefined;
  const read = (name: string): unknown =>
    own === undefined ? headerIn(source, name) : own.get(name);
  const logId = boundedLogId(read("cf-aig-log-id"));
  const cacheStatus = text(read("cf-aig-cache-status"));
  const step = stepOf(read("cf-aig-step"));
  if (logId === undefined && cacheStatus === undefined && step === undefined) return noAnswer;
  return { logId, cacheStatus, step };
}

function stepOf(value: unknown): number | undefined {
  const step = text(value);
  return step !== undefined && /^\d{1,6}$/.test(step) ? Number(step) : undefined;
}

/**
 * Returns a header of an object. The SDK writes names in lower case. Custom providers may write them in any case.
 *
 * @param name in lower case.
 */
function headerIn(source: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(source, name)) return source[name];
  // Compares lengths first: most headers are others.
  for (const key in source) {
    if (key.length === name.length && key.toLowerCase() === name) return source[key];
  }
  return undefined;
}

/**
 * Finds AI Gateway data in provider metadata or in an error, which may contain headers at any depth. The search is
 * bounded. It reads own data properties only, so that no code of the caller runs.
 */
export function findGatewayAnswer(value: unknown): GatewayAnswer {
  if (record(value) === undefined) return noAnswer;
  const queue: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
  const seen = new Set<unknown>();
  for (const { value: node, depth } of queue) {
    if (typeof node !== "object" || node === null || seen.has(node)) continue;
    seen.add(node);
    if (node instanceof Headers) {
      const found = gatewayHeaders(node);
      if (found.logId !== undefined) return found;
      continue;
    }
    const entries = ownData(node);
    const found = fromEntries(entries);
    if (found.logId !== undefined) return found;
    if (depth >= maxDepth) continue;
    for (const [, child] of entries) {
      if (queue.length < maxNodes) queue.push({ value: child, depth: depth + 1 });
    }
  }
  return noAnswer;
}

/** Adds the data to the finish fields of a chat span. */
export function addGatewayAnswer(fields: SpanFields, answer: GatewayAnswer): void {
  if (answer === noAnswer) return;
  fields
    .text(Field.gatewayLogId, answer.logId)
    .text(Field.gatewayCacheStatus, answer.cacheStatus)
    .number(Field.gatewayStep, answer.step);
}

/** Returns each value of `first`, or of `second` if `first` lacks it. */
export function mergeGatewayAnswers(first: GatewayAnswer, second: GatewayAnswer): GatewayAnswer {
  if (second === noAnswer) return first;
  if (first === noAnswer) return second;
  return {
    logId: first.logId ?? second.logId,
    cacheStatus: first.cacheStatus ?? second.cacheStatus,
    step: first.step ?? second.step,
  };
}

/** Adds missing values of `more`. Returns `answer` unchanged if `more` belongs to another response. */
export function completeGatewayAnswer(answer: GatewayAnswer, more: GatewayAnswer): GatewayAnswer {
  const isOther =
    answer.logId !== undefined && more.logId !== undefined && answer.logId !== more.logId;
  return isOther ? answer : mergeGatewayAnswers(answer, more);
}

/**
 * Watches the property `aiGatewayLogId` of a Workers AI binding during one call.
 *
 * @returns A function that returns the data of the call once it has settled.
 */
export function watchBinding(model: unknown): () => GatewayAnswer {
  const binding = record(ownValue(ownValue(model, "config"), "binding"));
  if (binding === undefined || !("aiGatewayLogId" in binding)) return () => noAnswer;
  const before = binding["aiGatewayLogId"];
  const calls = (callsInFlight.get(binding) ?? 0) + 1;
  callsInFlight.set(binding, calls);
  return () => {
    const inFlight = callsInFlight.get(binding) ?? 1;
    callsInFlight.set(binding, inFlight - 1);
    const after = binding["aiGatewayLogId"];
    // The binding holds the id of the call that settled last. With several calls in flight it cannot be attributed.
    return inFlight === 1 && calls === 1 && after !== before
      ? { logId: boundedLogId(after) }
      : noAnswer;
  };
}

const callsInFlight = new WeakMap<object, number>();

const logIdKeys = new Set(["cfaiglogid", "aigatewaylogid"]);
const gatewayKey = /gateway|aig|workersai/;

function fromEntries(entries: readonly (readonly [string, unknown])[]): GatewayAnswer {
  let answer = noAnswer;
  for (const [key, value] of entries) {
    const name = key.toLowerCase().replaceAll(/[-_.]/g, "");
    if (logIdKeys.has(name)) {
      answer = mergeGatewayAnswers(answer, { logId: boundedLogId(value) });
    } else if (name === "cfaigcachestatus") {
      answer = mergeGatewayAnswers(answer, { cacheStatus: text(value) });
    } else if (name === "cfaigstep") {
      answer = mergeGatewayAnswers(answer, { step: stepOf(value) });
    } else if (gatewayKey.test(name)) {
      const logId = boundedLogId(ownValue(value, "logId") ?? ownValue(value, "log_id"));
      answer = mergeGatewayAnswers(answer, { logId });
    }
  }
  return answer;
}

function ownData(node: object): (readonly [string, unknown])[] {
  try {
    return Object.entries(Object.getOwnPropertyDescriptors(node)).flatMap(([key, descriptor]) =>
      "value" in descriptor ? [[key, descriptor.value as unknown] as const] : [],
    );
  } catch {
    return [];
  }
}

function boundedLogId(value: unknown): string | undefined {
  const id = text(value);
  return id !== undefined && id.length <= maxLogIdUnits ? id : undefined;
}
