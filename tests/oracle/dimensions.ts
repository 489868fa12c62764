const textFunctions = ["generateText", "streamText", "agent.generate", "agent.stream"] as const;
/** Functions whose calls have steps. */
const stepFunctions = [...textFunctions, "streamTextLowMemory"] as const;
const streamFunctions = ["streamText", "agent.stream"] as const;
const singleStreams = ["streamTextLowMemory", "streamObject", "streamLanguageModelCall"] as const;
const objectFunctions = ["generateObject", "streamObject"] as const;
const modelFunctions = [
  "embed",
  "embedMany",
  "rerank",
  "generateImage",
  "generateSpeech",
  "transcribe",
  "generateVideo",
] as const;
const timeouts = ["timeout total", "timeout step", "timeout chunk", "timeout tool"] as const;
const aborts = ["abort", "abort text", "abort Error", "abort own class"] as const;
const leavers = ["break", "cancel", "tee", "disconnect"] as const;
const toolScripts = ["tool", "tools"] as const;
const thrownAtOnce = [
  "Error",
  "TypeError",
  "own class",
  "non-error",
  "frozen",
  "AbortError",
  "TimeoutError",
] as const;
const thrown = [...thrownAtOnce, "late"] as const;
const toolPlaces = [
  "toolInput",
  "toolSchema",
  "tool",
  "toolIterator",
  "toolAnswer",
  "approval",
  "repair",
  "toModelOutput",
] as const;
const noFaultPlaces = ["nowhere", "conversion", "toolInput", "outputText"] as const;

/** Functions whose calls have an invoke_agent span. */
export const operationFunctions = [...stepFunctions, ...objectFunctions] as const;

/**
 * The dimensions of a call of the AI SDK, and the rules for combinations of their values.
 *
 * A case has one value of every dimension. A rule forbids pairs of values. The cases can cover every other pair.
 */
export const dimensions = {
  /** The function of the SDK. */
  fn: [...operationFunctions, "streamLanguageModelCall", ...modelFunctions],
  /** How isotel observes the call. */
  way: ["wrap", "register", "channel", "wrap+register", "wrap+channel", "register+channel"],
  /** The steps of the model's answers. */
  script: ["text", "blocks", "tool", "tools", "clientTool", "providerTool", "empty"],
  /** The place of the fault. */
  place: [
    "nowhere",
    "download",
    "conversion",
    "prepareStep",
    "request",
    "firstChunk",
    "midStream",
    "inBand",
    ...toolPlaces,
    "stopWhen",
    "outputText",
    "outputSchema",
    "transform",
    "onChunk",
    "onStepFinish",
    "onFinish",
    "onError",
    "onAbort",
  ],
  /** The value that is thrown at this place, or another fault. */
  fault: ["none", ...thrownAtOnce, "retryable", "late", "never"],
  /** The step of the fault. */
  step: [0, 1],
  /** The cause of the end of the call. */
  ender: [
    "nobody",
    "abort",
    "abort text",
    "abort Error",
    "abort own class",
    "AbortSignal.timeout",
    "timeout total",
    "timeout step",
    "timeout chunk",
    "timeout tool",
    "break",
    "cancel",
    "tee",
    "disconnect",
    "return",
  ],
  /** The time of the end. */
  when: [
    "-",
    "before",
    "request",
    "first chunk",
    "in a tool",
    "between steps",
    "finish part",
    "after",
  ],
  /** How the caller reads a stream. */
  reader: [
    "-",
    "fullStream",
    "textStream",
    "ui response",
    "text response",
    "consume",
    "promises",
    "unread",
  ],
  /** Whether models and tools stop when they are aborted. */
  obeys: [true, false],
  /** Whether isotel records content. */
  content: [true, false],
} as const;

export type Dimensions = typeof dimensions;
export type Dimension = keyof Dimensions;
export type Value<D extends Dimension> = Dimensions[D][number];

/** One call, as data. */
export type Case = { readonly [D in Dimension]: Value<D> } & {
  readonly major: 6 | 7;
  readonly seed: number;
};

type Rule = {
  readonly [D in Dimension]?: readonly Value<D>[];
};

interface Requirement {
  /** If the case has one of these values in each of the dimensions, ... */
  readonly given: Rule;
  /** ... it has one of these values in each of the others. */
  readonly needs: Rule;
}

