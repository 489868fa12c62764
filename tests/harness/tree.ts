import type { Span } from "./spans.ts";

export interface SpanNode {
  readonly span: Span;
  readonly parent: SpanNode | undefined;
  readonly children: readonly SpanNode[];
}

/** Returns the roots, the spans whose parent is not in `spans`, ordered by start time. */
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

/** Yields a node and all its descendants, parents first. */
export function* walk(node: SpanNode): Generator<SpanNode> {
  yield node;
  for (const child of node.children) {
    yield* walk(child);
  }
}

export interface TreeLine {
  /** The branches drawn before the name. */
  readonly prefix: string;
  readonly node: SpanNode;
}

/** Returns one line for each span of a tree. */
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
