import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, afterEach } from "node:test";
import { gunzipSync } from "node:zlib";
import { type ReceivedPoint, readMetricsProtobuf } from "./metrics.ts";
import { type ReceivedBody, type ReceivedItem, readRequest, resourceIn } from "./requests.ts";

/** What the receiver does with one request. */
export interface Step {
  /** Default: 200. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Never answers. */
  readonly hangs?: boolean;
  /** Breaks the connection off. */
  readonly resets?: boolean;
}

export interface ReceivedRequest extends ReceivedBody {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes of the body, decompressed. */
  readonly bytes: number;
  /** Of metrics in protobuf. */
  readonly points: readonly ReceivedPoint[];
  /** Tells bodies apart. */
  readonly digest: string;
  readonly step: Step;
}

/** An OTLP receiver on the loopback interface that follows a script and keeps what it was sent. */
export interface Receiver {
  readonly url: string;
  /** In the order of their arrival, whatever was answered. */
  readonly requests: ReceivedRequest[];
  /** What is done with the next requests; after the last, and from the start, all are taken. */
  readonly script: Step[];
  /** What is done once the script is over. */
  otherwise: Step;
  /** Whether a body that was taken before is taken again, whatever the script says. */
  knowsBodies: boolean;
  /** Waits for so many requests in all. */
  arrived(count: number): Promise<void>;
  /** Waits for an item of which `isIt` is true, and returns it. `what` names it in the error. */
  item(what: string, isIt: (item: ReceivedItem) => boolean): Promise<ReceivedItem>;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const waiting: (() => void)[] = [];
  const server = createServer((request, response) => {
    void receive(receiver, request, response).then(() => {
      for (const check of waiting) check();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const until = <T>(find: () => T | undefined, missing: () => string): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(missing())), 15_000);
      const check = () => {
        const found = find();
        if (found === undefined) return;
        clearTimeout(timer);
        resolve(found);
      };
      waiting.push(check);
      check();
    });
  const items = () => receiver.requests.flatMap((request) => request.items);
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}`,
    requests: [],
    script: [],
    otherwise: {},
    knowsBodies: false,
    arrived: async (count) => {
      await until(
        () => (receiver.requests.length < count ? undefined : true),
        () => `${receiver.requests.length} of ${count} requests arrived`,
      );
    },
    item: (what, isIt) =>
      until(
        () => items().find(isIt),
        () => `no ${what} among ${items().map(({ name, status }) => `${name} ${status}`)}`,
      ),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return receiver;
}

/** The requests that were taken, once each: whoever knows the bytes of one again leaves it out. */
export function takenOnce(requests: readonly ReceivedRequest[]): ReceivedRequest[] {
  const known = new Set<string>();
  return requests.filter(
    ({ step: { status = 200, hangs, resets }, digest }) =>
      status === 200 &&
      hangs !== true &&
      resets !== true &&
      !known.has(digest) &&
      known.add(digest),
  );
}

/** Starts the receiver of a test file: it is closed after the last test, and forgets its requests after each. */
export async function receiverOfFile(): Promise<Receiver> {
  const receiver = await startReceiver();
  after(() => receiver.close());
  afterEach(() => {
    receiver.requests.length = 0;
  });
  return receiver;
}

async function receive(
  receiver: Receiver,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { headers, url: path = "", method } = request;
  const isCompressed = headers["content-encoding"] === "gzip";
  const body = isCompressed ? gunzipSync(Buffer.concat(chunks)) : Buffer.concat(chunks);
  const isJson = headers["content-type"] === "application/json";
  const digest = createHash("sha256").update(body).digest("hex");
  const isKnown =
    receiver.knowsBodies && takenOnce(receiver.requests).some((one) => one.digest === digest);
  const step = isKnown ? {} : (receiver.script.shift() ?? receiver.otherwise);
  const isMetrics = path.endsWith("/metrics");
  receiver.requests.push({
    ...(isMetrics
      ? { resource: isJson ? {} : resourceIn(body), items: [] }
      : readRequest(body, isJson, path.endsWith("/logs"))),
    points: isMetrics && !isJson ? readMetricsProtobuf(body) : [],
    digest,
    path: `${method} ${path}`,
    headers: headers as Record<string, string>,
    bytes: body.length,
    step,
  });
  if (step.resets === true) request.socket.destroy();
  else if (step.hangs !== true) {
    response.writeHead(step.status ?? 200, step.headers);
    response.end(step.body);
  }
}
