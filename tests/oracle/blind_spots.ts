import { canceled, cut, failed, finished, type Outcome, truncated } from "./call_record.ts";
import type { Case } from "./dimensions.ts";
import type { ExpectedSpan } from "./expected_spans.ts";

/**
 * A fact that a way to observe calls does not report. The doc comments of bindings/ai/index.ts list these for users.
 */
interface BlindSpot {
  readonly name: string;
  applies(value: Case): boolean;
  /** Returns the spans that are accepted instead. */
  relax(expected: readonly ExpectedSpan[], value: Case): readonly ExpectedSpan[];
}

const usesHooks = ({ way }: Case) => !way.includes("wrap");
/** The channel observes a call before the hooks of an integration run. */
const usesChannel = ({ way }: Case) => usesHooks({ way } as Case) && way.includes("channel");
const isStream = ({ reader }: Case) => reader !== "-";

const requestFunctions: ReadonlySet<Case["fn"]> = new Set([
  "embed",
  "embedMany",
  "rerank",
  "generateSpeech",
  "transcribe",
]);

const attemptNames: ReadonlySet<string> = new Set(["chat", "generate_content"]);

function also(...outcomes: readonly Outcome[]) {
  return (expected: readonly ExpectedSpan[]) =>
    expected.map((span) => ({ ...span, outcomes: [...span.outcomes, ...outcomes] }));
}

/** The list may become shorter, never longer. */
const blindSpots: readonly BlindSpot[] = [
  {
    name: "functions without hooks",
    applies: (value) => {
      const { fn } = value;
      const hasNone =
        fn === "streamLanguageModelCall" || fn === "generateImage" || fn === "generateVideo";
      const isObject = fn === "generateObject" || fn === "streamObject";
      return usesHooks(value) && (hasNone || (isObject && value.way === "channel"));
    },
    relax: () => [],
  },
  {
    name: "the channel reports calls, not their requests",
    applies: (value) => usesChannel(value) && requestFunctions.has(value.fn),
    relax: (expected) => {
      const [first] = expected;
      if (first === undefined) return [];
      return [
        {
          ...first,
          outcomes: [...expected.flatMap(({ outcomes }) => outcomes), finished, failed],
          usage: undefined,
        },
      ];
    },
  },
  {
    name: "retries of functions without a hook for each attempt share one span",
    applies: (value) => {
      const functions = ["generateSpeech", "transcribe", "generateObject", "streamObject"];
      return usesHooks(value) && value.fault === "retryable" && functions.includes(value.fn);
    },
    relax: (expected) => {
      const attempts = expected.filter(({ operation }) => attemptNames.has(operation));
      const last = attempts.at(-1);
      return expected
        .filter((span) => !attempts.includes(span) || span === last)
        .map((span) =>
          span === last
            ? { ...span, outcomes: [...attempts.flatMap(({ outcomes }) => outcomes), failed] }
            : span,
        );
    },
  },
  {
    name: "hooks do not get the caller's signal",
    applies: (value) => {
      const isSignal = value.ender.startsWith("abort") || value.ender === "AbortSignal.timeout";
      return usesHooks(value) && isSignal;
    },
    relax: also(failed, canceled),
  },
  {
    name: "hooks do not see that a call that never settles was aborted",
    applies: (value) => {
      const isSignal = value.ender.startsWith("abort") || value.ender === "AbortSignal.timeout";
      return usesHooks(value) && isSignal && value.fault === "never" && !value.obeys;
    },
    relax: also(cut),
  },
  {
    name: "hooks do not get the error of a failed attempt to embed or to rerank",
    applies: ({ way, fn, fault }) => {
      const isRequest = fn === "embed" || fn === "embedMany" || fn === "rerank";
      return usesHooks({ way } as Case) && isRequest && fault === "retryable";
    },
    relax: also(failed),
  },
  {
    name: "hooks do not see a caller that leaves a stream, or never reads it",
    applies: (value) => {
      const leaves = ["break", "cancel", "tee", "disconnect", "return"].includes(value.ender);
      return usesHooks(value) && isStream(value) && (leaves || value.reader === "unread");
    },
    relax: (expected) =>
      also(
        truncated,
        cut,
        canceled,
        failed,
        finished,
      )(expected).map((span) => ({
        ...span,
        finishReason: undefined,
        usage: undefined,
        isOptional: span.operation !== "invoke_agent",
      })),
  },
  {
    name: "hooks do not see that an output does not fit, which is parsed after them",
    applies: (value) => {
      const isUnfit = value.place === "outputText" || value.place === "outputSchema";
      return usesHooks(value) && (isUnfit || value.fn === "generateObject");
    },
    relax: also(finished, failed),
  },
  {
    name: "streamObject has no hook for an abort, and none for errors that are not thrown",
    applies: (value) => usesHooks(value) && value.fn === "streamObject",
    relax: (expected) =>
      also(
        truncated,
        cut,
        finished,
        failed,
      )(expected).map(({ content: _, finishReason: __, ...span }) => span),
  },
  {
    name: "hooks do not see all errors of a stream outside of its model calls",
    applies: (value) => {
      const places = [
        "transform",
        "toModelOutput",
        "stopWhen",
        "approval",
        "prepareStep",
        "download",
      ];
      return usesHooks(value) && isStream(value) && places.includes(value.place);
    },
    relax: also(truncated, cut, finished, failed),
  },
  {
    name: "the channel reports that a stream has no output, not why",
    applies: (value) => usesChannel(value) && isStream(value),
    relax: also(failed),
  },
  {
    name: "hooks report tool calls that the SDK does not run when their step ends, the channel never for streams",
    applies: (value) => usesHooks(value) && isStream(value),
    relax: (expected) =>
      expected.map((span) => {
        const isTool = span.operation === "execute_tool";
        return isTool && span.isElsewhere === true ? { ...span, isOptional: true } : span;
      }),
  },
];

/** Returns the expected spans that the way to observe a case can report, and the names of its blind spots. */
export function withoutBlindSpots(
  value: Case,
  expected: readonly ExpectedSpan[],
): { readonly expected: readonly ExpectedSpan[]; readonly names: readonly string[] } {
  const found = blindSpots.filter((spot) => spot.applies(value));
  return {
    expected: found.reduce((spans, spot) => spot.relax(spans, value), expected),
    names: found.map(({ name }) => name),
  };
}
