import assert from "node:assert/strict";
import { env } from "node:process";
import { afterEach, describe, test } from "node:test";
import { configureAIGateway } from "../../../bindings/gateway/configure.ts";
import type { AIGatewayOptions } from "../../../bindings/gateway/options.ts";

const target = {
  accountId: "0123456789abcdef0123456789abcdef",
  gatewayId: "shop",
  provider: "openai",
} as const;

type Loose = Readonly<Record<string, unknown>>;

function headersOf(options: Loose): Record<string, string> {
  const { headers } = configureAIGateway({ ...target, ...options } as AIGatewayOptions);
  // What a runtime would refuse to send is no header.
  assert.deepEqual(Object.fromEntries(new Headers(headers)), headers);
  return headers;
}

function refusal(options: Loose): string {
  try {
    configureAIGateway({ ...target, ...options } as AIGatewayOptions);
  } catch (error) {
    assert.ok(error instanceof TypeError);
    assert.doesNotMatch(error.message, /\n|secret/);
    return error.message;
  }
  return assert.fail(`nothing was thrown for ${JSON.stringify(options)}`);
}

describe("the headers of AI Gateway", () => {
  afterEach(() => {
    delete env["CLOUDFLARE_API_TOKEN"];
  });

  test("nothing given, nothing sent", () => {
    assert.deepEqual(headersOf({}), {});
    assert.deepEqual(headersOf({ cache: {}, retry: {}, metadata: undefined }), {});
  });

  test("each setting is one header", () => {
    const cases: readonly (readonly [Loose, string, string])[] = [
      [{ cache: { ttlSeconds: 60 } }, "cache-ttl", "60"],
      [{ cache: { ttlSeconds: 0 } }, "cache-ttl", "0"],
      [{ cache: { key: "a b" } }, "cache-key", "a b"],
      [{ cache: { skip: true } }, "skip-cache", "true"],
      [{ retry: { maxAttempts: 5 } }, "max-attempts", "5"],
      [{ retry: { delayMs: 0 } }, "retry-delay", "0"],
      [{ retry: { backoff: "linear" } }, "backoff", "linear"],
      [{ collectLog: false }, "collect-log", "false"],
      [{ collectLogPayload: false }, "collect-log-payload", "false"],
      [{ customCost: { total: 0.1 } }, "custom-cost", '{"total_cost":0.1}'],
      [
        { customCost: { perTokenIn: 1e-7, perTokenOut: 0 } },
        "custom-cost",
        '{"per_token_in":1e-7,"per_token_out":0}',
      ],
      [{ eventId: "e-1" }, "event-id", "e-1"],
      [{ requestTimeoutMs: 1 }, "request-timeout", "1"],
      [{ metadata: {} }, "metadata", "{}"],
    ];
    for (const [options, name, value] of cases) {
      assert.deepEqual(headersOf(options), { [`cf-aig-${name}`]: value });
    }
  });

  test("metadata is JSON in ASCII, whatever its texts hold", () => {
    const metadata = { naïve: "日本 😀\n\u0000\u007f", "a b": -1.5e-9, yes: false };
    const header = headersOf({ metadata })["cf-aig-metadata"] ?? "";
    assert.match(header, /^[\x20-\x7e]+$/);
    assert.deepEqual(JSON.parse(header), metadata);
  });

  test("the token comes from an option or the variable, and false keeps it back", () => {
    env["CLOUDFLARE_API_TOKEN"] = "from-env";
    const authorization = (options: Loose) => headersOf(options)["cf-aig-authorization"];
    assert.equal(authorization({}), "Bearer from-env");
    assert.equal(authorization({ apiToken: "given" }), "Bearer given");
    assert.equal(authorization({ apiToken: false }), undefined);
  });

  test("the base URL is that of the provider", () => {
    const { baseURL } = configureAIGateway(target);
    assert.equal(baseURL, `https://gateway.ai.cloudflare.com/v1/${target.accountId}/shop/openai`);
  });

  test("a value that is not allowed is named by its option, with what would be", () => {
    const cases: readonly (readonly [Loose, RegExp])[] = [
      [
        { metadata: { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 } },
        /metadata has 6 entries; .* at most 5$/,
      ],
      [{ metadata: { a: { secret: 1 } } }, /metadata\["a"\] is an object; .* a string, a finite/],
      [
        { metadata: { a: "x".repeat(1_000_000) } },
        /headers have \d+ characters, 1000008 of them in cf-aig-metadata; they may have at most 65536/,
      ],
      [
        { cache: { ttlSecond: 60 } as object },
        /cache: there is no option "ttlSecond" \(its value is the number 60\)\. The nearest one is ttlSeconds/,
      ],
      [
        { retry: { attempts: 3 } as object },
        /retry: there is no option "attempts" .* one is maxAttempts/,
      ],
      [
        {
          customCost: { perTokenIn: 1, perTokenOut: 1, perToken: 1 } as object as { total: number },
        },
        /customCost: there is no option "perToken" .* nearest one is perTokenIn/,
      ],
      [{ metadata: { a: Number.NaN } }, /metadata\["a"\] is NaN/],
      [{ metadata: { a: undefined } }, /metadata\["a"\] is undefined/],
      [{ metadata: { a: 1n } }, /metadata\["a"\] is a bigint/],
      [{ metadata: { "cf.user_id": 1 } }, /metadata\["cf\.user_id"\] .* or begin with cf\./],
      [{ metadata: { "": 1 } }, /metadata\[""\]/],
      [{ metadata: [1] }, /metadata is a list of 1; it has to be an object/],
      [{ metadata: "secret" }, /metadata is a string of 6 characters; it has to be an object/],
      [{ cache: 3600 }, /cache is the number 3600; it has to be an object/],
      [{ cache: { ttlSeconds: 59 } }, /cache\.ttlSeconds .* seconds from 60 to 2678400/],
      [{ cache: { ttlSeconds: 60.5 } }, /cache\.ttlSeconds is the number 60\.5/],
      [{ cache: { ttlSeconds: "60" } }, /cache\.ttlSeconds is a string of 2 characters/],
      [{ cache: { key: "a\nb" } }, /cache\.key is a string of 3 characters with "\\n"; .* ASCII/],
      [{ cache: { key: "" } }, /cache\.key is an empty string/],
      [{ cache: { skip: "yes" } }, /cache\.skip .* true or false/],
      [{ retry: null }, /retry is null/],
      [{ retry: { maxAttempts: 6 } }, /retry\.maxAttempts .* attempts from 1 to 5/],
      [{ retry: { maxAttempts: 0 } }, /retry\.maxAttempts is the number 0/],
      [{ retry: { delayMs: 5001 } }, /retry\.delayMs .* milliseconds from 0 to 5000/],
      [{ retry: { backoff: "fast" } }, /retry\.backoff .* "constant", "linear" or "exponential"/],
      [{ collectLog: 1 }, /collectLog is the number 1; it has to be true or false/],
      [{ customCost: {} }, /customCost .* \{ perTokenIn, perTokenOut \} or \{ total \}/],
      [{ customCost: { perTokenIn: 1 } }, /customCost/],
      [{ customCost: { total: -1 } }, /customCost/],
      [{ customCost: { total: Number.POSITIVE_INFINITY } }, /customCost/],
      [{ eventId: "é" }, /eventId is a string of 1 characters with "é"/],
      [{ requestTimeoutMs: 0 }, /requestTimeoutMs .* milliseconds from 1 to/],
      [
        { apiToken: "Bearer secret" },
        /apiToken is a string of 13 characters with " "; .* without `B/,
      ],
      [{ apiToken: "secret\n" }, /apiToken is a string of 7 characters with "\\n"/],
      [{ apiToken: "" }, /apiToken is an empty string/],
      [{ fetch: "secret" }, /fetch is a string of 6 characters; it has to be a function/],
    ];
    for (const [options, expected] of cases) assert.match(refusal(options), expected);
  });
});
