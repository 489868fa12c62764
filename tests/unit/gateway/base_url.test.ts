import assert from "node:assert/strict";
import { env } from "node:process";
import { afterEach, describe, test } from "node:test";
import {
  type AIGatewayProvider,
  type AIGatewayTarget,
  aiGatewayBaseURL,
  aiGatewayProviders,
} from "../../../bindings/gateway/base_url.ts";

const accountId = "0123456789abcdef0123456789ABCDEF";
const target = { accountId, gatewayId: "shop", provider: "openai" } as const;

function refusal(changed: Readonly<Record<string, unknown>>): string {
  try {
    aiGatewayBaseURL({ ...target, ...changed } as AIGatewayTarget);
  } catch (error) {
    assert.ok(error instanceof TypeError);
    assert.doesNotMatch(error.message, /\n/);
    return error.message;
  }
  return assert.fail(`nothing was thrown for ${JSON.stringify(changed)}`);
}

describe("the base URL of AI Gateway", () => {
  afterEach(() => {
    delete env["CLOUDFLARE_ACCOUNT_ID"];
    delete env["CLOUDFLARE_GATEWAY_ID"];
  });

  test("every provider has one, and so has each of the account's own", () => {
    assert.equal(aiGatewayProviders.length, 21);
    const own: AIGatewayProvider = "custom-my-models";
    for (const provider of [...aiGatewayProviders, own]) {
      const url = aiGatewayBaseURL({ ...target, provider });
      assert.equal(url, `https://gateway.ai.cloudflare.com/v1/${accountId}/shop/${provider}`);
    }
  });

  test("account and gateway come from variables where they are not given", () => {
    env["CLOUDFLARE_ACCOUNT_ID"] = "f".repeat(32);
    env["CLOUDFLARE_GATEWAY_ID"] = " from-env\n";
    const url = aiGatewayBaseURL({ provider: "compat" });
    assert.equal(url, `https://gateway.ai.cloudflare.com/v1/${"f".repeat(32)}/from-env/compat`);
    assert.match(aiGatewayBaseURL(target), /ABCDEF\/shop\/openai$/);
  });

  test("what stands in a path by itself is encoded", () => {
    const url = aiGatewayBaseURL({ ...target, gatewayId: "a+b?c#d%2Fé" });
    assert.equal(new URL(url).pathname, `/v1/${accountId}/a%2Bb%3Fc%23d%252F%C3%A9/openai`);
    assert.equal(new URL(url).search, "");
  });

  test("what is missing is named, with the variable that would do", () => {
    assert.equal(
      refusal({ accountId: undefined }),
      "isotel/gateway: accountId is missing: set the option accountId or the variable CLOUDFLARE_ACCOUNT_ID",
    );
    env["CLOUDFLARE_GATEWAY_ID"] = "  ";
    assert.match(
      refusal({ gatewayId: undefined }),
      /gatewayId is missing: .* CLOUDFLARE_GATEWAY_ID$/,
    );
  });

  test("a value that cannot be one is described, not shown", () => {
    const token = "Abc0123456789_secret-token-of-40-letters";
    assert.equal(
      refusal({ accountId: token }),
      "isotel/gateway: accountId is a string of 40 characters; it has to be the 32 hexadecimal digits of the account, as `wrangler whoami` shows them",
    );
    assert.match(refusal({ accountId: `${accountId}/x` }), /a string of 34 characters with "\/"; /);
    assert.match(refusal({ accountId: "" }), /accountId is an empty string; /);
    assert.match(refusal({ accountId: 12 }), /accountId is the number 12; /);
    env["CLOUDFLARE_ACCOUNT_ID"] = "not-hex";
    assert.match(
      refusal({ accountId: undefined }),
      /accountId \(the variable CLOUDFLARE_ACCOUNT_ID\) is a string of 7 characters; /,
    );
  });

  test("a gateway's name cannot lead elsewhere", () => {
    for (const gatewayId of ["a/b", "../x", "..", ".", "", "a\\b", "a b", "a\nb", "x".repeat(65)]) {
      assert.match(refusal({ gatewayId }), /^isotel\/gateway: gatewayId is .*; it has to be/);
    }
    assert.match(refusal({ gatewayId: "a/b" }), /a string of 3 characters with "\/"/);
    assert.match(refusal({ gatewayId: null }), /gatewayId is null; /);
  });

  test("an unknown provider is shown beside all there are", () => {
    for (const provider of [
      "open-ai",
      "OpenAI",
      "openai/v1",
      "custom-",
      "custom-a/b",
      "__proto__",
    ]) {
      const message = refusal({ provider });
      assert.ok(message.includes(`provider is ${JSON.stringify(provider)};`), message);
      assert.match(message, /compat, .*anthropic, .*openai, .*workers-ai$/);
    }
    assert.match(refusal({ provider: undefined }), /provider is undefined; /);
    assert.ok(refusal({ provider: "x".repeat(9999) }).length < 600);
    assert.doesNotMatch(refusal({ provider: "https://u:SECRETPW@h.example/" }), /SECRET/);
  });
});
