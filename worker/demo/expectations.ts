import type { AttributeValue, Span } from "../../tests/harness/spans.ts";

/** Spans that a scenario must deliver. A span may have more attributes than `attributes`. */
export interface Expectation {
  readonly name: string;
  /** The name of the parent span. */
  readonly parent: string;
  readonly count: number;
  readonly status?: Span["status"];
  readonly attributes?: Readonly<Record<string, AttributeValue | typeof anyNumber>>;
}

export const anyNumber: unique symbol = Symbol("any number");

/** Returns a sentence for each span that is missing, differs, never closed or is unexpected. */
export function problemsIn(spans: readonly Span[], expectations: readonly Expectation[]): string[] {
  return [
    ...expectations.flatMap((expectation) => missing(spans, expectation)),
    ...unexpected(spans, expectations),
    ...spans.filter((span) => !span.closed).map((span) => `"${span.name}" never closed.`),
  ];
}

function missing(spans: readonly Span[], expectation: Expectation): string[] {
  const { name, parent, count } = expectation;
  const placed = spans.filter((span) => isPlaced(spans, span, expectation));
  const found = placed.filter((span) => differences(span, expectation).length === 0).length;
  if (found === count) {
    return [];
  }
  const reasons = new Set(placed.flatMap((span) => differences(span, expectation)));
  const sentence = `Expected ${count} x "${name}" under "${parent}", found ${found}`;
  return [reasons.size === 0 ? `${sentence}.` : `${sentence}: ${[...reasons].join("; ")}.`];
}

/** Reports unexpected instrumented spans. Spans of the platform are ignored. */
function unexpected(spans: readonly Span[], expectations: readonly Expectation[]): string[] {
  return spans
    .filter((span) => span.attributes["gen_ai.operation.name"] !== undefined)
    .filter((span) => !expectations.some((expectation) => isPlaced(spans, span, expectation)))
    .map((span) => `"${span.name}" was not expected under "${parentOf(spans, span)?.name}".`);
}

function isPlaced(spans: readonly Span[], span: Span, { name, parent }: Expectation): boolean {
  return span.name === name && parentOf(spans, span)?.name === parent;
}

function parentOf(spans: readonly Span[], { parentSpanId }: Span): Span | undefined {
  return spans.find((span) => span.spanId === parentSpanId);
}

function differences(span: Span, { status, attributes = {} }: Expectation): string[] {
  const found: string[] = [];
  if (status !== undefined && span.status !== status) {
    found.push(`status is ${span.status}, not ${status}`);
  }
  for (const [key, expected] of Object.entries(attributes)) {
    const actual = span.attributes[key];
    const isMet = expected === anyNumber ? typeof actual === "number" : actual === expected;
    if (!isMet) {
      const wanted = expected === anyNumber ? "a number" : JSON.stringify(expected);
      found.push(`${key} is ${JSON.stringify(actual) ?? "absent"}, not ${wanted}`);
    }
  }
  return found;
}
