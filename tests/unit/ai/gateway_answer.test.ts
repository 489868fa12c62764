import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  completeGatewayAnswer,
  type GatewayAnswer,
  gatewayHeaders,
  mergeGatewayAnswers,
  noAnswer,
} from "../../../bindings/ai/calls/gateway_answer.ts";
import { sdks, textAnswer, textParts, wrapped } from "../support/ai_sdk.ts";
import { outcomeOf } from "../support/outcome.ts";
import { allEnded, attributesOf, recording } from "../support/tracing.ts";

/** What an answer says, without what it does not. */
function said(answer: GatewayAnswer): GatewayAnswer {
  return Object.fromEntries(Object.entries(answer).filter(([, value]) => value !== undefined));
}

const cases: readonly [Record<string, string>, GatewayAnswer][] = [
  [{}, {}],
  [{ "content-type": "application/json" }, {}],
  [{ "cf-aig-log-id": "log-1" }, { logId: "log-1" }],
  [{ "cf-aig-cache-status": "HIT" }, { cacheStatus: "HIT" }],
  [{ "cf-aig-step": "0" }, { step: 0 }],
  [
    { "cf-aig-step": "12", "cf-aig-cache-status": "MISS" },
    { step: 12, cacheStatus: "MISS" },
  ],
  [{ "cf-aig-step": "-1" }, {}],
  [{ "cf-aig-step": "1234567" }, {}],
  [{ "cf-aig-log-id": "" }, {}],
  [{ "cf-aig-log-id": "x".repeat(256) }, { logId: "x".repeat(256) }],
  [{ "cf-aig-log-id": "x".repeat(257) }, {}],
];

describe("the headers of AI Gateway", () => {
  for (const [headers, expected] of cases) {
    const shown = JSON.stringify(headers).slice(0, 60);
    test(`${shown} are read, of an object with names in any case and of Headers`, () => {
      assert.deepEqual(said(gatewayHeaders(headers)), expected);
      const inCapitals = Object.entries(headers).map(([name, value]) => [
        name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase()),
        value,
      ]);
      assert.deepEqual(said(gatewayHeaders(Object.fromEntries(inCapitals))), expected);
      assert.deepEqual(said(gatewayHeaders(new Headers(headers))), expected);
    });
  }

  test("that say nothing are no answer", () => {
    for (const headers of [undefined, null, "text", {}, new Headers()]) {
      assert.equal(gatewayHeaders(headers), noAnswer);
    }
  });

  for (const sdk of sdks) {
    test(`are on the chat span of ${sdk.name}, each without the others`, async () => {
      const keys = {
        "cf-aig-log-id": ["cloudflare.ai_gateway.log.id", "log-1"],
        "cf-aig-cache-status": ["cloudflare.ai_gateway.cache_status", "HIT"],
        "cf-aig-step": ["cloudflare.ai_gateway.step", 1],
      } as const;
      for (const [header, [key, value]] of Object.entries(keys)) {
        const tracing = recording();
        const { generateText } = wrapped(tracing.telemetry, sdk);
        const headers = { [header]: String(value) };
        const answer = () => ({ ...textAnswer()(), response: { headers } });
        await generateText({ model: sdk.model({ generate: [answer] }), prompt: "p" });
        const chat = attributesOf(tracing.runtime.spans[1]);
        const found = Object.entries(chat).filter(([name]) => name.includes("ai_gateway"));
        assert.deepEqual(found, [[key, value]]);
      }
    });

    test(`are on the chat span of ${sdk.name} in any case, of answers, streams and errors`, async () => {
      const headers = {
        "CF-AIG-Log-Id": "log-1",
        "Cf-Aig-Cache-Status": "HIT",
        "CF-AIG-STEP": "1",
      };
      const answer = () => ({ ...textAnswer()(), response: { headers } });
      const fail = () => {
        throw Object.assign(new Error("no"), { responseHeaders: headers });
      };
      for (const [way, model] of [
        ["generateText", sdk.model({ generate: [answer] })],
        ["streamText", sdk.model({ stream: [textParts("Hello")], headers })],
        ["generateText", sdk.model({ generate: [fail] })],
        ["streamText", sdk.model({ stream: [fail] })],
      ] as const) {
        const tracing = recording();
        const functions = wrapped(tracing.telemetry, sdk);
        const params = { model, prompt: "p", maxRetries: 0, onError() {} };
        if (way === "generateText") await outcomeOf(() => functions.generateText(params));
        else await functions.streamText(params).consumeStream();
        await allEnded(tracing);
        const chat = attributesOf(tracing.runtime.spans[1]);
        const found = Object.entries(chat).filter(([name]) => name.includes("ai_gateway"));
        assert.deepEqual(found, [
          ["cloudflare.ai_gateway.log.id", "log-1"],
          ["cloudflare.ai_gateway.cache_status", "HIT"],
          ["cloudflare.ai_gateway.step", 1],
        ]);
      }
    });
  }
});

describe("two answers", () => {
  const first = { logId: "a" };
  const second = { logId: "b", cacheStatus: "HIT", step: 1 };

  test("merge to the first that is known of each", () => {
    const merged = { logId: "a", cacheStatus: "HIT", step: 1 };
    assert.deepEqual(said(mergeGatewayAnswers(first, second)), merged);
    assert.deepEqual(said(mergeGatewayAnswers(second, first)), second);
  });

  test("of which one says nothing are the other", () => {
    assert.equal(mergeGatewayAnswers(first, noAnswer), first);
    assert.equal(mergeGatewayAnswers(noAnswer, second), second);
    assert.equal(completeGatewayAnswer(first, noAnswer), first);
  });

  test("are not mixed when they are of different requests", () => {
    assert.equal(completeGatewayAnswer(first, second), first);
    const same = { ...second, logId: "a" };
    assert.deepEqual(said(completeGatewayAnswer(first, same)), same);
  });
});
