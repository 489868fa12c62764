import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { LocalWorker } from "../../harness/start.ts";

/** An address of a Worker that is not the first: the harness listens for that one alone. */
export interface Listener {
  readonly url: string;
  close(): Promise<void>;
}

/** Hands GET requests on to a Worker, and its answers back. */
export async function listenFor(worker: LocalWorker, name: string): Promise<Listener> {
  const server = createServer(({ url = "/", headers }, response) => {
    const { authorization = "", accept = "*/*" } = headers;
    worker.fetchFrom(name, url, { headers: { authorization, accept } }).then(
      async (answer) => {
        response.writeHead(answer.status, Object.fromEntries(answer.headers));
        response.end(Buffer.from(await answer.arrayBuffer()));
      },
      (error: unknown) => response.writeHead(502).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
