import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Collecting } from "../../../bindings/collector/collecting.ts";
import type { RedactedSpan } from "../../../bindings/collector/spans/redaction.ts";
import { receiverOfFile } from "../../otlp_receiver/receiver.ts";
import {
  assertAccounted,
  collectingTo,
  handedOn,
  MadeInvocation,
  play,
  recordedStream,
  type TailEvent,
} from "../support/collecting.ts";
import { received } from "../support/exporting.ts";
import { UserCode } from "../support/user_code.ts";

const receiver = await receiverOfFile();

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
      () => Promise.reject(new Error("a secret")),
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

/** What `redact` may do with the collector that asks it. */
interface Asked {
  readonly collecting: Collecting;
  readonly onset: Parameters<Collecting["begin"]>[0];
  /** Hands in the event that follows, which then does not come again. */
  handInNext(): void;
}

const otherInvocation = secretive();
const askedActions: Record<string, (asked: Asked) => unknown> = {
  "hands in the event after it": ({ handInNext }) => handInNext(),
  "hands in the onset again": ({ collecting, onset }) => collecting.begin(onset),
  "hands in another invocation": ({ collecting }) => play(collecting, otherInvocation.events),
  "completes what waits": ({ collecting }) => collecting.completeAll(),
};

/** The spans and lines of a stream, with `redact` doing something at one of the times it is asked. */
function playAsked(
  events: readonly TailEvent[],
  action: (asked: Asked) => unknown,
  place: { readonly target?: number; readonly afterEvent?: number },
) {
  const seen = new Set<number>();
  let current = 0;
  let take: ((event: TailEvent) => void) | undefined;
  const onset = events[0] as Asked["onset"];
  const handInNext = () => {
    const next = current + 1;
    const event = events[next];
    if (take === undefined || event === undefined) return;
    seen.add(next);
    take(event);
  };
  const code = new UserCode(place.target, () => action({ collecting, onset, handInNext }));
  const redact = (key: string, value: string) => {
    code.reach(`redact ${key}`);
    return value.replaceAll("secret", "***");
  };
  const to = collectingTo(undefined, { redact });
  const { collecting, pipeline } = to;
  const spans = handedOn(to);
  const logs: unknown[] = [];
  pipeline.addLog = (record) => void logs.push(record);
  const eventOf: number[] = [];
  for (const [i, event] of events.entries()) {
    if (seen.has(i)) continue;
    current = i;
    if (i === 0) take = collecting.begin(onset);
    else take?.(event);
    while (eventOf.length < code.points.length) eventOf.push(i);
    if (place.afterEvent === i) action({ collecting, onset, handInNext });
  }
  collecting.completeAll();
  assertAccounted(to);
  const sent = spans.map(({ name, kind, spanId, parentSpanId, attributes, events, status }) =>
    JSON.stringify(
      { name, kind, spanId, parentSpanId, attributes, events, status },
      (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value),
    ),
  );
  // Another invocation may end before or after the rest of an event.
  return { sent: sent.sort(), logs: logs.map((log) => JSON.stringify(log)).sort(), code, eventOf };
}

describe("redact that uses the collector", () => {
  const streams = { made: secretive().events, "of an AI SDK call": recordedStream("ai") };
  for (const [name, events] of Object.entries(streams)) {
    for (const [does, action] of Object.entries(askedActions)) {
      test(`and ${does}: a stream ${name} gives what it gives when that happens after the event`, () => {
        const { code, eventOf, sent } = playAsked(events, () => {}, {});
        assert.ok(sent.length > 0 && code.points.length > 10);
        for (const [target, what] of code.points.entries()) {
          const expected = playAsked(events, action, { afterEvent: eventOf[target] as number });
          const actual = playAsked(events, action, { target });
          assert.doesNotMatch(JSON.stringify([actual.sent, actual.logs]), /secret/, what);
          assert.deepEqual([actual.sent, actual.logs], [expected.sent, expected.logs], what);
        }
      });
    }
  }
});
