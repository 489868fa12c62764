import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import type { RedactedSpan } from "../../../bindings/collector/redaction.ts";
import { type Receiver, startReceiver } from "../../otlp_receiver/receiver.ts";
import {
  assertAccounted,
  collectingTo,
  MadeInvocation,
  play,
  recordedStream,
} from "../support/collecting.ts";
import { received } from "../support/exporting.ts";

let receiver: Receiver;
before(async () => {
  receiver = await startReceiver();
});
after(() => receiver.close());
afterEach(() => {
  receiver.requests.length = 0;
});

/** Everything that has a text of a user's. */
function secretive(): MadeInvocation {
  const made = new MadeInvocation({
    info: { type: "fetch", method: "GET", url: "https://x.example/secret", headers: [] },
    attributes: [{ name: "app.onset", value: "a secret" }],
  });
  made.span(
    "work",
    { "app.text": "a secret", "app.list": ["a secret", "b"], "app.count": 3 },
    {
      inside: (id) => {
        const status = { code: "error", message: "a secret" } as const;
        made.event({ type: "spanUpdate", info: { type: "status", status } }, id);
        made.event({ type: "exception", name: "E", message: "a secret", stack: "a secret" }, id);
        made.event({ type: "log", level: "log", message: ["a secret"] }, id);
        const errorInfo = [{ name: "E", message: "a secret", stack: "a secret" }];
        made.event({ type: "log", level: "error", message: ["E: a secret"], errorInfo }, id);
      },
    },
  );
  return made.outcome();
}

async function sent(redact: (key: string, value: string) => string | undefined) {
  const to = collectingTo(receiver, { redact, otlp: { format: "json" } });
  play(to.collecting, secretive().events);
  assertAccounted(to);
  await to.collecting.flush();
  return { to, logs: await to.logs(), spans: await to.spans() };
}

describe("redact", () => {
  test("changes every text before it leaves", async () => {
    const { logs, spans, to } = await sent((_key, value) => value.replaceAll("secret", "***"));
    assert.doesNotMatch(JSON.stringify([logs, spans]), /secret/);
    const { attributes, status, events } = received(spans, "work");
    assert.deepEqual(attributes, {
      "app.text": "a ***",
      "app.list": ["a ***", "b"],
      "app.count": 3,
      "error.type": "E",
    });
    assert.deepEqual([status, events], [2, ["exception"]]);
    assert.equal(received(spans, "GET").attributes["url.path"], "/***");
    assert.deepEqual(
      logs.map(({ name }) => name),
      ["a ***", "E: a ***"],
    );
    assert.equal(to.counts.redact_failures, 0);
  });

  test("leaves out what it answers undefined for", async () => {
    const { logs, spans } = await sent(() => undefined);
    assert.doesNotMatch(JSON.stringify([logs, spans]), /secret/);
    assert.deepEqual(received(spans, "work").attributes, {
      "app.list": [],
      "app.count": 3,
      "error.type": "E",
    });
    assert.deepEqual(
      logs.map(({ name, attributes }) => [name, attributes]),
      [
        ["", {}],
        ["", { "exception.type": "E" }],
      ],
    );
  });

  test("that throws or answers with no text leaves the value out, and is counted", async () => {
    const answers = [
      () => {
        throw new Error("a secret");
      },
      () => 7,
      () => ({ toString: () => "a secret" }),
    ];
    for (const answer of answers) {
      const { logs, spans, to } = await sent(answer as never);
      assert.doesNotMatch(JSON.stringify([logs, spans]), /secret/);
      assert.ok(to.counts.redact_failures > 8, String(to.counts.redact_failures));
      assert.equal(spans.length, 2);
      receiver.requests.length = 0;
    }
  });

  test("is told of the key and the span", () => {
    const seen: [string, RedactedSpan][] = [];
    const redact = (key: string, value: string, span: RedactedSpan) => {
      seen.push([key, { ...span, name: span.name, service: span.service }]);
      return value;
    };
    const to = collectingTo(undefined, { redact });
    const made = secretive();
    play(to.collecting, made.events);
    const keys = seen.map(([key]) => key);
    for (const key of [
      "app.onset",
      "app.text",
      "app.list",
      "status.message",
      "exception.message",
      "exception.stacktrace",
      "log.body",
      "url.path",
    ]) {
      assert.ok(keys.includes(key), key);
    }
    const [, span] = seen.find(([key]) => key === "app.text") as [string, RedactedSpan];
    assert.deepEqual([span.name, span.service], ["work", "shop"]);
    assert.match(span.spanId, /^[0-9a-f]{16}$/);
    assert.match(span.traceId, /^[0-9a-f]{32}$/);
  });

  test("sees the texts of recorded streams", async () => {
    const to = collectingTo(receiver, { redact: () => "x" });
    play(to.collecting, recordedStream("ai"));
    const texts = (await to.spans()).flatMap(({ attributes }) =>
      Object.entries(attributes).filter(([, value]) => typeof value === "string"),
    );
    assert.ok(texts.length > 50);
    // What the collector says by itself is no text of the Worker's.
    const own = ["cloudflare.outcome", "error.type"];
    for (const [key, value] of texts) if (!own.includes(key)) assert.equal(value, "x", key);
  });
});