function not<D extends Dimension>(
  dimension: D,
  ...values: readonly Value<D>[]
): readonly Value<D>[] {
  return (dimensions[dimension] as readonly Value<D>[]).filter((value) => !values.includes(value));
}

const requirements: readonly Requirement[] = [
  // Most places need a fault, and a fault needs a place.
  {
    given: { place: [...noFaultPlaces] },
    needs: { fault: ["none"] },
  },
  {
    given: { fault: ["none"] },
    needs: { place: [...noFaultPlaces] },
  },
  { given: { fault: ["retryable"] }, needs: { place: ["request"] } },
  {
    given: { fault: ["never"] },
    needs: { place: ["request", "firstChunk", "midStream", "tool", "toolIterator"] },
  },
  { given: { place: ["toolAnswer"] }, needs: { fault: ["Error"] } },
  { given: { place: ["inBand"] }, needs: { fault: not("fault", "late", "never", "retryable") } },
  { given: { place: ["toolSchema", "outputSchema"] }, needs: { fault: thrown } },
  // Work that never settles needs another end.
  {
    given: { fault: ["never"] },
    needs: { ender: ["return", ...aborts, "AbortSignal.timeout", ...timeouts] },
  },
  { given: { ender: ["return"] }, needs: { fault: ["never", "none"] } },
  // Parts of a call that only some functions have.
  {
    given: { fn: [...modelFunctions] },
    needs: {
      place: ["nowhere", "request"],
      script: ["text"],
      ender: ["nobody", ...aborts, "AbortSignal.timeout", "return"],
      when: ["-", "before", "request", "after"],
      step: [0],
    },
  },
  {
    given: { fn: [...objectFunctions] },
    needs: {
      place: [
        "nowhere",
        "download",
        "conversion",
        "request",
        "firstChunk",
        "midStream",
        "inBand",
        "outputText",
        "outputSchema",
        "onFinish",
        "onError",
      ],
      script: ["text", "empty"],
      step: [0],
      ender: not("ender", ...timeouts, "tee"),
      when: not("when", "in a tool", "between steps"),
    },
  },
  {
    given: { fn: ["streamLanguageModelCall"] },
    needs: {
      place: ["nowhere", "download", "request", "firstChunk", "midStream", "inBand"],
      step: [0],
      script: ["text", "blocks", "empty"],
      ender: not("ender", ...timeouts, "tee", "disconnect"),
      when: not("when", "in a tool", "between steps"),
      reader: ["fullStream", "unread"],
    },
  },
  { given: { fn: ["streamTextLowMemory"] }, needs: { ender: not("ender", "tee") } },
  {
    given: {
      place: ["firstChunk", "midStream", "inBand", "transform", "onChunk", "onError", "onAbort"],
    },
    needs: { fn: [...streamFunctions, ...singleStreams] },
  },
  {
    given: { place: ["transform", "onChunk", "onAbort"] },
    needs: { fn: ["streamText", "streamTextLowMemory"] },
  },
  {
    given: { place: ["onError"] },
    needs: { fn: ["streamText", "streamTextLowMemory", "streamObject"], ender: ["nobody"] },
  },
  {
    given: { place: ["onAbort"] },
    needs: { ender: [...aborts, "AbortSignal.timeout", ...timeouts] },
  },
  {
    given: {
      place: ["prepareStep", ...toolPlaces, "stopWhen"],
    },
    needs: { fn: [...stepFunctions] },
  },
  {
    given: { place: ["outputText", "outputSchema"] },
    needs: { fn: [...textFunctions, ...objectFunctions], script: ["text"] },
  },
  { given: { place: ["onStepFinish"] }, needs: { fn: [...stepFunctions] } },
  {
    given: { place: ["onFinish"] },
    needs: { fn: [...stepFunctions, "streamObject"] },
  },
  // Tools.
  {
    given: {
      place: [...toolPlaces],
    },
    needs: { script: toolScripts, step: [0] },
  },
  { given: { place: ["stopWhen"] }, needs: { script: toolScripts, step: [0] } },
  {
    given: { script: ["clientTool", "providerTool", "tool", "tools", "blocks"] },
    needs: { fn: [...stepFunctions, "streamLanguageModelCall"] },
  },
  {
    given: { script: ["tool", "tools", "clientTool", "providerTool"] },
    needs: { fn: [...stepFunctions] },
  },
  {
    given: { step: [1] },
    needs: {
      script: toolScripts,
      place: [
        "prepareStep",
        "download",
        "request",
        "firstChunk",
        "midStream",
        "inBand",
        "onChunk",
        "onStepFinish",
      ],
    },
  },
  { given: { script: ["empty"] }, needs: { place: ["nowhere"] } },
  // The cause and the time of the end.
  { given: { ender: ["nobody", "return"] }, needs: { when: ["-"] } },
  { given: { when: ["-"] }, needs: { ender: ["nobody", "return"] } },
  {
    given: { ender: ["AbortSignal.timeout", ...timeouts] },
    needs: { when: ["request", "first chunk", "in a tool"] },
  },
  {
    given: { ender: ["timeout chunk"] },
    needs: { fn: ["streamText", "agent.stream", "streamTextLowMemory"], when: ["first chunk"] },
  },
  { given: { ender: ["timeout step"] }, needs: { fn: [...stepFunctions] } },
  { given: { ender: ["timeout total"] }, needs: { fn: [...stepFunctions] } },
  {
    given: { ender: ["timeout tool"] },
    needs: { fn: [...stepFunctions], when: ["in a tool"] },
  },
  {
    given: { ender: leavers },
    needs: {
      fn: [...streamFunctions, ...singleStreams],
      when: ["first chunk", "between steps", "finish part"],
      fault: not("fault", "never"),
    },
  },
  { given: { ender: ["break", "cancel", "tee"] }, needs: { reader: ["fullStream", "textStream"] } },
  {
    given: { ender: ["disconnect"] },
    needs: { reader: ["ui response", "text response"], when: ["first chunk"] },
  },
  {
    given: { when: ["in a tool"] },
    needs: { script: toolScripts, fn: [...stepFunctions] },
  },
  {
    given: { when: ["between steps"] },
    needs: { script: toolScripts, fn: [...stepFunctions] },
  },
  {
    given: { when: ["first chunk", "finish part"] },
    needs: { fn: [...streamFunctions, ...singleStreams] },
  },
  {
    given: { when: ["between steps", "finish part"], ender: leavers },
    needs: { reader: ["fullStream"] },
  },
  { given: { when: ["finish part"] }, needs: { reader: ["fullStream"] } },
  // Readers.
  { given: { fn: [...streamFunctions, ...singleStreams] }, needs: { reader: not("reader", "-") } },
  { given: { reader: not("reader", "-") }, needs: { fn: [...streamFunctions, ...singleStreams] } },
  {
    given: { fn: ["streamObject"] },
    needs: { reader: ["fullStream", "textStream", "text response", "promises", "unread"] },
  },
  {
    given: { fn: ["streamTextLowMemory"] },
    needs: { reader: ["fullStream", "textStream", "ui response", "text response", "consume"] },
  },
  {
    given: { reader: ["unread"] },
    needs: { ender: ["nobody", "return", ...aborts], when: ["-", "before", "after"] },
  },
  {
    given: { place: ["onChunk", "onStepFinish", "onFinish", "onError", "onAbort", "transform"] },
    needs: { fault: thrown },
  },
];

