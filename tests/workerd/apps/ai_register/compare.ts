import assert from "node:assert/strict";
import type { Span } from "../../../harness/spans.ts";
import type { LocalWorker } from "../../../harness/start.ts";
import { buildTree, type SpanNode } from "../../../harness/tree.ts";
import { startApp } from "../../harness/app.ts";
import { assertAllClosed, describeSpans } from "../../harness/assertions.ts";

/** A Worker whose calls are traced in one way. */
export interface Traced {
  readonly via: string;
  readonly app: LocalWorker;
  /** What a scenario answers and the spans it gives. */
  run(scenario: string): Promise<readonly [answer: unknown, spans: Span[]]>;
}

/** Starts the Worker of this folder with its calls traced `via` wrapped, registered, channel, or several with "+". */
export async function startTraced(
  via: string,
  vars: Readonly<Record<string, string>> = {},
): Promise<Traced> {
  const app = await startApp("ai_register", { config: { vars: { VIA: via, ...vars } } });
  return {
    via,
    app,
    async run(scenario) {
      const response = await app.fetch(`/${scenario}`);
      const body = await response.text();
      assert.equal(response.status, 200, `${scenario} via ${via}: ${body}`);
      const spans = await app.takeSpans({ timeoutMs: 20_000 });
      assertAllClosed(spans);
      const isJson = response.headers.get("content-type")?.includes("json") === true;
      return [isJson ? JSON.parse(body) : body, spans];
    },
  };
}

/** A span without what differs from run to run. */
export interface NormalSpan {
  readonly name: string;
  readonly status: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly children: readonly NormalSpan[];
}

/** The trees of spans, siblings in the order of their names where they ran at once. */
export function normalised(spans: readonly Span[]): NormalSpan[] {
  return buildTree(spans).map(normalise);
}

function normalise({ span, children }: SpanNode): NormalSpan {
  const attributes = Object.entries(span.isInvocation ? {} : span.attributes)
    .map(([key, value]) => [key, key.endsWith("time_to_first_chunk") ? typeof value : value])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  return {
    name: span.name,
    status: span.status,
    attributes: Object.fromEntries(attributes) as Record<string, unknown>,
    children: children.map(normalise),
  };
}

/** Asserts that a scenario gives the spans it gives when wrapped, and the answer it gives untraced. */
export async function assertAlike(
  scenario: string,
  plain: Traced,
  wrapped: Traced,
  ...others: readonly Traced[]
): Promise<void> {
  const [answer] = await plain.run(scenario);
  const [wrappedAnswer, expected] = await wrapped.run(scenario);
  assert.deepEqual(wrappedAnswer, answer);
  for (const other of others) {
    const [otherAnswer, actual] = await other.run(scenario);
    assert.deepEqual(otherAnswer, answer, `the answer via ${other.via}`);
    const message = `via ${other.via} the spans are\n${describeSpans(actual)}\nand wrapped\n${describeSpans(expected)}`;
    assert.deepEqual(normalised(actual), normalised(expected), message);
  }
}
