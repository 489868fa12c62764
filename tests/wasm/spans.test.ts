import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import {
  Abi,
  counterNames,
  ErrorCode,
  Field,
  Operation,
  Outcome,
  Profile,
} from "../../bindings/core/abi.gen.ts";
import { SpanFields } from "../../bindings/core/span_fields.ts";
import { RawCore } from "./support/raw_core.ts";
import { SpanHost } from "./support/span_host.ts";

let raw: RawCore;
let host: SpanHost;
beforeEach(() => {
  raw = new RawCore();
  host = new SpanHost();
});

describe("the life of a span", () => {
  test("a span is opened once and ended once, and both are counted", () => {
    const span = raw.open();
    assert.notEqual(span, 0);
    assert.equal(raw.end(span), 0);
    const { spans_opened, spans_ended, ...others } = raw.counters();
    assert.deepEqual([spans_opened, spans_ended], [1, 1]);
    assert.ok(Object.values(others).every((count) => count === 0));
  });

  test("handles are not used again for the next span of their slot", () => {
    const first = raw.open();
    raw.end(first);
    const second = raw.open();
    assert.notEqual(second, first);
    assert.equal(second & (Abi.maxSpanSlots - 1), first & (Abi.maxSpanSlots - 1));
  });

  test("a second end is a counted no-op", () => {
    const span = raw.open();
    raw.end(span);
    assert.equal(raw.end(span), ErrorCode.alreadyEnded);
    assert.equal(raw.counters()["double_ends"], 1);
    assert.equal(raw.counters()["spans_ended"], 1);
  });

  const writes: Record<string, (span: number) => number> = {
    isotel_span_start: (span) => raw.exports.isotel_span_start(raw.context, span, 0),
    isotel_span_reserve: (span) => raw.exports.isotel_span_reserve(raw.context, span, 1, 10, 0),
    isotel_span_fit: (span) => raw.exports.isotel_span_fit(raw.context, span, 0, 0),
    isotel_span_first_chunk: (span) => raw.exports.isotel_span_first_chunk(raw.context, span, 1),
    isotel_span_status: (span) => raw.exports.isotel_span_status(raw.context, span, 1),
  };
  for (const [name, write] of Object.entries(writes)) {
    test(`${name} after the end is a counted no-op, on a stale handle another`, () => {
      const span = raw.open();
      raw.end(span);
      assert.equal(write(span), ErrorCode.alreadyEnded);
      assert.equal(raw.counters()["late_writes"], 1);
      for (const never of [0, 0xffffffff, 12_345]) {
        assert.equal(write(never), ErrorCode.staleHandle);
      }
      raw.open();
      raw.end(raw.open());
      assert.equal(raw.counters()["stale_handles"], 3);
    });
  }

  test("a span ended twice over leaves the next span of its slot alone", () => {
    const first = raw.open();
    raw.end(first);
    const second = raw.open();
    assert.ok(raw.end(first) < 0);
    assert.equal(raw.end(second), 0);
    assert.equal(raw.counters()["spans_ended"], 2);
  });

  test("unknown operations, profiles and outcomes are refused and counted", () => {
    for (const operation of [Object.keys(Operation).length, 255, 0xffffffff]) {
      assert.equal(raw.open(operation), 0);
    }
    assert.equal(raw.open(0, { flags: 2 << Abi.spanProfileShift }), 0);
    assert.equal(raw.open(0, { flags: 0xff << Abi.spanProfileShift }), 0);
    const span = raw.open();
    for (const outcome of [4, 0xffffffff]) {
      assert.equal(raw.end(span, outcome), ErrorCode.unknownOutcome);
    }
    assert.equal(raw.counters()["unknown_codes"], 7);
    assert.equal(raw.end(span), 0);
  });

  test("10,000 spans are open at most: one more gives up the oldest", () => {
    const open = Array.from({ length: 10_000 }, () => raw.open());
    assert.ok(open.every((span) => span !== 0));
    assert.equal(new Set(open.map((span) => span & (Abi.maxSpanSlots - 1))).size, 10_000);
    assert.notEqual(raw.open(), 0);
    assert.equal(raw.counters()["spans_evicted"], 1);
    assert.ok(raw.end(open[0] as number) < 0);
    assert.ok(raw.end(open[1] as number) >= 0);
    assert.notEqual(raw.open(), 0);
    assert.equal(raw.counters()["spans_evicted"], 1);
  });

  test("a context can be destroyed with spans open, and another works on", () => {
    const other = raw.exports.isotel_create();
    raw.exports.isotel_span_open(other, 0, 0, 0, 0, 0);
    raw.exports.isotel_destroy(other);
    raw.exports.isotel_destroy(0);
    assert.equal(raw.end(raw.open()), 0);
  });

  test("the counters of counters.def are there, each once", () => {
    assert.equal(raw.exports.isotel_counters(raw.context), counterNames.length);
    assert.equal(new Set(counterNames).size, counterNames.length);
    assert.deepEqual(Object.keys(host.core.counters()), [...counterNames]);
  });
});

