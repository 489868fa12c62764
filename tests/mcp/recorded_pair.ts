import {
  Client as ClientV2,
  InMemoryTransport as InMemoryTransportV2,
} from "@modelcontextprotocol/client";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport as InMemoryTransportV1 } from "@modelcontextprotocol/sdk/inMemory.js";
import { CreateMessageRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { serverV1, serverV2 } from "./servers.ts";

export type Version = "v1" | "v2";

export interface Transport {
  send(message: unknown, ...rest: unknown[]): Promise<void>;
}

/** A client and a server of the SDK, and what travels between them. */
export interface RecordedPair {
  readonly client: ClientV1;
  /** Every message as JSON, in order, with its sender. */
  readonly wire: readonly (readonly ["client" | "server", string])[];
  /** Waits until the server's tool `slow` runs. */
  slowRuns(): Promise<void>;
}

const info = { name: "shop", version: "1.0.0" };
const capabilities = { capabilities: { sampling: {} } };
const thought = { role: "assistant", model: "m", content: { type: "text", text: "So." } } as never;

export function newClient(version: Version): ClientV1 {
  if (version === "v2") {
    const client = new ClientV2(info, capabilities);
    client.setRequestHandler("sampling/createMessage", () => thought);
    return client as unknown as ClientV1;
  }
  const client = new ClientV1(info, capabilities);
  client.setRequestHandler(CreateMessageRequestSchema, () => thought);
  return client;
}

/**
 * Connects a client with a server of tests/mcp/servers.ts.
 *
 * @param trace called with each side's transport before it is connected.
 */
export async function recordedPair(
  version: Version,
  trace: (side: "client" | "server", transport: Transport) => void = () => {},
): Promise<RecordedPair> {
  const [near, far] =
    version === "v2"
      ? InMemoryTransportV2.createLinkedPair()
      : InMemoryTransportV1.createLinkedPair();
  const wire: ["client" | "server", string][] = [];
  for (const [side, transport] of [
    ["client", near],
    ["server", far],
  ] as const) {
    const { send } = transport as Transport;
    (transport as Transport).send = (message, ...rest) => {
      wire.push([side, JSON.stringify(message)]);
      return Reflect.apply(send, transport, [message, ...rest]);
    };
    trace(side, transport as Transport);
  }
  let run = () => {};
  const slowRuns = new Promise<void>((resolve) => {
    run = resolve;
  });
  const server = version === "v2" ? serverV2({ onSlow: run }) : serverV1({ onSlow: run });
  await server.connect(far as never);
  const client = newClient(version);
  await client.connect(near as never);
  return { client, wire, slowRuns: () => slowRuns };
}

/** Calls a tool. The versions of the SDK take the options at different places. */
export function callTool(client: ClientV1, request: object, options?: object): Promise<unknown> {
  const places = client instanceof ClientV1 ? [undefined, options] : [options];
  return Reflect.apply(client.callTool, client, [request, ...places]) as Promise<unknown>;
}

/** Sends a request with any method. */
export function request(client: ClientV1, method: string, params: object): Promise<unknown> {
  return client.request({ method, params } as never, z.looseObject({}));
}
