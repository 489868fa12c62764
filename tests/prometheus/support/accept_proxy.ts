import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** The formats that Prometheus reads, each with the Accept header that asks for it. */
export const formats = [
  ["text", "text/plain;version=0.0.4"],
  ["open_metrics", "application/openmetrics-text;version=1.0.0"],
  [
    "protobuf",
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
  ],
] as const;

/** Passes scrapes on to a target and asks it for one format, whatever Prometheus prefers. */
export class AcceptProxy {
  readonly #server: Server;
  /** The content types of the answers, with their encoding. */
  readonly answers = new Set<string>();

  private constructor(target: URL, accept: string) {
    this.#server = createServer(({ headers }, response) => {
      const forwarded = { ...headers, host: target.host, accept };
      const outgoing = request(target.href, { headers: forwarded }, (answer) => {
        const { "content-type": type = "", "content-encoding": encoding = "identity" } =
          answer.headers;
        this.answers.add(`${type} ${encoding}`);
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      outgoing.once("error", () => response.destroy());
      outgoing.end();
    });
  }

  static async start(target: URL, accept: string): Promise<AcceptProxy> {
    const proxy = new AcceptProxy(target, accept);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): URL {
    const { port } = this.#server.address() as AddressInfo;
    return new URL(`http://127.0.0.1:${port}/metrics`);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
