import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const account = "0123456789abcdef0123456789abcdef";
export const token = "token-of-the-tests";

type Json = Readonly<Record<string, unknown>>;

/** A request that reached the API, other than those that read. */
export interface Written {
  readonly method: string;
  readonly path: string;
  readonly body: Json;
}

/** How the next request is refused. */
export interface Failure {
  readonly status: number;
  readonly message?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Requests with this method only. */
  readonly method?: string;
}

/** What there is in the account. */
export interface Account {
  queues: { queue_id: string; queue_name: string }[];
  namespaces: { id: string; title: string }[];
  destinations: Record<string, unknown>[];
  gateways: Record<string, unknown>[];
  jobs: Record<string, unknown>[];
}

/**
 * Cloudflare's API for one account on the loopback interface, as far as it is documented: bearer tokens, envelopes,
 * pages, conflicts and errors.
 */
export class ApiDouble {
  readonly written: Written[] = [];
  /** Paths and queries of the requests that read. */
  readonly reads: string[] = [];
  readonly account: Account = {
    queues: [],
    namespaces: [],
    destinations: [],
    gateways: [],
    jobs: [],
  };
  failure: Failure | undefined;
  /** What the gateway's settings become besides what was asked for. */
  alters: Json = {};
  #ids = 0;
  readonly #server = createServer((request, response) => {
    void this.#answer(request, response).catch(() => response.destroy());
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/client/v4`;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  /** An empty account that refuses nothing. */
  reset(): void {
    this.written.length = 0;
    this.reads.length = 0;
    this.failure = undefined;
    this.alters = {};
    for (const list of Object.values(this.account)) (list as unknown[]).length = 0;
  }

  #newId(): string {
    this.#ids += 1;
    return this.#ids.toString(16).padStart(32, "0");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const body = (text === "" ? {} : JSON.parse(text)) as Json;
    const { method = "GET" } = request;
    const url = new URL(request.url ?? "", "http://api");
    if (request.headers.authorization !== `Bearer ${token}`) {
      refuse(response, { status: 401, message: "Invalid API Token" });
      return;
    }
    if (this.failure !== undefined && (this.failure.method ?? method) === method) {
      refuse(response, this.failure);
      return;
    }
    const base = `/client/v4/accounts/${account}/`;
    if (!url.pathname.startsWith(base)) {
      refuse(response, { status: 404, message: "account not found" });
      return;
    }
    const path = url.pathname.slice(base.length);
    if (method === "GET") this.reads.push(`${path}${url.search}`);
    else this.written.push({ method, path, body });
    const answer = this.#route(method, path, url.searchParams, body);
    if ("status" in answer) refuse(response, answer);
    else send(response, 200, { success: true, errors: [], messages: [], ...answer });
  }

  #route(method: string, path: string, query: URLSearchParams, body: Json): Failure | Answer {
    const [collection = "", id] = split(path);
    switch (`${method} ${collection}${id === undefined ? "" : "/:id"}`) {
      case "GET queues":
        return page(this.account.queues, query, "per_page");
      case "POST queues":
        return this.#create(this.account.queues, "queue_name", {
          queue_id: this.#newId(),
          queue_name: String(body["queue_name"]),
        });
      case "GET storage/kv/namespaces":
        return page(this.account.namespaces, query, "per_page");
      case "POST storage/kv/namespaces":
        return this.#create(this.account.namespaces, "title", {
          id: this.#newId(),
          title: String(body["title"]),
        });
      case "GET workers/observability/destinations":
        return page(this.account.destinations, query, "perPage");
      case "POST workers/observability/destinations":
        return this.#create(this.account.destinations, "name", {
          ...body,
          slug: `${String(body["name"])}-slug`,
          scripts: [],
        });
      case "PATCH workers/observability/destinations/:id":
        return change(this.account.destinations, "slug", id, (found) => ({
          ...found,
          enabled: body["enabled"],
          configuration: {
            ...(found["configuration"] as Json),
            ...(body["configuration"] as Json),
          },
        }));
      case "DELETE workers/observability/destinations/:id":
        return remove(this.account.destinations, "slug", id);
      case "GET ai-gateway/gateways/:id":
        return change(this.account.gateways, "id", id, (found) => found);
      case "PUT ai-gateway/gateways/:id":
        // What is not sent is gone.
        return change(this.account.gateways, "id", id, ({ id, created_at }) => ({
          id,
          created_at,
          modified_at: "later",
          ...body,
          ...this.alters,
        }));
      case "GET logpush/jobs":
        return { result: this.account.jobs };
      case "POST logpush/jobs":
        return this.#create(this.account.jobs, "name", {
          id: this.account.jobs.length + 1,
          ...body,
        });
      case "PUT logpush/jobs/:id":
        return change(this.account.jobs, "id", id, (found) => ({ ...found, ...body }));
      default:
        return { status: 404, message: "no such route" };
    }
  }

  #create<T extends object>(list: T[], key: keyof T & string, item: T): Failure | Answer {
    if (list.some((known) => known[key] === item[key])) {
      return { status: 409, message: `${String(item[key])} already exists` };
    }
    list.push(item);
    return { result: item };
  }
}

interface Answer {
  readonly result: unknown;
  readonly result_info?: object;
}

const collections = [
  "queues",
  "storage/kv/namespaces",
  "workers/observability/destinations",
  "ai-gateway/gateways",
  "logpush/jobs",
];

function split(path: string): [string, string | undefined] {
  const collection = collections.find((name) => path === name || path.startsWith(`${name}/`));
  if (collection === undefined || path === collection) return [path, undefined];
  return [collection, decodeURIComponent(path.slice(collection.length + 1))];
}

function page(list: readonly unknown[], query: URLSearchParams, sizeName: string): Answer {
  const size = Math.min(Number(query.get(sizeName) ?? 20), 100);
  const number = Number(query.get("page") ?? 1);
  const result = list.slice((number - 1) * size, number * size);
  const result_info = { page: number, per_page: size, total_count: list.length };
  return { result, result_info };
}

function change(
  list: Record<string, unknown>[],
  key: string,
  id: string | undefined,
  make: (found: Record<string, unknown>) => Record<string, unknown>,
): Failure | Answer {
  const index = list.findIndex((item) => String(item[key]) === id);
  if (index < 0) return { status: 404, message: "not found" };
  list[index] = make(list[index] as Record<string, unknown>);
  return { result: list[index] };
}

function remove(
  list: Record<string, unknown>[],
  key: string,
  id: string | undefined,
): Failure | Answer {
  const index = list.findIndex((item) => item[key] === id);
  if (index < 0) return { status: 404, message: "not found" };
  return { result: list.splice(index, 1)[0] };
}

function refuse(response: ServerResponse, { status, message, headers }: Failure): void {
  const errors = message === undefined ? [] : [{ code: 10_000 + status, message }];
  send(response, status, { success: false, errors, messages: [], result: null }, headers);
}

function send(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}
