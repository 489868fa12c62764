import type * as tree from "../../bindings/otlp/console/span_tree.ts";
import type { Span } from "./spans.ts";

export { buildTree, treeLines } from "../../bindings/otlp/console/span_tree.ts";

export type SpanNode = tree.SpanNode<Span>;

/** Yields a node and all its descendants, parents first. */
export function* walk(node: SpanNode): Generator<SpanNode> {
  yield node;
  for (const child of node.children) {
    yield* walk(child);
  }
}
