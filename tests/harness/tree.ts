import type { Span } from "./spans.ts";

export interface SpanNode {
  readonly span: Span;
  readonly parent: SpanNode | undefined;
  readonly children: readonly SpanNode[];
}

/** The roots, in the order they began: the spans without a parent among `spans`. */
export function buildTree(spans: readonly Span[]): SpanNode[] {
  const nodes = new Map<
    string,
    { span: Span; parent: SpanNode | undefined; children: SpanNode[] }
  >();
  for (const span of spans) {
    nodes.set(span.spanId, { span, parent: undefined, children: [] });
  }
  const roots: SpanNode[] = [];
  for (const node of nodes.values()) {
    const parent =
      node.span.parentSpanId === undefined ? undefined : nodes.get(node.span.parentSpanId);
    node.parent = parent;
    (parent?.children ?? roots).push(node);
  }
  const byStart = (a: SpanNode, b: SpanNode) => a.span.startMs - b.span.startMs;
  for (const node of nodes.values()) {
    node.children.sort(byStart);
  }
  return roots.sort(byStart);
}

/** The node and everything beneath it, parents first. */
export function* walk(node: SpanNode): Generator<SpanNode> {
  yield node;
  for (const child of node.children) {
    yield* walk(child);
  }
}

export interface TreeLine {
  /** The branch drawn before the name. */
  readonly prefix: string;
  readonly node: SpanNode;
}

/** One line a span, with the branches that lead to it. */
export function treeLines(root: SpanNode): TreeLine[] {
  const lines: TreeLine[] = [];
  const visit = (node: SpanNode, prefix: string, indent: string): void => {
    lines.push({ prefix, node });
    for (const [index, child] of node.children.entries()) {
      const isLast = index === node.children.length - 1;
      visit(child, `${indent}${isLast ? "└─ " : "├─ "}`, `${indent}${isLast ? "   " : "│  "}`);
    }
  };
  visit(root, "", "");
  return lines;
}