describe("status", () => {
  const after = (outcome: number, ...statuses: number[]) => {
    const span = raw.open();
    for (const status of statuses) raw.exports.isotel_span_status(raw.context, span, status);
    assert.ok(raw.end(span, outcome) >= 0);
    return raw.result();
  };
  const { statusOk: ok, statusError: error, statusUnset: unset } = Abi;

  test("a span that finished has the status it was given, unset without one", () => {
    assert.equal(after(Outcome.finished), unset);
    assert.equal(after(Outcome.finished, ok), ok);
    assert.equal(after(Outcome.finished, error), error);
  });

  test("OK status is final: a later ERROR or UNSET is ignored, and so is a failure", () => {
    assert.equal(after(Outcome.finished, ok, error), ok);
    assert.equal(after(Outcome.finished, ok, unset), ok);
    assert.equal(after(Outcome.failed, ok), ok);
  });

  test("ERROR gives way to OK, UNSET overrides nothing", () => {
    assert.equal(after(Outcome.finished, error, ok), ok);
    assert.equal(after(Outcome.finished, error, unset), error);
  });

  test("a failure is an error, a cancellation and a truncation are not", () => {
    assert.equal(after(Outcome.failed), error);
    assert.equal(after(Outcome.cancelled), unset);
    assert.equal(after(Outcome.truncated), unset);
    assert.equal(raw.counters()["spans_truncated"], 1);
  });

  test("a status that is none changes nothing", () => {
    const span = raw.open();
    for (const status of [3, 0xffffffff]) {
      assert.equal(raw.exports.isotel_span_status(raw.context, span, status), ErrorCode.outOfRange);
    }
    raw.end(span);
    assert.equal(raw.result(), unset);
  });

  test("a host without status is told it as an attribute, none for unset", () => {
    const said = (outcome: number, status: number) => {
      const { span } = host.open(Operation.custom);
      host.core.setStatus(span, status);
      return host.end(span, outcome, { flags: Abi.statusAsAttribute });
    };
    assert.deepEqual(said(Outcome.finished, ok), { "otel.status_code": "OK" });
    assert.deepEqual(said(Outcome.failed, unset), { "otel.status_code": "ERROR" });
    assert.deepEqual(said(Outcome.failed, ok), { "otel.status_code": "OK" });
    assert.deepEqual(said(Outcome.finished, unset), {});
  });
});

