import type { Span } from "../../../harness/spans.ts";

/** The kinds of differences between a span of isotel and the span of the `agents` package. */
export const kinds = ["only isotel", "only agents", "other value"] as const;

export interface Difference {
  /** First word of the span's name. */
  readonly span: string;
  /** Key of an attribute, or `span`, `name`, `status` or `end`. */
  readonly what: string;
  readonly kind: (typeof kinds)[number];
  /** Both values, for the message of a failed assertion. */
  readonly shown: string;
}

/** Attributes that are times. */
const timed = "gen_ai.response.time_to_first_chunk";

/** Returns the differences of all spans below two spans. */
export function differencesBelow(spans: readonly Span[], agents: Span, isotel: Span): Difference[] {
  const found: Difference[] = [];
  for (const [theirs, ours] of pairsBelow(spans, agents, isotel)) {
    const some = (ours ?? theirs) as Span;
    const [span = ""] = some.name.split(" ");
    const add = (what: string, kind: Difference["kind"], shown: unknown) =>
      found.push({ span, what, kind, shown: JSON.stringify(shown) });
    if (theirs === undefined || ours === undefined) {
      add("span", theirs === undefined ? "only isotel" : "only agents", some.name);
      continue;
    }
    if (theirs.name !== ours.name) add("name", "other value", [theirs.name, ours.name]);
    if (theirs.closed !== ours.closed) {
      add("end", ours.closed ? "only isotel" : "only agents", some.name);
    } else {
      if (theirs.status !== ours.status) add("status", "other value", [theirs.status, ours.status]);
      const keys = new Set([...Object.keys(theirs.attributes), ...Object.keys(ours.attributes)]);
      for (const key of keys) {
        const [their, our] = [theirs.attributes[key], ours.attributes[key]];
        if (their === undefined) add(key, "only isotel", our);
        else if (our === undefined) add(key, "only agents", their);
        else if (key !== timed && their !== our) add(key, "other value", [their, our]);
      }
    }
    found.push(...differencesBelow(spans, theirs, ours));
  }
  return found;
}

/** Pairs the children of two spans: those with the same name in their order, then those of the same operation. */
function pairsBelow(spans: readonly Span[], agents: Span, isotel: Span) {
  const childrenOf = ({ spanId }: Span) => spans.filter((span) => span.parentSpanId === spanId);
  const theirs = childrenOf(agents);
  const ours = childrenOf(isotel);
  const pairs: [Span | undefined, Span | undefined][] = [];
  const pair = (keyOf: (span: Span) => string | undefined) => {
    for (const their of [...theirs]) {
      const our = ours.find((span) => keyOf(span) === keyOf(their));
      if (our === undefined) continue;
      pairs.push([their, our]);
      theirs.splice(theirs.indexOf(their), 1);
      ours.splice(ours.indexOf(our), 1);
    }
  };
  pair(({ name }) => name);
  pair(({ name }) => name.split(" ")[0]);
  pairs.push(...theirs.map((span): [Span, undefined] => [span, undefined]));
  pairs.push(...ours.map((span): [undefined, Span] => [undefined, span]));
  return pairs;
}

/** Letters of the spans in the tables of docs/ai-sdk.md. */
const letters: Readonly<Record<string, string>> = {
  invoke_agent: "O",
  chat: "C",
  execute_tool: "T",
  embeddings: "E",
  rerank: "R",
  generate_content: "G",
};

/** An intended difference. */
export interface ListedDifference {
  readonly spans: readonly string[];
  readonly what: string;
  readonly kind: Difference["kind"];
  readonly why: string;
  /** The scenarios with the difference. Undefined if most of them have it. */
  readonly scenarios?: readonly string[];
}

