// JSON-RPC messages of MCP as the transports of its SDKs carry them, and what the conventions record of them:
// https://github.com/open-telemetry/semantic-conventions-genai/blob/v0.1.0/docs/gen-ai/mcp.md
import { isList, record, text } from "../base/values.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A request, which has an id, or a notification, which has none. */
export interface Call {
  readonly message: Fields;
  readonly method: string;
  /** Undefined for a notification. */
  readonly id: string | number | undefined;
  readonly params: Fields | undefined;
}

/** An answer to a request. */
export interface Answer {
  readonly id: string | number;
  readonly result: Fields | undefined;
  readonly error: { readonly code: number | undefined; readonly message: unknown } | undefined;
}

/** Returns the request or notification that a message is. */
export function callOf(message: unknown): Call | undefined {
  const fields = plainRecord(message);
  const method = text(fields?.["method"]);
  if (fields === undefined || method === undefined) return undefined;
  return { message: fields, method, id: idOf(fields), params: plainRecord(fields["params"]) };
}

/** Returns the answer that a message is. */
export function answerOf(message: unknown): Answer | undefined {
  const fields = plainRecord(message);
  if (fields === undefined || fields["method"] !== undefined) return undefined;
  const id = idOf(fields);
  if (id === undefined) return undefined;
  const error = record(fields["error"]);
  const code = error?.["code"];
  return {
    id,
    result: record(fields["result"]),
    error: error && {
      code: typeof code === "number" && Number.isInteger(code) ? code : undefined,
      message: error["message"],
    },
  };
}

function idOf({ id }: Fields): string | number | undefined {
  return typeof id === "string" || typeof id === "number" ? id : undefined;
}

function plainRecord(value: unknown): Fields | undefined {
  return isList(value) ? undefined : record(value);
}

/**
 * Notifications without a span: a tool may send one for each step of its work, and they would take the places of spans
 * that say more.
 */
const unrecorded: ReadonlySet<string> = new Set([
  "notifications/progress",
  "notifications/message",
]);

export function isRecorded({ method }: Call): boolean {
  return !unrecorded.has(method);
}

/** The method by which either side cancels a request of its own. */
export const cancelled = "notifications/cancelled";

/** Returns the tool that a request calls. */
export function toolOf({ method, params }: Call): string | undefined {
  return method === "tools/call" ? text(params?.["name"]) : undefined;
}

/** Returns the prompt that a request gets. */
export function promptOf({ method, params }: Call): string | undefined {
  return method === "prompts/get" ? text(params?.["name"]) : undefined;
}

/** Returns the resource that a message is about. */
export function resourceOf({ method, params }: Call): string | undefined {
  return method.includes("resources/") ? text(params?.["uri"]) : undefined;
}

/** Returns `params._meta` of a request or notification, or that of its result. */
export function metaOf(fields: Fields | undefined): Fields | undefined {
  return plainRecord(fields?.["_meta"]);
}

/** Key of `_meta` with the version of the protocol, from 2026-07-28 on. */
const versionKey = "io.modelcontextprotocol/protocolVersion";

/** Returns the version of the protocol that a request names itself. */
export function versionIn({ params }: Call): string | undefined {
  return text(metaOf(params)?.[versionKey]);
}

/**
 * Returns the message with trace context in `params._meta`. The caller's objects do not change. A message that has a
 * `traceparent` or `tracestate` of its own is returned as it is.
 */
export function withContext(call: Call, context: Readonly<Record<string, string>>): unknown {
  const { message, params } = call;
  const meta = metaOf(params);
  if (context["traceparent"] === undefined) return message;
  if (meta?.["traceparent"] !== undefined || meta?.["tracestate"] !== undefined) return message;
  // What is no plain object is serialized in its own way, or is an error that the receiver reports.
  for (const value of [message, message["params"], params?.["_meta"]]) {
    if (value !== undefined && !isPlain(value)) return message;
  }
  return { ...message, params: { ...params, _meta: { ...meta, ...context } } };
}

function isPlain(value: unknown): boolean {
  const prototype: unknown = record(value) && Object.getPrototypeOf(value);
  return prototype === Object.prototype || (value !== null && prototype === null);
}

/** Codes by which a server refuses a request that is the client's mistake. Its span is not an error. */
const clientMistakes: ReadonlySet<number> = new Set([-32700, -32600, -32601, -32602, -32002]);

/** `error.type` of a result with `isError`. */
const toolError = "tool_error";

/** Returns the `error.type` of an answer. Undefined if it is no failure of the side that records it. */
export function errorTypeOf({ result, error }: Answer, isServer: boolean): string | undefined {
  if (error === undefined) return result?.["isError"] === true ? toolError : undefined;
  const { code } = error;
  if (isServer && code !== undefined && clientMistakes.has(code)) return undefined;
  return code === undefined ? "_OTHER" : String(code);
}
