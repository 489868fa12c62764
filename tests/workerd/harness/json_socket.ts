import type { LocalWorker } from "../../harness/start.ts";
import { within } from "../../harness/start.ts";

/** A client's end of a WebSocket on which JSON is spoken. */
export class JsonSocket<Message> {
  readonly #socket: WebSocket;
  readonly #received: Message[] = [];
  #notify = () => {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      this.#received.push(JSON.parse(String(data)) as Message);
      this.#notify();
    });
  }

  static async connect<Message>(app: LocalWorker, path: string): Promise<JsonSocket<Message>> {
    const url = new URL(path, app.url);
    url.protocol = "ws:";
    const socket = new WebSocket(url.href);
    const client = new JsonSocket<Message>(socket);
    const opened = new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", () => reject(new Error(`No WebSocket at ${path}.`)));
    });
    // Where the upgrade fails, the local server may never say so.
    await within(10_000, opened, `a WebSocket at ${path}`);
    return client;
  }

  send(message: unknown): void {
    this.#socket.send(JSON.stringify(message));
  }

  /** Waits for a message that is wanted and takes it, the last one, with all before it. */
  async next(isWanted: (message: Message) => boolean): Promise<Message[]> {
    for (let seen = 0; ; seen += 1) {
      while (seen === this.#received.length) {
        const more = new Promise<void>((resolve) => {
          this.#notify = resolve;
        });
        await within(10_000, more, `a message after ${JSON.stringify(this.#received.at(-1))}`);
      }
      if (isWanted(this.#received[seen] as Message)) return this.#received.splice(0, seen + 1);
    }
  }

  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#socket.addEventListener("close", () => resolve());
    });
    // Without a code, an agent of the agents package does not answer the close.
    this.#socket.close(1000);
    return within(5_000, closed, "the WebSocket to close");
  }
}