/** Values of one major version only. */
const majors: Readonly<Record<6 | 7, Rule>> = {
  6: {
    fn: not("fn", "streamTextLowMemory", "streamLanguageModelCall"),
    way: ["wrap", "wrap+register"],
    ender: not("ender", "timeout tool"),
  },
  7: {},
};

function matches(rule: Rule, values: Partial<Case>): boolean {
  return (Object.keys(rule) as Dimension[]).every((dimension) => {
    const value = values[dimension];
    return value !== undefined && (rule[dimension] as readonly unknown[]).includes(value);
  });
}

function contradicts(rule: Rule, values: Partial<Case>): boolean {
  return (Object.keys(rule) as Dimension[]).some((dimension) => {
    const value = values[dimension];
    return value !== undefined && !(rule[dimension] as readonly unknown[]).includes(value);
  });
}

/** Returns whether the rules allow these values. They may be a part of a case. */
export function isAllowed(major: 6 | 7, values: Partial<Case>): boolean {
  if (contradicts(majors[major], values)) return false;
  return requirements.every(
    (rule) => !matches(rule.given, values) || !contradicts(rule.needs, values),
  );
}

/** The names of all dimensions. */
export const names = Object.keys(dimensions) as readonly Dimension[];

/** One line that names a case. `parseCase` reads it. */
export function nameOf(value: Case): string {
  return [value.major, value.seed, ...names.map((name) => `${name}=${value[name]}`)].join("; ");
}
