import type { ContextHeaders } from "./tracer.ts";

/** The object that a handler or method belongs to, if it is an instance of a class. */
export interface InvokedObject {
  readonly kind: "entrypoint" | "object" | "workflow";
  /** The name of its class. Empty if it has none. */
  readonly name: string;
  /** The first argument of its constructor: a `DurableObjectState` or an `ExecutionContext`. */
  readonly context: unknown;
}

/** One call of a handler or method by the runtime. */
export interface Call {
  /** The name of the handler or method. */
  readonly handler: string;
  readonly args: readonly unknown[];
  /** Trace context that the caller sent: of each message of a batch that has one, or of the call. */
  readonly carriers?: readonly ContextHeaders[] | undefined;
  /** Undefined for the handlers of an exported object. */
  readonly object?: InvokedObject | undefined;
}

const ofEvents: Readonly<Record<string, string>> = {
  fetch: "fetch",
  connect: "connect",
  test: "test",
  tail: "trace",
  trace: "trace",
};

const ofEntrypoints: Readonly<Record<string, string>> = {
  queue: "queue",
  scheduled: "scheduled",
  email: "email",
};

const ofObjects: Readonly<Record<string, string>> = {
  alarm: "alarm",
  webSocketMessage: "hibernatableWebSocket",
  webSocketClose: "hibernatableWebSocket",
  webSocketError: "hibernatableWebSocket",
};

const byKind = { entrypoint: ofEntrypoints, object: ofObjects, workflow: { run: "workflow" } };

/** Returns the handler type as the runtime names it, for example `fetch`, `queue`, `alarm` or `jsrpc`. */
export function handlerTypeOf({ handler, object }: Call): string {
  const own: Readonly<Record<string, string>> = byKind[object?.kind ?? "entrypoint"];
  if (Object.hasOwn(ofEvents, handler)) return ofEvents[handler] as string;
  return Object.hasOwn(own, handler) ? (own[handler] as string) : "jsrpc";
}

const triggers: Readonly<Record<string, string>> = {
  fetch: "http",
  queue: "pubsub",
  scheduled: "timer",
  alarm: "timer",
};

/** Returns `faas.trigger` of the FaaS conventions for a handler type: http, pubsub, timer or other. */
export function triggerOf(handlerType: string): string {
  return Object.hasOwn(triggers, handlerType) ? (triggers[handlerType] as string) : "other";
}
