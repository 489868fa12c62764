import { enclose, tracedCallMethod } from "../trace/envelope.ts";
import { addContext, type ContextHeaders, isEmpty } from "../trace/tracer.ts";

type Method = (...args: unknown[]) => unknown;

/** Returns the replacement of a method. Undefined keeps the method. */
type Replace = (name: string, method: Method) => Method | undefined;

/**
 * Returns a replacement for an object of the runtime. Its methods are replaced, and keep their properties: a method of
 * an RPC stub is also a property that can be awaited or called into.
 *
 * @param call What a call of the replacement does, if the object is a function.
 */
function replaced<T extends object>(object: T, replace: Replace, call?: Method): T {
  return new Proxy(object, {
    apply: (_function, _this, args) => call?.(...args),
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      const method: Method = (...args) => Reflect.apply(value, target, args) as unknown;
      const own = typeof key === "string" ? replace(key, method) : undefined;
      return replaced(value, keepAll, own ?? method);
    },
  });
}

const keepAll: Replace = () => undefined;

/** Methods of a stub that are no RPC methods of its target. */
const ownMethods = new Set(["connect", "dup", "then", "catch", "finally"]);

/** Stubs whose target has no method for traced calls. */
const unwrapped = new WeakSet<object>();

/**
 * Returns a stub of a Durable Object or of another Worker's entrypoint that sends the trace context with each call.
 * `fetch` sends it as headers. An RPC method is called through a method that `withTelemetry` adds to the class of the
 * target, so that its arguments stay the same. A class without that method is called as before.
 */
export function traceStub<T extends object>(stub: T, contextOf: () => ContextHeaders): T {
  return replaced(stub, (name, method) => {
    if (ownMethods.has(name)) return undefined;
    if (name === "fetch") {
      return (input, init) => {
        const context = contextOf();
        if (isEmpty(context)) return method(input, init);
        const request = new Request(input as Request, init as RequestInit);
        addContext(request.headers, context);
        return method(request);
      };
    }
    return (...args) => {
      const context = contextOf();
      if (unwrapped.has(stub) || isEmpty(context)) return method(...args);
      const call = Reflect.get(stub, tracedCallMethod, stub) as unknown as Method;
      const answer = Reflect.apply(call, stub, [context, name, args]) as Promise<unknown>;
      return withFallback(answer, () => {
        unwrapped.add(stub);
        return method(...args);
      });
    };
  });
}

/**
 * Returns an RPC promise that calls again if the target has no method for traced calls. Its properties stay those of
 * the promise, so that calls can be pipelined.
 */
function withFallback(answer: Promise<unknown>, again: () => unknown): unknown {
  let settled: Promise<unknown> | undefined;
  const settle = () => {
    settled ??= Promise.resolve(answer).catch((cause: unknown) => {
      const message = String((cause as { readonly message?: unknown } | undefined)?.message);
      if (message.includes(`does not implement the method "${tracedCallMethod}"`)) return again();
      throw cause;
    });
    return settled;
  };
  return replaced(answer, (name) => {
    if (name !== "then" && name !== "catch" && name !== "finally") return undefined;
    return (...args) => Reflect.apply(settle()[name], settle(), args) as unknown;
  });
}

/**
 * Returns a queue whose messages carry the trace context beside their body. The `queue` handler that `withTelemetry`
 * wraps gets the bodies alone, and its span has a link for each message.
 */
export function traceQueue<T extends object>(queue: T, contextOf: () => ContextHeaders): T {
  return replaced(queue, (name, method) => {
    if (name === "send") {
      return (body, options) => {
        const { contentType } = (options ?? {}) as { readonly contentType?: unknown };
        const sent = enclosed(contextOf(), body, contentType);
        return method(sent.body, { ...(options as object | undefined), ...sent.options });
      };
    }
    if (name !== "sendBatch") return undefined;
    return (messages, options) => {
      const context = contextOf();
      const list = Array.from(messages as Iterable<MessageSendRequest>, (message) => {
        const sent = enclosed(context, message.body, message.contentType);
        return { ...message, body: sent.body, ...sent.options };
      });
      return method(list, options);
    };
  });
}

/** Returns a body with trace context, and the content type that transports it. */
function enclosed(context: ContextHeaders, body: unknown, contentType: unknown) {
  const enclosedBody = enclose(context, body);
  if (enclosedBody === body) return { body, options: {} };
  if (contentType === "text") return { body: enclosedBody, options: { contentType: "json" } };
  if (contentType !== "bytes") return { body: enclosedBody, options: {} };
  // The consumer of bytes gets an ArrayBuffer, whatever view was sent.
  const { buffer, byteOffset, byteLength } = ArrayBuffer.isView(body)
    ? body
    : new Uint8Array(body as ArrayBuffer);
  const bytes = buffer.slice(byteOffset, byteOffset + byteLength);
  return { body: enclose(context, bytes), options: { contentType: "v8" } };
}

/**
 * Returns a Workflow binding whose new instances carry the trace context beside their `params`. The `run` of the class
 * that `withTelemetry` wraps gets the `params` alone, and its span continues the trace.
 */
export function traceWorkflow<T extends object>(workflow: T, contextOf: () => ContextHeaders): T {
  const carry = (options: unknown): object => {
    const { params } = (options ?? {}) as { readonly params?: unknown };
    return { ...(options as object | undefined), params: enclose(contextOf(), params) };
  };
  return replaced(workflow, (name, method) => {
    if (name === "create") return (options) => method(carry(options));
    if (name !== "createBatch") return undefined;
    return (batch) => method((batch as readonly unknown[]).map(carry));
  });
}
