import assert from "node:assert/strict";
import type { Span } from "../../harness/spans.ts";
import { buildTree, type SpanNode, treeLines, walk } from "../../harness/tree.ts";

/** The spans as they would be drawn, for the message of a failed assertion. */
export function describeSpans(spans: readonly Span[]): string {
  const lines = buildTree(spans).flatMap(treeLines);
  return lines
    .map(({ prefix, node: { span } }) => {
      const marks = [span.status, ...(span.closed ? [] : ["never closed"])].join(", ");
      return `${prefix}${span.name} [${marks}] ${JSON.stringify(span.attributes)}`;
    })
    .join("\n");
}

/** The spans of each trace. */
export function tracesOf(spans: readonly Span[]): Map<string, Span[]> {
  const traces = new Map<string, Span[]>();
  for (const span of spans) {
    const trace = traces.get(span.traceId) ?? [];
    trace.push(span);
    traces.set(span.traceId, trace);
  }
  return traces;
}

/** Every span of this `gen_ai.operation.name`. */
export function spansOf(spans: readonly Span[], operation: string): Span[] {
  return spans.filter((span) => span.attributes["gen_ai.operation.name"] === operation);
}

/** The one span of this `gen_ai.operation.name`. */
export function spanOf(spans: readonly Span[], operation: string): Span {
  return only(spans, spansOf(spans, operation), `${operation} span`);
}

/** The one span with this name. */
export function spanNamed(spans: readonly Span[], name: string): Span {
  return only(
    spans,
    spans.filter((candidate) => candidate.name === name),
    `span named "${name}"`,
  );
}

function only(spans: readonly Span[], found: readonly Span[], what: string): Span {
  const [span] = found;
  assert.ok(
    span !== undefined && found.length === 1,
    `Expected one ${what}, found ${found.length} in\n${describeSpans(spans)}`,
  );
  return span;
}

/** A name with the names beneath it; a leaf is a string alone. */
export type Shape = string | { readonly [name: string]: readonly Shape[] };

/** Asserts names and parentage of everything beneath the spans without a parent. */
export function assertTree(spans: readonly Span[], expected: readonly Shape[]): void {
  assert.deepEqual(buildTree(spans).map(shapeOf), expected, `The tree is\n${describeSpans(spans)}`);
}

function shapeOf({ span, children }: SpanNode): Shape {
  return children.length === 0 ? span.name : { [span.name]: children.map(shapeOf) };
}

/** Asserts that the span carries these attributes, others not being looked at; undefined asserts absence. */
export function assertAttributes(
  span: Span,
  expected: Readonly<Record<string, string | number | boolean | RegExp | undefined>>,
): void {
  for (const [key, value] of Object.entries(expected)) {
    const actual = span.attributes[key];
    const message = `${key} of "${span.name}", which carries ${JSON.stringify(span.attributes, null, 2)}`;
    if (value instanceof RegExp) {
      assert.match(String(actual), value, message);
    } else {
      assert.equal(actual, value, message);
    }
  }
}

/** Asserts that `ancestor` lies on the way from `span` to its root, across invocations. */
export function assertUnder(spans: readonly Span[], span: Span, ancestor: Span): void {
  const nodes = buildTree(spans).flatMap((root) => [...walk(root)]);
  let node = nodes.find((candidate) => candidate.span === span)?.parent;
  while (node !== undefined && node.span !== ancestor) {
    node = node.parent;
  }
  assert.ok(node, `"${span.name}" is not under "${ancestor.name}" in\n${describeSpans(spans)}`);
}

/** Asserts that every span closed: one that does not loses its attributes. */
export function assertAllClosed(spans: readonly Span[]): void {
  const open = spans.filter((span) => !span.closed).map((span) => span.name);
  assert.deepEqual(open, [], `These spans never closed in\n${describeSpans(spans)}`);
}
