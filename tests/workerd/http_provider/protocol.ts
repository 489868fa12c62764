// Bodies of the OpenAI protocol as the service sends them: chat completions, responses, and what is no language model.

/** What a request to a language model asks for. */
export interface LanguageRequest {
  readonly api: "chat" | "responses";
  readonly model: string;
  readonly isStream: boolean;
  /** Answer with a call of the tool rather than with a text. */
  readonly callsTool: boolean;
}

type Json = Readonly<Record<string, unknown>>;

const deltas = ['{"answer"', ':"12 ', "°C, sí", '"}'];
const created = 1_780_000_000;
const toolCall = { id: "call_1", name: "look_up", arguments: '{"city":"Lisbon"}' };

/** An answer in one piece. */
export function languageAnswer(request: LanguageRequest): Json {
  return request.api === "chat" ? chatAnswer(request) : responsesAnswer(request);
}

/** The events of a streamed answer, each as the bytes of one server-sent event. */
export function languageEvents(request: LanguageRequest): Buffer[] {
  return request.api === "chat" ? chatEvents(request) : responsesEvents(request);
}

/** An error told inside of a stream that began well. */
export function errorEvent({ api }: LanguageRequest): Buffer {
  const error = { type: "server_error", code: "server_error", message: "a secret", param: null };
  return api === "chat"
    ? event({ error })
    : event({ type: "error", sequence_number: 9, error }, "error");
}

/** Events of the beginning that are no output yet. */
export function openingEvents({ api }: LanguageRequest): number {
  return api === "chat" ? 1 : 3;
}

export function failureBody(status: number): Json {
  const type = status < 500 ? "invalid_request_error" : "server_error";
  const code = status === 429 ? "rate_limit_exceeded" : null;
  return { error: { message: "a secret", type, param: null, code } };
}

export function embeddingsAnswer(inputs: number, model: string): Json {
  return {
    object: "list",
    data: Array.from({ length: inputs }, (_, index) => ({
      object: "embedding",
      index,
      embedding: [0.5, index],
    })),
    model,
    usage: { prompt_tokens: 2 * inputs, total_tokens: 2 * inputs },
  };
}

export const imageAnswer: Json = {
  created,
  data: [{ b64_json: "iVBORw0KGgo=" }],
  usage: {
    input_tokens: 6,
    output_tokens: 9,
    total_tokens: 15,
    input_tokens_details: { image_tokens: 0, text_tokens: 6 },
  },
};

export const transcriptionAnswer: Json = {
  text: "hello",
  usage: { type: "tokens", input_tokens: 11, output_tokens: 2, total_tokens: 13 },
};

export const speechAnswer: Uint8Array = new Uint8Array([255, 251, 144, 0, 1, 2, 3]);

function chatUsage() {
  return {
    prompt_tokens: 100,
    completion_tokens: 10,
    total_tokens: 110,
    prompt_tokens_details: { cached_tokens: 20 },
    completion_tokens_details: { reasoning_tokens: 2 },
  };
}

function chatAnswer({ model, callsTool }: LanguageRequest): Json {
  const { id, ...called } = toolCall;
  const message = callsTool
    ? { content: null, tool_calls: [{ id, type: "function", function: called }] }
    : { content: deltas.join("") };
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created,
    model: `${model}-2026`,
    choices: [
      {
        index: 0,
        message: { role: "assistant", ...message, refusal: null },
        logprobs: null,
        finish_reason: callsTool ? "tool_calls" : "stop",
      },
    ],
    usage: chatUsage(),
  };
}

function chatEvents({ model, callsTool }: LanguageRequest): Buffer[] {
  const chunk = (choices: Json[], usage: Json | null = null) =>
    event({
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      created,
      model: `${model}-2026`,
      choices,
      usage,
    });
  const choice = (delta: Json, finish_reason: string | null = null) =>
    chunk([{ index: 0, delta, logprobs: null, finish_reason }]);
  const { id, name } = toolCall;
  const half = toolCall.arguments.length / 2;
  const call = (part: Json) => choice({ tool_calls: [{ index: 0, ...part }] });
  const content = callsTool
    ? [
        call({ id, type: "function", function: { name, arguments: "" } }),
        call({ function: { arguments: toolCall.arguments.slice(0, half) } }),
        call({ function: { arguments: toolCall.arguments.slice(half) } }),
      ]
    : deltas.map((delta) => choice({ content: delta }));
  return [
    choice({ role: "assistant", content: callsTool ? null : "", refusal: null }),
    ...content,
    choice({}, callsTool ? "tool_calls" : "stop"),
    chunk([], chatUsage()),
    Buffer.from("data: [DONE]\n\n"),
  ];
}

function responsesUsage() {
  return {
    input_tokens: 100,
    input_tokens_details: { cached_tokens: 20 },
    output_tokens: 10,
    output_tokens_details: { reasoning_tokens: 2 },
    total_tokens: 110,
  };
}

function responsesAnswer({ model, callsTool }: LanguageRequest): Json {
  return {
    id: "resp_1",
    object: "response",
    created_at: created,
    status: "completed",
    error: null,
    incomplete_details: null,
    model: `${model}-2026`,
    output: [callsTool ? functionCall("completed") : message("completed", deltas.join(""))],
    usage: responsesUsage(),
  };
}

function responsesEvents({ model, callsTool }: LanguageRequest): Buffer[] {
  let sequence = 0;
  const tell = (type: string, rest: Json) => {
    sequence += 1;
    return event({ type, sequence_number: sequence, ...rest }, type);
  };
  const response = (rest: Json) => ({
    response: {
      id: "resp_1",
      object: "response",
      created_at: created,
      model: `${model}-2026`,
      error: null,
      incomplete_details: null,
      ...rest,
    },
  });
  const at = { item_id: callsTool ? "fc_1" : "msg_1", output_index: 0 };
  const item = callsTool ? functionCall : message;
  const half = toolCall.arguments.length / 2;
  const content = callsTool
    ? [toolCall.arguments.slice(0, half), toolCall.arguments.slice(half)].map((delta) =>
        tell("response.function_call_arguments.delta", { ...at, delta }),
      )
    : deltas.map((delta) =>
        tell("response.output_text.delta", { ...at, content_index: 0, delta, logprobs: [] }),
      );
  return [
    tell("response.created", response({ status: "in_progress", output: [] })),
    tell("response.in_progress", response({ status: "in_progress", output: [] })),
    tell("response.output_item.added", { output_index: 0, item: item("in_progress") }),
    ...content,
    tell("response.output_item.done", {
      output_index: 0,
      item: callsTool ? functionCall("completed") : message("completed", deltas.join("")),
    }),
    tell("response.completed", response({ status: "completed", usage: responsesUsage() })),
  ];
}

function functionCall(status: string): Json {
  const { id, ...call } = toolCall;
  const isDone = status === "completed";
  return {
    type: "function_call",
    id: "fc_1",
    call_id: id,
    status,
    ...call,
    ...(isDone ? {} : { arguments: "" }),
  };
}

function message(status: string, text?: string): Json {
  const content = text === undefined ? [] : [{ type: "output_text", text, annotations: [] }];
  return { type: "message", id: "msg_1", role: "assistant", status, content };
}

function event(data: Json, name?: string): Buffer {
  return Buffer.from(
    `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`,
  );
}
