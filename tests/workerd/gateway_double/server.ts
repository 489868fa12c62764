import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  embeddingsAnswer,
  failureBody,
  type LanguageRequest,
  languageAnswer,
  languageEvents,
} from "../http_provider/protocol.ts";

/** A request as it arrived. */
export interface GatewayRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** AI Gateway on the loopback interface, with OpenAI behind it: `openai` and `compat` of one gateway of one account. */
export interface GatewayDouble {
  readonly url: string;
  /** The requests since the last call. */
  take(): GatewayRequest[];
  close(): Promise<void>;
}

export const account = "0123456789abcdef0123456789abcdef";
export const gateway = "shop+eu";
export const token = "test-token";
/** A model whose provider fails twice before it answers. */
export const flakyModel = "flaky";
/** A model that the gateway's fallback answers for. */
export const fallbackModel = "fallback";

type Json = Readonly<Record<string, unknown>>;

export async function startGateway(): Promise<GatewayDouble> {
  const state = new State();
  const server = createServer((request, response) => {
    void answer(request, response, state).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    take: () => state.requests.splice(0),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

class State {
  readonly requests: GatewayRequest[] = [];
  readonly cached = new Set<string>();
  count = 0;
  #upstreamCalls = 0;

  /** Whether the provider answers one of so many attempts. */
  upstreamAnswers(model: string, attempts: number): boolean {
    if (model !== flakyModel) return true;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      this.#upstreamCalls += 1;
      if (this.#upstreamCalls % 3 === 0) return true;
    }
    return false;
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, state: State) {
  const path = request.url ?? "";
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  const { headers } = request;
  state.requests.push({ path, headers, body });
  const base = `/v1/${account}/${encodeURIComponent(gateway)}/`;
  const [provider, ...rest] = path.startsWith(base) ? path.slice(base.length).split("/") : [];
  if (provider !== "openai" && provider !== "compat") {
    sendJson(response, 404, failureBody(404));
    return;
  }
  if (headers["cf-aig-authorization"] !== `Bearer ${token}`) {
    sendJson(response, 401, failureBody(401));
    return;
  }
  const asked = JSON.parse(body) as Json;
  const model = String(asked["model"]);
  state.count += 1;
  const told = {
    "cf-aig-log-id": `log-${state.count}`,
    "cf-aig-cache-status": cacheStatus(headers, state),
    "cf-aig-step": model === fallbackModel ? "1" : "0",
  };
  const attempts = Number(headers["cf-aig-max-attempts"] ?? 1);
  if (!state.upstreamAnswers(model, attempts)) {
    sendJson(response, 503, failureBody(503), told);
    return;
  }
  if (rest.join("/") === "embeddings") {
    sendJson(response, 200, embeddingsAnswer(1, model), told);
    return;
  }
  sendLanguage(response, rest.join("/"), asked, model, told);
}

function cacheStatus(headers: IncomingMessage["headers"], { cached }: State): string {
  const key = headers["cf-aig-cache-key"];
  if (key === undefined || headers["cf-aig-skip-cache"] === "true") return "MISS";
  const isHit = cached.has(String(key));
  cached.add(String(key));
  return isHit ? "HIT" : "MISS";
}

function sendLanguage(
  response: ServerResponse,
  path: string,
  asked: Json,
  model: string,
  told: Readonly<Record<string, string>>,
): void {
  const request: LanguageRequest = {
    api: path === "responses" ? "responses" : "chat",
    model,
    isStream: asked["stream"] === true,
    callsTool: false,
  };
  if (!request.isStream) {
    sendJson(response, 200, languageAnswer(request), told);
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream", ...told });
  for (const event of languageEvents(request)) response.write(event);
  response.end();
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: Json,
  told: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...told });
  response.end(JSON.stringify(body));
}