describe("attributes of the table", () => {
  test("a chat span of the agents profile carries every field it is given under its key", () => {
    const { attributes, span } = host.open(Operation.chat, {
      fields: {
        integrationName: "ai-sdk",
        sdkOperationName: "doGenerate",
        agentId: "id",
        agentName: "agent",
        agentVersion: "1",
        conversationId: "conversation",
        providerName: "openai",
        requestModel: "model",
        outputType: "text",
        stream: 1,
        maxTokens: 10,
        temperature: 0.5,
        topP: 0.25,
        topK: 3,
        frequencyPenalty: -1,
        presencePenalty: 1,
        seed: 7,
        inputMessages: "[]",
        toolName: "not on a chat span",
      },
    });
    assert.deepEqual(attributes, {
      "gen_ai.operation.name": "chat",
      "cloudflare.agents.integration.name": "ai-sdk",
      "cloudflare.agents.operation.name": "doGenerate",
      "gen_ai.agent.id": "id",
      "gen_ai.agent.name": "agent",
      "gen_ai.agent.version": "1",
      "gen_ai.conversation.id": "conversation",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "model",
      "gen_ai.output.type": "text",
      "gen_ai.request.stream": true,
      "gen_ai.request.max_tokens": 10,
      "gen_ai.request.temperature": 0.5,
      "gen_ai.request.top_p": 0.25,
      "gen_ai.request.top_k": 3,
      "gen_ai.request.frequency_penalty": -1,
      "gen_ai.request.presence_penalty": 1,
      "gen_ai.request.seed": 7,
      "gen_ai.input.messages": "[]",
    });
    assert.deepEqual(
      host.end(span, Outcome.finished, {
        fields: {
          responseId: "response",
          responseModel: "model-1",
          finishReason: "stop",
          outputMessages: "[{}]",
          toolCount: 2,
          gatewayLogId: "log",
          inputTokens: 5,
          outputTokens: 6,
          cacheCreationInputTokens: 1,
          cacheReadInputTokens: 2,
          reasoningOutputTokens: 3,
          errorType: "only of failures",
        },
      }),
      {
        "gen_ai.response.id": "response",
        "gen_ai.response.model": "model-1",
        "cloudflare.agents.response.finish_reason": "stop",
        "gen_ai.output.messages": "[{}]",
        "cloudflare.agents.tool.count": 2,
        "cloudflare.ai_gateway.log.id": "log",
        "gen_ai.usage.input_tokens": 5,
        "gen_ai.usage.output_tokens": 6,
        "gen_ai.usage.cache_creation.input_tokens": 1,
        "gen_ai.usage.cache_read.input_tokens": 2,
        "gen_ai.usage.reasoning.output_tokens": 3,
        "cloudflare.agents.usage.total_tokens": 11,
      },
    );
  });

  test("the latest profile has its own keys, and the finish reason as a list", () => {
    const { attributes, span } = host.open(Operation.chat, {
      profile: Profile.latest,
      fields: { agentId: "has no key here", agentName: "agent", systemInstructions: "[]" },
    });
    assert.deepEqual(attributes, {
      "gen_ai.operation.name": "chat",
      "gen_ai.agent.name": "agent",
      "gen_ai.system_instructions": "[]",
    });
    assert.deepEqual(
      host.end(span, Outcome.finished, {
        fields: { finishReason: "stop", cacheCreationInputTokens: 1 },
      }),
      {
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.cache_write.input_tokens": 1,
      },
    );
  });

  test("a finish reason that is interned is written as its text, in both profiles", () => {
    for (const [profile, key, value] of [
      [Profile.agents, "cloudflare.agents.response.finish_reason", "größer"],
      [Profile.latest, "gen_ai.response.finish_reasons", ["größer"]],
    ] as const) {
      const { span } = host.open(Operation.chat, { profile });
      const fields = new SpanFields().verbatim(Field.finishReason, "größer");
      assert.deepEqual(host.close(span, Outcome.finished, fields), { [key]: value });
    }
  });

  test("a tool's span says that it is a function unless it is told otherwise", () => {
    const { attributes } = host.open(Operation.executeTool, { fields: { toolName: "weather" } });
    assert.deepEqual(attributes, {
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "weather",
      "gen_ai.tool.type": "function",
    });
    const other = host.open(Operation.executeTool, { fields: { toolType: "datastore" } });
    assert.equal(other.attributes["gen_ai.tool.type"], "datastore");
  });

  test("an approval is an execute_tool operation to agents and none to latest", () => {
    const state = { toolApprovalState: "approved" };
    assert.deepEqual(host.open(Operation.toolApproval, { fields: state }).attributes, {
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.type": "function",
      "cloudflare.agents.tool.approval.state": "approved",
    });
    assert.deepEqual(
      host.open(Operation.toolApproval, { fields: state, profile: Profile.latest }).attributes,
      {
        "gen_ai.tool.type": "function",
        "cloudflare.agents.tool.approval.state": "approved",
      },
    );
  });

  test("a custom span has no attributes but those of its end", () => {
    const { attributes, span } = host.open(Operation.custom, { fields: { agentName: "agent" } });
    assert.deepEqual(attributes, {});
    assert.deepEqual(
      host.end(span, Outcome.failed, { fields: { errorType: "Error", inputTokens: 1 } }),
      { "error.type": "Error" },
    );
  });

  test("numbers that are not finite and counts below zero are dropped and counted", () => {
    const { attributes, span } = host.open(Operation.chat, {
      fields: { temperature: Number.NaN, topP: Number.POSITIVE_INFINITY, topK: -1 },
    });
    assert.deepEqual(attributes, { "gen_ai.operation.name": "chat", "gen_ai.request.top_k": -1 });
    assert.deepEqual(
      host.end(span, Outcome.finished, {
        fields: { inputTokens: -5, outputTokens: Number.NEGATIVE_INFINITY },
      }),
      { "otel.dropped_attributes_count": 4 },
    );
    assert.equal(host.core.counters()["attributes_dropped_type"], 4);
  });

  test("cancelled and truncated spans say so, and name no error", () => {
    const fields = { errorType: "Error" };
    assert.deepEqual(host.end(host.open(Operation.chat).span, Outcome.cancelled, { fields }), {
      "cloudflare.agents.canceled": true,
    });
    assert.deepEqual(host.end(host.open(Operation.chat).span, Outcome.truncated, { fields }), {
      "cloudflare.agents.span.truncated": true,
    });
  });

  test("fields of a span that ended do not show on the next", () => {
    const { span } = host.open(Operation.chat);
    host.end(span, Outcome.cancelled, { fields: { responseId: "first", inputTokens: 3 } });
    const next = host.open(Operation.chat);
    assert.deepEqual(next.attributes, { "gen_ai.operation.name": "chat" });
    assert.deepEqual(host.end(next.span, Outcome.finished), {});
  });
});