/** Returns the row of a listed difference in the table of docs/ai-sdk.md. */
export function rowOf({ spans, what, kind, why }: ListedDifference): string {
  const where = spans.map((span) => letters[span] ?? span).join(" ");
  const isKey = /[._]/.test(what);
  return `| ${where} | ${isKey ? `\`${what}\`` : what} | ${kind} | ${why} |`;
}

const operation = ["invoke_agent"];
const chat = ["chat"];
const tool = ["execute_tool"];
const both = ["invoke_agent", "chat"];
const reason = ["an abort with a reason"];
const left = ["a stream that its reader leaves"];
const http = ["an HTTP error", "a retry"];
const cost = ["a cost that the provider reports"];
const hidden = ["content that is not to be recorded"];
const stopped = ["an abort of a stream"];
const unfinished = ["an abort while a tool runs", "an object that does not fit"];
const mcp = ["a tool that returns an error"];

/** Makes rows of several attributes with one reason. */
function rows(
  spans: readonly string[],
  whats: readonly string[],
  kind: Difference["kind"],
  why: string,
  scenarios?: readonly string[],
): ListedDifference[] {
  return whats.map((what) => ({ spans, what, kind, why, ...(scenarios && { scenarios }) }));
}

/** All differences from `agents` 0.32.0. docs/ai-sdk.md has the same list for users. */
export const listedDifferences: readonly ListedDifference[] = [
  ...rows(operation, ["span"], "only isotel", "Agent classes are traced.", [
    "ToolLoopAgent generates",
    "ToolLoopAgent streams",
  ]),
  ...rows(operation, ["span"], "only agents", "`isEnabled: false` disables the spans of a call.", [
    "telemetry that is disabled",
  ]),
  ...rows(
    chat,
    ["span"],
    "only isotel",
    "Models that are strings, and models that `prepareStep` returns, are traced.",
    ["a model that prepareStep chooses", "a model that is given as a string"],
  ),
  ...rows(
    ["embeddings", "rerank", "generate_content"],
    ["span"],
    "only isotel",
    "Functions that only call a model are traced.",
    ["embed and embedMany", "rerank", "generateImage"],
  ),
  ...rows(
    tool,
    ["span"],
    "only isotel",
    "Tools of the provider and of the client, and rejected calls, are traced.",
    ["tools of the provider", "input that the SDK rejects", "a tool of the client"],
  ),
  ...rows(
    both,
    ["status"],
    "other value",
    "An abort is a cancellation, whatever its reason. In `agents` it is an error if the reason is not an `AbortError`.",
    reason,
  ),
  ...rows(both, ["error.type"], "only agents", "A cancellation has no `error.type`.", reason),
  ...rows(
    both,
    ["cloudflare.agents.abort.reason"],
    "only isotel",
    "The reason of the abort.",
    reason,
  ),
  ...rows(
    both,
    ["cloudflare.agents.canceled"],
    "only isotel",
    "An abort with any reason, or a reader that leaves, cancels the spans.",
    [...reason, ...left, ...stopped],
  ),
  ...rows(
    chat,
    [
      "cloudflare.agents.response.finish_reason",
      "cloudflare.agents.usage.total_tokens",
      "gen_ai.usage.input_tokens",
      "gen_ai.usage.output_tokens",
    ],
    "only agents",
    "The span ends when the reader leaves. In `agents` it ends when the SDK has read the rest.",
    left,
  ),
  ...rows(
    chat,
    [
      "gen_ai.output.messages",
      "gen_ai.response.id",
      "gen_ai.response.model",
      "gen_ai.response.time_to_first_chunk",
    ],
    "only isotel",
    "A stream that is aborted keeps what has arrived.",
    stopped,
  ),
  ...rows(
    operation,
    [
      "cloudflare.agents.usage.total_tokens",
      "gen_ai.usage.input_tokens",
      "gen_ai.usage.output_tokens",
    ],
    "only isotel",
    "A call that fails or is aborted keeps the usage seen so far.",
    unfinished,
  ),
  ...rows(
    operation,
    ["cloudflare.agents.response.finish_reason"],
    "only agents",
    "A call with an error in its stream has failed. It has no finish reason.",
    ["an error inside a stream"],
  ),
  ...rows(chat, ["cloudflare.agents.step.number"], "only isotel", "The step of the call."),
  ...rows(
    both,
    ["cloudflare.agents.tool.count"],
    "only isotel",
    "Counts the tool calls of every answer and of all steps.",
  ),
  ...rows(
    both,
    ["http.response.status_code", "cloudflare.agents.error.code"],
    "only isotel",
    "The value from the provider's error response.",
    http,
  ),
  ...rows(
    both,
    ["cloudflare.agents.usage.cost.amount", "cloudflare.agents.usage.cost.currency"],
    "only isotel",
    "The [cost](#cost) of the call.",
    cost,
  ),
  ...rows(
    chat,
    ["cloudflare.agents.usage.cost.source"],
    "only isotel",
    "The source of the cost: `provider`, `gateway` or `prices`.",
    cost,
  ),
  ...rows(
    chat,
    ["cloudflare.ai_gateway.cache_status"],
    "only isotel",
    "Whether AI Gateway answered.",
    ["AI Gateway"],
  ),
  ...rows(
    both,
    ["gen_ai.output.type"],
    "other value",
    "`json` for an `output` with a schema, as for generateObject.",
    ["an output with a schema"],
  ),
  ...rows(
    both,
    ["gen_ai.provider.name"],
    "other value",
    "The kind of the model is removed from the names of custom providers.",
    ["providers with other names"],
  ),
  ...rows(
    operation,
    ["gen_ai.response.id", "gen_ai.response.model"],
    "only agents",
    "It is on the chat span. `agents` has no chat span for models that are strings.",
    ["a model that is given as a string"],
  ),
  ...rows(tool, ["status"], "other value", "A result with `isError: true` fails the span.", mcp),
  ...rows(
    tool,
    ["error.type"],
    "only isotel",
    "`tool_error` for a result with `isError: true`.",
    mcp,
  ),
  ...rows(
    operation,
    ["user.id"],
    "only isotel",
    "`userId` becomes `user.id`. `agents` knows only the key `user.id`.",
    ["userId"],
  ),
  ...rows(
    operation,
    ["cloudflare.agents.metadata.userId", "cloudflare.agents.runtime_context.userId"],
    "only agents",
    "`userId` becomes `user.id`.",
    ["userId", "user.id"],
  ),
  ...rows(
    operation,
    ["cloudflare.agents.metadata.tags", "cloudflare.agents.runtime_context.tags"],
    "only isotel",
    "Lists are recorded for any key.",
    ["identity and metadata"],
  ),
  ...rows(
    chat,
    ["gen_ai.input.messages", "gen_ai.output.messages"],
    "only agents",
    "`recordInputs: false` and `recordOutputs: false` are obeyed.",
    hidden,
  ),
  ...rows(
    tool,
    ["gen_ai.tool.call.arguments", "gen_ai.tool.call.result"],
    "only agents",
    "`recordInputs: false` and `recordOutputs: false` are obeyed.",
    hidden,
  ),
  ...rows(
    tool,
    ["gen_ai.tool.call.result"],
    "only isotel",
    "The result of a generator is its last value.",
    ["a generator tool"],
  ),
  ...rows(chat, ["gen_ai.input.messages"], "other value", "Media has its kind, type and size.", [
    "a conversation with media",
  ]),
  ...rows(
    chat,
    ["gen_ai.output.messages"],
    "other value",
    "Media as above. Blocks of a stream keep their order. A stream whose reader leaves has only what arrived.",
    ["reasoning, sources and files", "reasoning in a stream", ...left],
  ),
];
