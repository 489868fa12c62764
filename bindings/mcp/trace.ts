import { reportOnce } from "../base/report_once.ts";
import { isFunction, record, shapeOf } from "../base/values.ts";
import { followTools } from "../trace/tool_span.ts";
import { workersTelemetry } from "../trace/workers_telemetry.ts";
import type { Side } from "./metrics.ts";
import { type MCPSettings, type MCPTelemetryOptions, readSettings } from "./options.ts";
import { type MCPTransport, traceTransport } from "./traced_transport.ts";

// At once, because a client may be made inside of a tool.
followTools();

/**
 * Records spans and metrics of a client of the Model Context Protocol: for each request and notification that it sends
 * or receives. Sends the context of its spans in `params._meta` and changes nothing else. The second call for one
 * client has no effect.
 *
 * ```ts
 * const client = traceMCPClient(new Client({ name: "shop", version: "1.0.0" }));
 * await client.connect(transport);
 * ```
 *
 * @param client a `Client` of the MCP SDK, a client of `@ai-sdk/mcp`, or `agent.mcp` of the agents package, whose
 *   present and future connections are traced.
 * @returns `client`.
 * @throws TypeError if `client` is none of these, or an option is invalid or does not exist.
 */
export function traceMCPClient<T extends object>(client: T, options?: MCPTelemetryOptions): T {
  const settings = readSettings(options);
  const kind = clientKindOf(client);
  if (kind === "manager") traceConnections(client, settings);
  else if (kind === "connected") traceCurrent(client, "client", settings);
  else if (kind === "protocol") traceProtocol(client, "client", settings);
  else {
    throw new TypeError(
      `isotel/mcp: traceMCPClient got ${describe(client)}; it takes a Client of @modelcontextprotocol/sdk or ` +
        "@modelcontextprotocol/client, the client that `await createMCPClient()` of @ai-sdk/mcp returns, or agent.mcp",
    );
  }
  return client;
}

/**
 * Records spans and metrics of a server of the Model Context Protocol: for each request and notification that it
 * receives or sends. The trace context in `params._meta` of a request makes the span of the client the parent. The
 * second call for one server has no effect.
 *
 * ```ts
 * const server = traceMCPServer(new McpServer({ name: "stock", version: "1.0.0" }));
 * ```
 *
 * @param server an `McpServer` or a `Server` of the MCP SDK, such as the property `server` of an `McpAgent`.
 * @returns `server`.
 * @throws TypeError if `server` is none of these, or an option is invalid or does not exist.
 */
export function traceMCPServer<T extends object>(server: T, options?: MCPTelemetryOptions): T {
  const settings = readSettings(options);
  const inner = fieldOf(server, "server");
  const protocol = isProtocol(inner) ? inner : server;
  if (!isProtocol(protocol) || clientKindOf(protocol) === "protocol") {
    throw new TypeError(
      `isotel/mcp: traceMCPServer got ${describe(server)}; it takes an McpServer or a Server of ` +
        "@modelcontextprotocol/sdk or @modelcontextprotocol/server",
    );
  }
  traceProtocol(protocol, "server", settings);
  return server;
}

/** Marks an object whose transports are traced, in every version of this package. */
const mark = Symbol.for("isotel.mcp");

/** Returns whether the object is marked for the first time. */
function isFirst(object: object): boolean {
  if (Reflect.get(object, mark) === true) return false;
  const isMarked = Reflect.defineProperty(object, mark, { value: true });
  if (!isMarked) {
    reportOnce(`isotel: ${describe(object)} is not traced over MCP, because it cannot be changed.`);
  }
  return isMarked;
}

type Method = (...args: unknown[]) => unknown;

/** A `Client` or `Server` of the MCP SDK. */
interface Protocol {
  connect: Method;
}

function isProtocol(value: unknown): value is Protocol & object {
  return (
    typeof value === "object" &&
    value !== null &&
    isFunction(fieldOf(value, "connect")) &&
    isFunction(fieldOf(value, "setRequestHandler"))
  );
}

/** Traces the transport of a client or server, and each that it connects to later. */
function traceProtocol(protocol: object, side: Side, settings: MCPSettings): void {
  if (!isFirst(protocol)) return;
  const { connect } = protocol as Protocol;
  const value: Method = (transport, ...rest) => {
    trace(transport, side, settings);
    const connected: unknown = Reflect.apply(connect, protocol, [transport, ...rest]);
    // A class may make its transport in `connect`.
    traceCurrent(protocol, side, settings);
    return connected;
  };
  Reflect.defineProperty(protocol, "connect", { value, configurable: true, writable: true });
  traceCurrent(protocol, side, settings);
}

/** Traces the transport that an object is connected to, if any. */
function traceCurrent(object: object, side: Side, settings: MCPSettings): void {
  trace(fieldOf(object, "transport"), side, settings);
}

function trace(transport: unknown, side: Side, settings: MCPSettings): void {
  if (!isTransport(transport)) return;
  workersTelemetry.guard(() => traceTransport(workersTelemetry, settings, side, transport));
}

function isTransport(value: unknown): value is MCPTransport {
  return isFunction(fieldOf(value, "send"));
}

/** Traces the client of each connection of a manager, also after the connection has replaced it. */
function traceConnections(manager: object, settings: MCPSettings): void {
  if (!isFirst(manager)) return;
  const connections = fieldOf(manager, "mcpConnections") as Record<string, unknown>;
  for (const connection of Object.values(connections)) traceConnection(connection, settings);
  const value = new Proxy(connections, {
    defineProperty(target, key, descriptor) {
      traceConnection(descriptor.value, settings);
      return Reflect.defineProperty(target, key, descriptor);
    },
  });
  Reflect.set(manager, "mcpConnections", value);
}

function traceConnection(connection: unknown, settings: MCPSettings): void {
  if (typeof connection !== "object" || connection === null || !isFirst(connection)) return;
  let client = fieldOf(connection, "client");
  const traced = (value: unknown): unknown => {
    if (isProtocol(value)) traceProtocol(value, "client", settings);
    return value;
  };
  traced(client);
  Reflect.defineProperty(connection, "client", {
    configurable: true,
    enumerable: true,
    get: () => client,
    set: (value: unknown) => {
      client = traced(value);
    },
  });
}

/** Returns what kind of client an object is: its fields tell, because bundles have several versions of each class. */
function clientKindOf(value: unknown): "manager" | "protocol" | "connected" | undefined {
  if (record(fieldOf(value, "mcpConnections")) !== undefined) return "manager";
  if (isProtocol(value)) return isFunction(fieldOf(value, "callTool")) ? "protocol" : undefined;
  const isClient = isFunction(fieldOf(value, "tools")) && isTransport(fieldOf(value, "transport"));
  return isClient ? "connected" : undefined;
}

function fieldOf(value: unknown, key: string): unknown {
  try {
    return record(value)?.[key];
  } catch {
    return undefined;
  }
}

function describe(value: unknown): string {
  if (value instanceof Promise) return "a promise; await it first";
  const name: unknown = Object.getPrototypeOf(Object(value))?.constructor?.name;
  return typeof value === "object" && value !== null && typeof name === "string"
    ? `an object of the class ${name.slice(0, 40)}`
    : shapeOf(value);
}
