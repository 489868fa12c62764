import { report } from "../base/report_once.ts";
import { aggregatorStub, shardNames } from "../metrics/shards.ts";
import { metricsRecording } from "../slots/metrics_recording.ts";
import { missing, readSnapshots, type SnapshotSource } from "./snapshots.ts";
import { isolateAggregate } from "./totals/aggregate.ts";

export interface MetricsResponseOptions extends SnapshotSource {
  /** Token that a scraper must send as `Authorization: Bearer TOKEN`. */
  readonly scrapeToken?: string;
  /**
   * Token of a request that removes metrics, as `Authorization: Bearer TOKEN`. Without it, no request does. Removal
   * requires the option `aggregator`.
   */
  readonly adminToken?: string;
  /** Allows everyone to scrape if there is no token. Default: false. */
  readonly public?: boolean;
  /** Scheme of the Authorization header. Default: `Bearer`. */
  readonly scheme?: string;
  /** Origin that may read the response from a browser, or `*`. Default: none. */
  readonly cors?: string;
}

/**
 * Answers a scrape with the totals as Prometheus text, OpenMetrics, protobuf or JSON. The Accept header selects the
 * format. Removes metrics with `DELETE ?name=NAME`, and all with `DELETE ?all`. Never rejects.
 *
 * @returns A response with one of these statuses:
 * - 200: the exposition, even before anything was recorded (see `isotel_snapshots_missing`); after a removal
 *   `{"removed": number of series}`
 * - 400: the removal names no metric
 * - 401: the token is missing or wrong
 * - 403: neither a token nor `public` is set
 * - 405: the method is neither GET nor HEAD, nor DELETE with the option `adminToken`
 * - 503: the totals cannot be read or changed; the body has the reason
 */
export async function metricsResponse(
  request: Request,
  options: MetricsResponseOptions,
): Promise<Response> {
  const { cors } = options;
  metricsRecording()?.noteTransport();
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
  const { adminToken = "", scheme = "Bearer" } = options;
  if (method === "DELETE" && adminToken !== "") {
    return (await unauthorized(request, scheme, adminToken)) ?? (await removal(request, options));
  }
  if (method !== "GET" && method !== "HEAD") {
    const allow = adminToken === "" ? "GET, HEAD" : "GET, HEAD, DELETE";
    return text(405, "Metrics are read with GET.", { allow });
  }
  try {
    return (await refusal(request, options)) ?? (await exposition(request, options));
  } catch (cause) {
    report("isotel: a scrape failed.", cause);
    return text(503, `Metrics cannot be read. ${reason(cause)}`);
  }
}

async function removal(
  { url }: Request,
  { aggregator, shards = 1 }: MetricsResponseOptions,
): Promise<Response> {
  const { searchParams } = new URL(url);
  const name = searchParams.get("name") ?? undefined;
  if (name === "" || (name === undefined) !== searchParams.has("all")) {
    return text(400, "Add ?name=NAME to remove one metric, or ?all to remove all of them.");
  }
  try {
    if (aggregator === undefined) throw missing("aggregator", "namespace of TelemetryAggregator");
    const stubs = shardNames(shards).map((shard) => aggregatorStub(aggregator, shard));
    const removed = await Promise.all(stubs.map((stub) => stub.drop(name)));
    return Response.json({ removed: removed.reduce((sum, count) => sum + count, 0) });
  } catch (cause) {
    report("isotel: metrics could not be removed.", cause);
    return text(503, `Metrics could not be removed, or only a part of them. ${reason(cause)}`);
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

/** Returns the response that refuses a scrape. Undefined if the scrape is allowed. */
async function refusal(
  request: Request,
  { scrapeToken = "", public: isPublic = false, scheme = "Bearer" }: MetricsResponseOptions,
): Promise<Response | undefined> {
  if (scrapeToken === "") {
    if (isPublic) return undefined;
    return text(
      403,
      "Metrics are not public. Set `scrapeToken` to a secret from `wrangler secret put`, " +
        "or set `public: true` to allow everyone.",
    );
  }
  return unauthorized(request, scheme, scrapeToken);
}

async function unauthorized(
  { headers }: Request,
  scheme: string,
  token: string,
): Promise<Response | undefined> {
  if (await isAuthorized(headers.get("authorization"), scheme, token)) return undefined;
  const challenge = { "www-authenticate": `${scheme} realm="metrics"` };
  return text(401, "The token of this request is missing or wrong.", challenge);
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
  // A view of the module's memory, valid until the next call. Response and Blob copy it at once.
  const body = aggregate.render(choice, snapshots.length - present.length, Date.now());
  const isHead = request.method === "HEAD";
  if (!wantsGzip(acceptEncoding(request))) {
    headers.set("content-length", String(body.length));
    return new Response(isHead ? null : body, { headers });
  }
  headers.set("content-encoding", "gzip");
  return new Response(isHead ? null : gzip(body), { headers, encodeBody: "manual" });
}

/** Returns the Accept-Encoding of the client. In the header, Workers see what Cloudflare's network accepts. */
function acceptEncoding({ cf, headers }: Request): string | null {
  const client = cf?.["clientAcceptEncoding"];
  return typeof client === "string" ? client : headers.get("accept-encoding");
}

function gzip(bytes: Uint8Array<ArrayBuffer>): ReadableStream {
  return new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
}

/** Returns the reason to show to a scraper: only messages of isotel, including those of an aggregator. */
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

/** Returns whether an Accept-Encoding header prefers gzip to no encoding. */
export function wantsGzip(acceptEncoding: string | null): boolean {
  const weights = new Map<string, number>();
  for (const element of (acceptEncoding ?? "").split(",")) {
    const [coding = "", ...parameters] = element
      .split(";")
      .map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => /^q\s*=/.test(parameter))?.split("=")[1];
    // An invalid weight counts as 0.
    if (coding !== "") weights.set(coding, weight === undefined ? 1 : Number(weight) || 0);
  }
  const gzip = weights.get("gzip") ?? weights.get("x-gzip") ?? weights.get("*") ?? 0;
  return gzip > 0 && gzip >= (weights.get("identity") ?? 0);
}

const encoder = new TextEncoder();

/**
 * Returns whether an Authorization header has the scheme and the token. Compares digests of the tokens in constant
 * time.
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
  // Exists in the Workers runtime only.
  if (typeof crypto.subtle.timingSafeEqual === "function")
    return crypto.subtle.timingSafeEqual(a, b);
  const [left, right] = [new Uint8Array(a), new Uint8Array(b)];
  let difference = left.length ^ right.length;
  left.forEach((byte, index) => {
    difference |= byte ^ (right[index] ?? 0);
  });
  return difference === 0;
}
