import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import {
  embeddingsAnswer,
  errorEvent,
  failureBody,
  imageAnswer,
  type LanguageRequest,
  languageAnswer,
  languageEvents,
  openingEvents,
  speechAnswer,
  transcriptionAnswer,
} from "./protocol.ts";
import type { Script } from "./scripts.ts";

/**
 * A provider on the loopback interface that speaks the OpenAI protocol and does what each path's
 * script says. `arrived` is answered when the run's first request is there: who aborts a request
 * waits for it, because no time is long enough on a busy machine.
 */
export interface HttpProvider {
  /** Append `/SCRIPT/RUN/v1`: requests count per run. */
  readonly url: string;
  /** The paths asked for in a run, `arrived` left out. */
  requestsOf(run: string): readonly string[];
  close(): Promise<void>;
}

type Json = Readonly<Record<string, unknown>>;

interface Asked {
  readonly script: Script;
  /** Requests of this run so far, this one included; the tool's own are none. */
  readonly count: number;
  readonly path: string;
  readonly body: Json;
}

const headers = { "cf-aig-log-id": "log-1", "x-request-id": "req_1" };

export async function startHttpProvider(): Promise<HttpProvider> {
  const runs = new Map<string, string[]>();
  const arrivals = new EventEmitter().setMaxListeners(0);
  const server = createServer((request, response) => {
    void answer(request, response, runs, arrivals).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requestsOf: (run) => runs.get(run) ?? [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  runs: Map<string, string[]>,
  arrivals: EventEmitter,
): Promise<void> {
  const [, script = "", run = "", , ...rest] = (request.url ?? "").split("/");
  const path = rest.join("/");
  if (path === "arrived") {
    if (!runs.has(run)) await once(arrivals, run);
    sendJson(response, 200, {});
    return;
  }
  const body = await bodyOf(request);
  const asked = runs.get(run) ?? [];
  runs.set(run, asked);
  asked.push(path);
  arrivals.emit(run);
  if (path === "tool") {
    sendJson(response, 200, { found: "12 °C" });
    return;
  }
  const count = asked.filter((other) => other !== "tool").length;
  // No answer comes at once, so that the clock of a Worker moves on.
  await wait(3);
  await follow({ script: script as Script, count, path, body }, response);
}

async function follow(asked: Asked, response: ServerResponse): Promise<void> {
  const { script, count } = asked;
  switch (script) {
    case "bad_request":
      sendJson(response, 400, failureBody(400));
      return;
    case "down":
      sendJson(response, 500, failureBody(500), { "retry-after-ms": "2" });
      return;
    case "busy_once":
      if (count > 1) break;
      sendJson(response, 429, failureBody(429), { "retry-after": "0" });
      return;
    case "down_once":
      if (count > 1) break;
      sendJson(response, 503, failureBody(503), { "retry-after-ms": "2" });
      return;
    default:
  }
  await answerWell(asked, response);
}

async function answerWell(asked: Asked, response: ServerResponse): Promise<void> {
  const { script, path, body } = asked;
  const model = String(body["model"]);
  switch (path) {
    case "chat/completions":
    case "responses":
      await answerLanguage(asked, response);
      return;
    case "embeddings": {
      const { input } = body;
      const inputs = Array.isArray(input) ? input.length : 1;
      await sendWhole(response, script, embeddingsAnswer(inputs, `${model}-2026`));
      return;
    }
    case "images/generations":
      await sendWhole(response, script, imageAnswer);
      return;
    case "audio/speech":
      await sendBytes(response, script, Buffer.from(speechAnswer), "audio/mpeg");
      return;
    case "audio/transcriptions":
      await sendWhole(response, script, transcriptionAnswer);
      return;
    default:
      sendJson(response, 404, failureBody(404));
  }
}

async function answerLanguage(asked: Asked, response: ServerResponse): Promise<void> {
  const { script, path, body } = asked;
  const usesTools = script === "well" || script === "busy_once" || script === "down_once";
  const request: LanguageRequest = {
    api: path === "responses" ? "responses" : "chat",
    model: String(body["model"]),
    isStream: body["stream"] === true,
    callsTool: usesTools && body["tools"] !== undefined && !hasToolResult(body),
  };
  if (!request.isStream) {
    await sendWhole(response, script, languageAnswer(request));
    return;
  }
  const events = languageEvents(request);
  const begun = events.slice(0, openingEvents(request) + 2);
  switch (script) {
    case "error_event":
      await sendEvents(response, [...begun, errorEvent(request)], 1);
      response.end();
      return;
    case "reset":
      await sendEvents(response, begun, 1);
      await wait(5);
      response.socket?.resetAndDestroy();
      return;
    default:
      await sendEvents(response, events, script === "slow" ? 40 : 1);
      response.end();
  }
}

function hasToolResult(body: Json): boolean {
  const items = [body["messages"], body["input"]].flat() as (Json | undefined)[];
  return items.some(
    (item) => item?.["role"] === "tool" || item?.["type"] === "function_call_output",
  );
}

/** Events as a network hands them on: no piece ends where an event does, some within a character. */
async function sendEvents(
  response: ServerResponse,
  events: readonly Buffer[],
  intervalMs: number,
): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", ...headers });
  const all = Buffer.concat(events);
  const overlap = 9;
  let sent = 0;
  let end = 0;
  for (const event of events) {
    end += event.length;
    const to = Math.min(end + overlap, all.length);
    response.write(all.subarray(sent, to));
    sent = to;
    await wait(intervalMs);
    if (response.destroyed) return;
  }
}

async function sendWhole(response: ServerResponse, script: Script, body: Json): Promise<void> {
  await sendBytes(response, script, Buffer.from(JSON.stringify(body)), "application/json");
}

async function sendBytes(
  response: ServerResponse,
  script: Script,
  bytes: Buffer,
  contentType: string,
): Promise<void> {
  // A slow answer never comes: whoever asked leaves.
  if (script === "slow") await once(response, "close");
  if (response.destroyed) return;
  response.writeHead(200, {
    "content-type": contentType,
    "content-length": bytes.length,
    ...headers,
  });
  if (script === "reset") {
    response.write(bytes.subarray(0, bytes.length / 2));
    await wait(5);
    response.socket?.resetAndDestroy();
    return;
  }
  response.end(bytes);
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: Json,
  more: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers, ...more });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  // Audio comes as a form.
  if (request.headers["content-type"]?.startsWith("application/json") !== true) return {};
  return JSON.parse(Buffer.concat(chunks).toString()) as Json;
}
