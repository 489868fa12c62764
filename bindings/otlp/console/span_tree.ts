/** A span of a tree. */
export interface TreeSpan {
  readonly spanId: string;
  /** Undefined, or the id of no other span, for a root. */
  readonly parentSpanId: string | undefined;
  readonly startMs: number;
}

export interface SpanNode<S extends TreeSpan> {
  readonly span: S;
  readonly parent: SpanNode<S> | undefined;
  readonly children: readonly SpanNode<S>[];
}

/** Returns the roots, the spans whose parent is not in `spans`, ordered by start time. */
export function buildTree<S extends TreeSpan>(spans: readonly S[]): SpanNode<S>[] {
  type Node = { span: S; parent: Node | undefined; children: Node[] };
  const nodes = new Map<string, Node>();
  for (const span of spans) nodes.set(span.spanId, { span, parent: undefined, children: [] });
  const roots: Node[] = [];
  for (const node of nodes.values()) {
    const { parentSpanId } = node.span;
    node.parent = parentSpanId === undefined ? undefined : nodes.get(parentSpanId);
    (node.parent?.children ?? roots).push(node);
  }
  const byStart = (a: Node, b: Node) => a.span.startMs - b.span.startMs;
  for (const node of nodes.values()) node.children.sort(byStart);
  return roots.sort(byStart);
}

export interface TreeLine<S extends TreeSpan> {
  /** The branches drawn before the name. */
  readonly prefix: string;
  readonly node: SpanNode<S>;
}

/** Returns one line for each span of a tree. */
export function treeLines<S extends TreeSpan>(root: SpanNode<S>): TreeLine<S>[] {
  const lines: TreeLine<S>[] = [];
  const visit = (node: SpanNode<S>, prefix: string, indent: string): void => {
    lines.push({ prefix, node });
    for (const [index, child] of node.children.entries()) {
      const isLast = index === node.children.length - 1;
      visit(child, `${indent}${isLast ? "└─ " : "├─ "}`, `${indent}${isLast ? "   " : "│  "}`);
    }
  };
  visit(root, "", "");
  return lines;
}

/** What the line of a span shows. */
export interface SpanLine {
  readonly name: string;
  readonly durationMs: number;
  readonly details: readonly string[];
}

/** Adds styles of a terminal to a part of a line. */
export type Paint = (part: "branch" | "name", text: string, span: SpanLine) => string;

/** Returns the trees of spans as text: a line for each span with its name, duration and details, in columns. */
export function drawTrees<S extends TreeSpan>(
  spans: readonly S[],
  describe: (span: S) => SpanLine,
  paint: Paint = (_part, text) => text,
): string {
  const lines = buildTree(spans)
    .flatMap(treeLines<S>)
    .map(({ prefix, node }) => ({ prefix, shown: describe(node.span) }));
  let width = 0;
  for (const { prefix, shown } of lines) {
    width = Math.max(width, prefix.length + shown.name.length);
  }
  return lines
    .map(({ prefix, shown }) => {
      const { name, durationMs, details } = shown;
      const padding = " ".repeat(width - prefix.length - name.length);
      const duration = drawMs(durationMs).padStart(durationWidth);
      const branch = paint("branch", prefix, shown);
      const rest = `${padding}  ${duration}  ${details.join(", ")}`;
      return `${branch}${paint("name", name, shown)}${rest}`.trimEnd();
    })
    .join("\n");
}

export const durationWidth = 7;

/** Returns a duration with at most {@link durationWidth} characters. */
export function drawMs(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 10_000 ? `${(ms / 1_000).toFixed(2)} s` : `${(ms / 1_000).toFixed(1)} s`;
}

/** Returns what is worth showing of the attributes of a span that did not fail: tokens, times and outcomes. */
export function detailsOf(attribute: (key: string) => unknown): string[] {
  const details: string[] = [];
  const add = (key: string, describe: (value: string | number) => string = String) => {
    const value = attribute(key);
    if (typeof value === "string" || typeof value === "number") details.push(describe(value));
  };
  const output = attribute("gen_ai.usage.output_tokens");
  add("gen_ai.usage.input_tokens", (input) => `${input} → ${output ?? "?"} tokens`);
  add("gen_ai.response.time_to_first_chunk", (seconds) => {
    return `first chunk ${drawMs(Number(seconds) * 1_000)}`;
  });
  add("cloudflare.agents.response.finish_reason");
  add("gen_ai.tool.call.id");
  add("http.response.status_code", (code) => `status ${code}`);
  if (attribute("cloudflare.agents.canceled") === true) details.push("canceled");
  return details;
}
