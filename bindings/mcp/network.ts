import { record, text } from "../base/values.ts";

/** What is known of the network below a transport. Empty texts and undefined are not recorded. */
export interface Network {
  readonly transport: string;
  readonly protocol: string;
  readonly address: string;
  readonly port: number | undefined;
}

const unknown: Network = { transport: "", protocol: "", address: "", port: undefined };
const http: Network = { ...unknown, transport: "tcp", protocol: "http" };

const defaultPorts: Readonly<Record<string, number>> = {
  "http:": 80,
  "https:": 443,
  "ws:": 80,
  "wss:": 443,
};

/**
 * Returns the network of a client's transport, from the address that the transports of the SDKs keep. A transport in
 * memory or over RPC has none.
 */
export function networkOf(transport: object): Network {
  const fields = transport as Readonly<Record<string, unknown>>;
  const url = addressIn(fields["_url"]) ?? addressIn(fields["url"]);
  if (url === undefined) return isProcess(fields) ? { ...unknown, transport: "pipe" } : unknown;
  const { protocol, hostname, port } = url;
  const defaultPort = defaultPorts[protocol];
  if (defaultPort === undefined) return unknown;
  return {
    transport: "tcp",
    protocol: protocol.startsWith("ws") ? "websocket" : "http",
    address: hostname,
    port: port === "" ? defaultPort : Number(port),
  };
}

function addressIn(value: unknown): URL | undefined {
  if (value instanceof URL) return value;
  return typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
}

/** Whether a transport is that of the SDK for standard input and output. */
function isProcess(fields: Readonly<Record<string, unknown>>): boolean {
  return "_serverParams" in fields || ("_stdin" in fields && "_stdout" in fields);
}

/** What a server's transport says about a message: the HTTP request that carried it. */
export interface Delivery {
  readonly network: Network;
  /** The header `mcp-protocol-version`. */
  readonly version: string | undefined;
}

/** Reads the second argument of `onmessage`: `{ requestInfo: { headers } }` or `{ request }`. */
export function deliveryOf(extra: unknown): Delivery {
  const fields = record(extra);
  const request = fields?.["request"];
  const headers =
    request instanceof Request ? request.headers : record(fields?.["requestInfo"])?.["headers"];
  if (headers === undefined) return { network: unknown, version: undefined };
  const name = "mcp-protocol-version";
  const version = headers instanceof Headers ? headers.get(name) : record(headers)?.[name];
  return { network: http, version: text(version) };
}
