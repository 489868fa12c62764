import { isTimeout } from "../base/cause.ts";
import { isFunction, record, text } from "../base/values.ts";
import type { Telemetry } from "../trace/telemetry.ts";
import { type RunningTool, runInTool, runningTool } from "../trace/tool_span.ts";
import { activateSpan, contextHeaders } from "../trace/tracer.ts";
import {
  type Answer,
  answerOf,
  type Call,
  callOf,
  cancelled,
  isRecorded,
  metaOf,
  toolOf,
  versionIn,
  withContext,
} from "./message.ts";
import { recordDuration, type Side } from "./metrics.ts";
import { type Delivery, deliveryOf, type Network, networkOf } from "./network.ts";
import { MCPOperation, type Stop } from "./operation.ts";
import type { MCPSettings } from "./options.ts";

type Method = (...args: unknown[]) => unknown;

/** A transport of an MCP SDK. Its owner calls `send` for each message and sets the handlers, which the transport calls. */
export interface MCPTransport {
  send: Method;
  onmessage?: Method | undefined;
  onclose?: Method | undefined;
}

/** Marks a traced transport, in every version of this package. */
const mark = Symbol.for("isotel.mcp.transport");

/**
 * Traces what a transport sends and receives. A transport that is traced already, or that cannot be changed, stays as
 * it is. The transport keeps its identity, so that its owner finds its own fields.
 *
 * @param side whose transport it is.
 */
export function traceTransport(
  telemetry: Telemetry,
  settings: MCPSettings,
  side: Side,
  transport: MCPTransport,
): void {
  if (Reflect.get(transport, mark) === true || !Object.isExtensible(transport)) return;
  Reflect.defineProperty(transport, mark, { value: true });
  new TracedTransport(telemetry, settings, side, transport).observe();
}

/** Spans of tools that have the attributes of a call. */
const joined = new WeakSet<object>();

class TracedTransport {
  readonly #telemetry: Telemetry;
  readonly #settings: MCPSettings;
  readonly #side: Side;
  readonly #transport: MCPTransport;
  /** Requests without an answer, by id. Clients of one transport may use the same id. */
  readonly #sent = new Map<string, MCPOperation[]>();
  readonly #received = new Map<string, MCPOperation[]>();
  /** By the messages that are being sent. A transport may send a message again through its own `send`. */
  readonly #sending = new WeakMap<object, MCPOperation>();
  #network: Network;
  #version: string | undefined;
  #sessionStartMs: number | undefined;

  constructor(telemetry: Telemetry, settings: MCPSettings, side: Side, transport: MCPTransport) {
    this.#telemetry = telemetry;
    this.#settings = settings;
    this.#side = side;
    this.#transport = transport;
    this.#network = networkOf(transport);
  }

  observe(): void {
    const transport = this.#transport;
    const { send } = transport;
    const value: Method = (message, ...rest) =>
      this.#send(message, rest[0], (changed) => Reflect.apply(send, transport, [changed, ...rest]));
    Reflect.defineProperty(transport, "send", { value, configurable: true, writable: true });
    observeHandler(transport, "onmessage", (message, extra, handle) =>
      this.#receive(message, extra, handle),
    );
    observeHandler(transport, "onclose", (_first, _second, handle) => {
      this.#telemetry.guard(() => this.#close());
      return handle();
    });
  }

  #send(message: unknown, options: unknown, send: (message: unknown) => unknown): unknown {
    const telemetry = this.#telemetry;
    const answer = telemetry.guard(() => answerOf(message));
    if (answer !== undefined) {
      // Before it is sent, because the invocation may end with its answer.
      telemetry.guard(() => this.#answered(this.#received, answer));
      return send(message);
    }
    const call = telemetry.guard(() => callOf(message));
    if (call === undefined || !isRecorded(call)) return send(message);
    if (this.#sending.get(call.message)?.isOver === false) return send(message);
    if (call.method === cancelled) this.#stop(this.#sent, call, stopOf(call.params?.["reason"]));
    const operation = this.#operation(call, "client", undefined);
    const run = () => this.#sendCall(operation, call, options, send);
    const tool = this.#toolOf(call);
    if (tool !== undefined) {
      joined.add(tool.span);
      operation.join(tool);
      return run();
    }
    return activateSpan(telemetry, operation.spanName, operation.spanOptions, (span) => {
      if (span !== undefined) operation.begin(span);
      return run();
    });
  }

  #sendCall(
    operation: MCPOperation,
    call: Call,
    options: unknown,
    send: (message: unknown) => unknown,
  ): unknown {
    const telemetry = this.#telemetry;
    const isRequest = call.id !== undefined;
    if (isRequest) {
      const unwatch = watch(options, (reason) => operation.stop(stopOf(reason)));
      this.#add(this.#sent, call, operation, unwatch);
    }
    const message =
      telemetry.guard(() => withContext(call, contextHeaders(telemetry.runtime))) ?? call.message;
    this.#sending.set(call.message, operation);
    this.#sending.set(message as object, operation);
    let result: unknown;
    try {
      result = send(message);
    } catch (cause) {
      operation.fail(cause);
      throw cause;
    }
    const sent = () => {
      if (!isRequest) operation.finish();
    };
    if (!(result instanceof Promise)) sent();
    else Promise.prototype.then.call(result, sent, (cause: unknown) => operation.fail(cause));
    return result;
  }

