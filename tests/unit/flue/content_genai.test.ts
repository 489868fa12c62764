import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { valueReaders } from "../../../bindings/flue/events/event.ts";
import { messageReaders } from "../../../bindings/flue/events/messages.ts";
import { FlueObserver } from "../../../bindings/flue/flue_observer.ts";
import {
  type EventContext,
  readEvents,
  scenariosGenAi,
  scenariosV1,
} from "../../flue/recordings.ts";
import { newHost } from "../support/flue.ts";
import { cyclic, revoked, untouchable } from "../support/hostile.ts";
import { RecordingSink } from "../support/recording_sink.ts";

const hostile: readonly unknown[] = [
  undefined,
  null,
  7n,
  "text",
  [null],
  {},
  { toJSON: 7n },
  cyclic(),
  untouchable(),
  revoked(),
];

/** Every path of properties in a value. */
function pathsIn(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [[...path]];
  const inner = Object.keys(value).flatMap((key) => pathsIn((value as never)[key], [...path, key]));
  return path.length === 0 ? inner : [[...path], ...inner];
}

function withValueAt(value: unknown, [key, ...rest]: readonly string[], to: unknown): unknown {
  if (key === undefined) return to;
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) };
  (copy as Record<string, unknown>)[key] = withValueAt((value as never)[key], rest, to);
  return copy;
}

function replay(events: readonly EventContext[], exported: (event: object) => object) {
  const sink = new RecordingSink();
  const observer = new FlueObserver(newHost(), sink, {
    semconv: "gen_ai",
    exportContent: exported,
  });
  for (const { event, ctx } of events) observer.observe(event, ctx);
  return { sink, diagnostics: observer.diagnostics() };
}

test("messages of failures and logs that are exported have no secrets of addresses", () => {
  const address = "https://u:SECRETPW@h.example/?token=SECRETQ";
  const exported = (event: object) =>
    JSON.parse(
      JSON.stringify(event, (key, value) =>
        ["message", "stack", "error"].includes(key) && typeof value === "string" ? address : value,
      ),
    ) as object;
  const recordings = [
    ...scenariosGenAi.map((scenario) => readEvents("v2.1.0", scenario)),
    ...scenariosV1.map((scenario) => readEvents("v1beta1", scenario)),
  ];
  const sinks = recordings.map((events) => replay(events, exported).sink);
  const logs = sinks
    .flatMap(({ spans }) => spans)
    .flatMap(({ events }) => events)
    .map(({ attributes }) => attributes["flue.log.message"]);
  const failures = sinks
    .flatMap(({ ended }) => ended)
    .flatMap(({ end }) => [end?.failure, end?.stack]);
  for (const told of [logs, failures]) {
    const texts = told.filter((text) => typeof text === "string" && text.includes("h.example"));
    assert.ok(texts.length > 0);
    assert.doesNotMatch(texts.join(), /SECRET/);
  }
});

describe("content as the conventions for generative AI have it", () => {
  test("whatever an application makes of it, the spans are there and what can be told is told", () => {
    const all = readEvents("v2.1.0", "edges");
    const subjects = all.filter(({ event }) => ["turn_request", "turn"].includes(event.type));
    assert.ok(subjects.length > 4);
    const whole = replay(all, (event) => event).sink.spans.length;
    let tried = 0;
    for (const subject of subjects.slice(0, 2)) {
      for (const path of pathsIn(subject.event)) {
        for (const value of hostile) {
          const { sink, diagnostics } = replay(all, (event) =>
            (event as EventContext["event"])["eventIndex"] === subject.event["eventIndex"]
              ? (withValueAt(event, path, value) as object)
              : event,
          );
          assert.equal(sink.spans.length, whole);
          assert.equal(diagnostics["open_spans"], 0);
          assert.equal(diagnostics["swallowed_errors"], 0, path.join("."));
          tried += 1;
        }
      }
    }
    assert.ok(tried > 300, `${tried}`);
  });

  test("a message without parts, an answer without a reason and a prompt without text say so or nothing", () => {
    const { inputMessages, outputMessages, agentInput, agentOutput, systemInstructions } =
      messageReaders;
    assert.equal(inputMessages?.([]), "[]");
    assert.equal(inputMessages?.("text"), undefined);
    assert.equal(inputMessages?.([{ role: "user" }]), '[{"role":"user","parts":[]}]');
    assert.equal(
      inputMessages?.([{ role: "toolResult", toolCallId: "c", content: "plain" }]),
      '[{"role":"tool","parts":[{"type":"tool_call_response","id":"c","response":"plain"}]}]',
    );
    assert.equal(outputMessages?.({ output: { content: [] } }), undefined);
    assert.equal(outputMessages?.({ finishReason: "stop" }), undefined);
    assert.equal(agentInput?.({}), undefined);
    assert.equal(agentOutput?.({ type: "structured", value: 1 }), undefined);
    assert.equal(systemInstructions?.(undefined), undefined);
  });

  test("an object is what has no class, or none but Object; anything else has attributes of its own", () => {
    const { object, noObject } = messageReaders;
    for (const value of [{}, { a: 1 }, Object.create(null)]) {
      assert.equal(typeof object?.(value), "string");
      assert.equal(noObject?.(value), undefined);
    }
    for (const value of [[], null, 7, "text", new Date(0), new Map()]) {
      assert.equal(object?.(value), undefined);
      assert.equal(typeof noObject?.(value), "string");
    }
  });
});

describe("values as the conventions for generative AI have them", () => {
  test("input tokens are all of them, and none where there is no count", () => {
    const { inputTokens } = valueReaders;
    assert.equal(inputTokens?.({ input: 10, cacheRead: 3, cacheWrite: 2, output: 9 }), 15);
    assert.equal(inputTokens?.({ input: 10, cacheRead: "3" }), 10);
    assert.equal(inputTokens?.({}), undefined);
    assert.equal(inputTokens?.(undefined), undefined);
  });

  test("the kind of OpenAI's interface is told of OpenAI alone", () => {
    const { openAiApi } = valueReaders;
    const of = (providerName: string, api: unknown) => openAiApi?.({ providerName, api });
    assert.equal(of("openai", "openai-completions"), "chat_completions");
    assert.equal(of("openai", "azure-openai-responses"), "responses");
    assert.equal(of("openai", "toString"), undefined);
    assert.equal(of("openai", 7), undefined);
    assert.equal(of("groq", "openai-completions"), undefined);
  });

  test("reasons to finish and types of errors", () => {
    const { finishReason, errorType, flag } = valueReaders;
    assert.deepEqual(finishReason?.("toolUse"), ["tool_call"]);
    assert.deepEqual(finishReason?.("aborted"), ["error"]);
    assert.deepEqual(finishReason?.("constructor"), ["constructor"]);
    assert.equal(finishReason?.(""), undefined);
    assert.equal(errorType?.({ isError: false, errorInfo: { type: "x" } }), undefined);
    assert.equal(errorType?.({ isError: true, errorInfo: { type: "x" } }), "x");
    assert.equal(errorType?.({ isError: true, response: { error: { type: "y" } } }), "y");
    assert.equal(errorType?.({ isError: true }), "_OTHER");
    assert.equal(flag?.("true"), undefined);
  });
});
