import { type ContextHeaders, isEmpty } from "./tracer.ts";

/** Key of the trace context beside a body that travels through a queue or into a Workflow. */
const contextKey = "isotel.context";

/** Returns a value that carries trace context beside a body. Returns the body itself if there is no context. */
export function enclose(context: ContextHeaders, body: unknown): unknown {
  return isEmpty(context) ? body : { [contextKey]: context, body };
}

/** The parts of a value that {@link enclose} returned. */
export interface Opened {
  readonly context: ContextHeaders;
  readonly body: unknown;
}

/** Returns the parts of an enclosed body. Undefined for any other value. */
export function openEnvelope(value: unknown): Opened | undefined {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, contextKey)) {
    return undefined;
  }
  const { [contextKey]: context, body } = value as Readonly<Record<string, unknown>>;
  return typeof context === "object" && context !== null
    ? { context: context as ContextHeaders, body }
    : undefined;
}

/** Name of the RPC method of a wrapped class that calls another method with trace context. */
export const tracedCallMethod = "isotelCall";