  #receive(message: unknown, extra: unknown, handle: () => unknown): unknown {
    const telemetry = this.#telemetry;
    const answer = telemetry.guard(() => answerOf(message));
    if (answer !== undefined) {
      telemetry.guard(() => this.#answered(this.#sent, answer));
      return handle();
    }
    const call = telemetry.guard(() => callOf(message));
    if (call === undefined || !isRecorded(call)) return handle();
    if (call.method === cancelled) this.#stop(this.#received, call, "cancelled");
    const delivery = telemetry.guard(() => deliveryOf(extra));
    // The requests of a server travel on the connection of its client.
    if (this.#side === "server" && delivery !== undefined) {
      this.#network = this.#networkAt(delivery);
    }
    const operation = this.#operation(call, "server", delivery);
    return this.#under(call, () =>
      activateSpan(telemetry, operation.spanName, operation.spanOptions, (span) => {
        if (span !== undefined) operation.begin(span);
        if (call.id !== undefined) this.#add(this.#received, call, operation);
        try {
          // A tool that called this server runs outside of it.
          const result = runInTool(undefined, handle);
          if (call.id === undefined) operation.finish();
          return result;
        } catch (cause) {
          operation.fail(cause);
          throw cause;
        }
      }),
    );
  }

  /** Runs a body with the trace context of a received message. */
  #under<T>(call: Call, body: () => T): T {
    const { incomingContext } = this.#settings;
    const { runtime } = this.#telemetry;
    const meta = metaOf(call.params);
    if (incomingContext !== "ignore" && text(meta?.["traceparent"]) !== undefined) {
      if (runtime.runUnder === undefined) return body();
      return runtime.runUnder((name) => text(meta?.[name]), body, incomingContext);
    }
    // A stream that a request has opened delivers messages long after the span of that request has ended.
    const active = this.#telemetry.guard(() => runtime.activeSpan());
    if (active?.hasEnded !== true || runtime.runDetached === undefined) return body();
    return runtime.runDetached(body);
  }

  #operation(call: Call, side: Side, delivery: Delivery | undefined): MCPOperation {
    return new MCPOperation(this.#telemetry, this.#settings, call, side, () => ({
      network: delivery === undefined ? this.#network : this.#networkAt(delivery),
      version: versionIn(call) ?? delivery?.version ?? this.#knownVersion,
      sessionId: this.#sessionId,
    }));
  }

  /** Returns the network of a received message. The address of a server is known to its clients. */
  #networkAt({ network }: Delivery): Network {
    return network.transport !== "" ? network : { ...this.#network, address: "", port: undefined };
  }

  /** The version that the two sides agreed on, here or before this isolate started. */
  get #knownVersion(): string | undefined {
    return this.#version ?? text(Reflect.get(this.#transport, "protocolVersion"));
  }

  /** Returns the tool of the AI SDK that makes a call, if its span describes the call. */
  #toolOf(call: Call): RunningTool | undefined {
    const name = toolOf(call);
    const tool = this.#settings.separateToolSpans || name === undefined ? undefined : runningTool();
    if (tool === undefined || joined.has(tool.span) || !tool.span.isTraced) return undefined;
    // Clients of several servers put the name of the server before that of the tool.
    return tool.name === name || tool.name.endsWith(`_${name}`) ? tool : undefined;
  }

  #add(
    operations: Map<string, MCPOperation[]>,
    { id, method }: Call,
    operation: MCPOperation,
    unwatch?: () => void,
  ): void {
    const key = String(id);
    const open = operations.get(key);
    if (open === undefined) operations.set(key, [operation]);
    else open.push(operation);
    operation.onEnd = () => {
      const left = operations.get(key)?.filter((other) => other !== operation) ?? [];
      if (left.length > 0) operations.set(key, left);
      else operations.delete(key);
      unwatch?.();
    };
    operation.isHandshake = method === "initialize";
  }

  #answered(operations: Map<string, MCPOperation[]>, answer: Answer): void {
    // The SDKs take a number and its text for the same id.
    const [operation] = operations.get(String(answer.id)) ?? [];
    if (operation === undefined) return;
    if (operation.isHandshake && answer.result !== undefined) {
      this.#version = text(answer.result["protocolVersion"]);
      // A server without sessions has a connection for each request.
      const isOneRequest =
        this.#side === "server" &&
        this.#network.protocol === "http" &&
        this.#sessionId === undefined;
      if (!isOneRequest) this.#sessionStartMs = this.#telemetry.clock();
    }
    operation.answer(answer);
  }

  get #sessionId(): string | undefined {
    return text(Reflect.get(this.#transport, "sessionId"));
  }

  /** Stops the request that a notification cancels. */
  #stop(operations: Map<string, MCPOperation[]>, { params }: Call, how: Stop): void {
    operations.get(String(params?.["requestId"]))?.[0]?.stop(how);
  }

  #close(): void {
    for (const operation of [...this.#sent.values()].flat()) operation.stop("connection_closed");
    for (const operation of [...this.#received.values()].flat()) operation.stop("cancelled");
    const startMs = this.#sessionStartMs;
    if (startMs === undefined) return;
    this.#sessionStartMs = undefined;
    const { transport, protocol, address, port } = this.#network;
    const labels = {
      "mcp.protocol.version": this.#version,
      "network.protocol.name": protocol,
      "network.transport": transport,
      "server.address": address,
      "server.port": port === undefined ? undefined : String(port),
    };
    recordDuration(this.#side, "session", labels, (this.#telemetry.clock() - startMs) / 1000);
  }
}

/** Calls `listener` when a signal in the options of `send` aborts. Returns a function that stops it. */
function watch(options: unknown, listener: (reason: unknown) => void): (() => void) | undefined {
  const fields = record(options);
  const signal = fields?.["requestSignal"] ?? fields?.["signal"];
  if (!(signal instanceof AbortSignal)) return undefined;
  const aborted = () => listener(signal.reason);
  signal.addEventListener("abort", aborted, { once: true });
  return () => signal.removeEventListener("abort", aborted);
}

/** What the SDKs write when their own timeout, or an `AbortSignal.timeout()`, stops a request. */
const timeouts =
  /\b(request|initialization) timed out\b|^TimeoutError\b|due to timeout$|maximum total timeout exceeded/i;

/** Returns how a request was stopped, from the reason of its abort or the text that the SDKs make of one. */
function stopOf(reason: unknown): Stop {
  const message = text(reason) ?? text(record(reason)?.["message"]) ?? "";
  return isTimeout(reason) || timeouts.test(message) ? "timeout" : "cancelled";
}

type Observer = (first: unknown, second: unknown, handle: () => unknown) => unknown;

/** The handlers below the functions of {@link observeHandler}. */
const originals = new WeakMap<Method, Method>();

/** Observes each call of a handler that is set on a transport now or later. */
function observeHandler(
  transport: MCPTransport,
  key: "onmessage" | "onclose",
  observer: Observer,
): void {
  const observed = (value: unknown): unknown => {
    if (!isFunction(value)) return value;
    const handler = originals.get(value) ?? value;
    const replacement = function (this: unknown, ...args: unknown[]): unknown {
      const handle = () => Reflect.apply(handler, this, args);
      // The handler that is set now may call the one that was set before it.
      return replacement === current ? observer(args[0], args[1], handle) : handle();
    };
    originals.set(replacement, handler);
    return replacement;
  };
  const inherited = accessorOf(transport, key);
  let current: unknown;
  current = observed(transport[key]);
  if (inherited !== undefined) inherited.set.call(transport, current);
  Reflect.defineProperty(transport, key, {
    configurable: true,
    enumerable: true,
    get: () => (inherited === undefined ? current : inherited.get?.call(transport)),
    set: (value: unknown) => {
      current = observed(value);
      inherited?.set.call(transport, current);
    },
  });
}

interface Accessor {
  get?: (this: object) => unknown;
  set(this: object, value: unknown): void;
}

/** Returns the setter, and the getter if there is one, of a property that a class computes. */
function accessorOf(transport: object, key: string): Accessor | undefined {
  for (let owner: object | null = transport; owner !== null; owner = Object.getPrototypeOf(owner)) {
    const descriptor = Reflect.getOwnPropertyDescriptor(owner, key);
    if (descriptor !== undefined) {
      return descriptor.set === undefined ? undefined : (descriptor as Accessor);
    }
  }
  return undefined;
}
