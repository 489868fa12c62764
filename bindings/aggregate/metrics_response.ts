import { report } from "../base/report_once.ts";
import { readSnapshots, type SnapshotSource } from "./snapshots.ts";
import { isolateAggregate } from "./totals/aggregate.ts";

export interface MetricsResponseOptions extends SnapshotSource {
  /** What a scraper has to send as `Authorization: Bearer TOKEN`. */
  readonly scrapeToken?: string;
  /** Lets anybody scrape where there is no token. */
  readonly public?: boolean;
  /** The scheme of the Authorization header; `Bearer` unless given. */
  readonly scheme?: string;
  /** The origin that may read the answer from a browser, or `*`. */
  readonly cors?: string;
}

/**
 * Answers a scrape: the totals as Prometheus text, OpenMetrics, protobuf or JSON, whichever the Accept header asks for.
 *
 * 200 with an exposition, also where nothing has been recorded yet (`isotel_snapshots_missing`); 401 without the token,
 * 403 while there is neither a token nor `public`, 405 for another method than GET and HEAD, 503 with the reason when the
 * totals cannot be read. It never rejects.
 */
export async function metricsResponse(
  request: Request,
  options: MetricsResponseOptions,
): Promise<Response> {
  const { cors } = options;
  const response = await answer(request, options);
  response.headers.set("cache-control", "no-store");
  if (cors !== undefined) {
    response.headers.set("access-control-allow-origin", cors);
    if (cors !== "*") response.headers.append("vary", "Origin");
  }
  return response;
}

async function answer(request: Request, options: MetricsResponseOptions): Promise<Response> {
  const { method } = request;
  if (method === "OPTIONS" && options.cors !== undefined) return preflight();
  if (method !== "GET" && method !== "HEAD") {
    return text(405, "Metrics are read with GET.", { allow: "GET, HEAD" });
  }
  try {
    return (await refusal(request, options)) ?? (await exposition(request, options));
  } catch (cause) {
    report("isotel: a scrape failed.", cause);
    return text(503, `Metrics cannot be read. ${reason(cause)}`);
  }
}

function preflight(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": "GET, HEAD",
      "access-control-allow-headers": "Accept, Authorization",
      "access-control-max-age": "86400",
    },
  });
}

/** Why a scrape is not answered; undefined when it may be. */
async function refusal(
  { headers }: Request,
  { scrapeToken = "", public: isPublic = false, scheme = "Bearer" }: MetricsResponseOptions,
): Promise<Response | undefined> {
  if (scrapeToken === "") {
    if (isPublic) return undefined;
    return text(
      403,
      "Metrics are closed. Set `scrapeToken` (for one from `wrangler secret put`), or `public: true` to let anybody read them.",
    );
  }
  if (await isAuthorized(headers.get("authorization"), scheme, scrapeToken)) return undefined;
  const challenge = { "www-authenticate": `${scheme} realm="metrics"` };
  return text(401, "The token of this scrape is missing or wrong.", challenge);
}

async function exposition(request: Request, options: MetricsResponseOptions): Promise<Response> {
  const { host, pathname } = new URL(request.url);
  const snapshots = await readSnapshots(options, host + pathname);
  const present = snapshots.filter((snapshot) => snapshot !== undefined);

  const aggregate = isolateAggregate();
  const choice = aggregate.negotiate(request.headers.get("accept") ?? "");
  const headers = new Headers({
    "content-type": aggregate.contentType(choice),
    vary: "Accept, Accept-Encoding",
  });
  aggregate.merge(present);
  // A view on the module's memory, good until its next call. Response and Blob copy it at once.
  const body = aggregate.render(choice, snapshots.length - present.length, Date.now());
  const isHead = request.method === "HEAD";
  if (!wantsGzip(acceptEncoding(request))) {
    headers.set("content-length", String(body.length));
    return new Response(isHead ? null : body, { headers });
  }
  headers.set("content-encoding", "gzip");
  return new Response(isHead ? null : gzip(body), { headers, encodeBody: "manual" });
}

/** The client's own: what Workers are shown in the header is what Cloudflare's network accepts. */
function acceptEncoding({ cf, headers }: Request): string | null {
  const client = cf?.["clientAcceptEncoding"];
  return typeof client === "string" ? client : headers.get("accept-encoding");
}

function gzip(bytes: Uint8Array<ArrayBuffer>): ReadableStream {
  return new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
}

/** What may be told to whoever scrapes: isotel's own words, also those of an aggregator. */
function reason(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : "";
  return message.startsWith("isotel: ") ? message : "Storage failed.";
}

function text(status: number, body: string, headers: Record<string, string> = {}): Response {
  return new Response(`${body}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
  });
}

/** Whether an Accept-Encoding header prefers gzip to no encoding at all. */
export function wantsGzip(acceptEncoding: string | null): boolean {
  const weights = new Map<string, number>();
  for (const element of (acceptEncoding ?? "").split(",")) {
    const [coding = "", ...parameters] = element
      .split(";")
      .map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => /^q\s*=/.test(parameter))?.split("=")[1];
    // What is no number is no wish.
    if (coding !== "") weights.set(coding, weight === undefined ? 1 : Number(weight) || 0);
  }
  const gzip = weights.get("gzip") ?? weights.get("x-gzip") ?? weights.get("*") ?? 0;
  return gzip > 0 && gzip >= (weights.get("identity") ?? 0);
}

const encoder = new TextEncoder();

/**
 * Whether an Authorization header is the scheme and the token. The token is compared by its digest, in constant time.
 */
export async function isAuthorized(
  authorization: string | null,
  scheme: string,
  token: string,
): Promise<boolean> {
  const [, givenScheme = "", givenToken = ""] = /^(\S+) +(\S.*)$/.exec(authorization ?? "") ?? [];
  const [expected, given] = await Promise.all([digest(token), digest(givenToken.trimEnd())]);
  const isSame = isEqual(expected, given);
  return isSame && givenScheme.toLowerCase() === scheme.toLowerCase();
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", encoder.encode(text));
}

function isEqual(a: ArrayBuffer, b: ArrayBuffer): boolean {
  // Only the Workers runtime has it.
  if (typeof crypto.subtle.timingSafeEqual === "function")
    return crypto.subtle.timingSafeEqual(a, b);
  const [left, right] = [new Uint8Array(a), new Uint8Array(b)];
  let difference = left.length ^ right.length;
  left.forEach((byte, index) => {
    difference |= byte ^ (right[index] ?? 0);
  });
  return difference === 0;
}