describe("time to the first chunk", () => {
  const end = (startUnixMs: number, ...chunks: number[]) => {
    const { span } = host.open(Operation.chat, { startUnixMs });
    for (const chunk of chunks) host.core.firstChunk(span, chunk);
    return host.end(span, Outcome.finished)["gen_ai.response.time_to_first_chunk"];
  };

  test("the first note counts, in seconds since the start", () => {
    assert.equal(end(1000, 1250), 0.25);
    assert.equal(end(1000, 1250, 1300, 1100), 0.25);
    assert.equal(end(1000), undefined);
  });

  test("it is never negative, and a time that is none is none", () => {
    assert.equal(end(1000, 900), 0);
    assert.equal(end(1000, Number.NaN), undefined);
    assert.equal(end(1000, Number.NaN, 1500), 0.5);
    assert.equal(end(1000, Number.POSITIVE_INFINITY, 2000), 1);
  });
});

describe("usage of an operation", () => {
  test("it is the sum over its model calls, with the last one's finish reason", () => {
    const operation = host.open(Operation.invokeAgent);
    for (const [input, reason] of [
      [10, "tool-calls"],
      [20, "stop"],
    ] as const) {
      const { span } = host.open(Operation.chat, { parent: operation.span });
      const fields = new SpanFields().verbatim(Field.finishReason, reason);
      fields.number(Field.inputTokens, input).number(Field.outputTokens, 1);
      host.close(span, Outcome.finished, fields);
    }
    assert.deepEqual(host.end(operation.span, Outcome.finished), {
      "gen_ai.usage.input_tokens": 30,
      "gen_ai.usage.output_tokens": 2,
      "cloudflare.agents.usage.total_tokens": 32,
      "cloudflare.agents.response.finish_reason": "stop",
    });
  });

  test("calls of another parent, and of one that has ended, do not count", () => {
    const operation = host.open(Operation.invokeAgent);
    const other = host.open(Operation.invokeAgent);
    const { span } = host.open(Operation.chat, { parent: other.span });
    host.end(other.span, Outcome.finished);
    host.end(span, Outcome.finished, { fields: { inputTokens: 5 } });
    assert.deepEqual(host.end(operation.span, Outcome.finished), {});
  });

  test("an operation without calls has what the host says of it", () => {
    const { span } = host.open(Operation.invokeAgent);
    assert.deepEqual(
      host.end(span, Outcome.finished, { fields: { responseId: "r", totalTokens: 9 } }),
      {
        "gen_ai.response.id": "r",
        "cloudflare.agents.usage.total_tokens": 9,
      },
    );
  });
});
