import assert from "node:assert/strict";
import type { Environment } from "../../../bindings/base/env.ts";
import { Exports } from "../../../bindings/otlp/exporting.ts";
import { systemEnvironment } from "../../../bindings/otlp/pipeline/make_pipeline.ts";
import type { OtlpOptions } from "../../../bindings/otlp/pipeline/options.ts";
import type { Pipeline } from "../../../bindings/otlp/pipeline/pipeline.ts";
import type { SpanRuntime } from "../../../bindings/trace/span_runtime.ts";
import type { Receiver } from "../../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../../otlp_receiver/requests.ts";
import { type Tracing, tracingOver } from "./tracing.ts";

/** Attributes of the resource of a program that runs on Node. */
export const nodeResource = {
  "process.runtime.name": "nodejs",
  "process.runtime.description": "Node.js",
  "process.runtime.version": process.versions.node,
  "telemetry.sdk.language": "nodejs",
} as const;

/** A tracer whose spans are exported to a receiver. */
export interface Exporting<R extends SpanRuntime = SpanRuntime> extends Tracing<R> {
  readonly exports: Exports;
  readonly pipeline: Pipeline;
  /** Milliseconds since the epoch; only {@link clock} moves it. */
  readonly clock: { now: number };
  /** What was given to `waitUntil`. */
  readonly held: Promise<unknown>[];
  /** Waits for what is held, sends the rest and gives all spans that arrived since the last call. */
  spans(): Promise<readonly ReceivedItem[]>;
}

/** @param options besides those of the receiver. */
export function exportingOver<R extends SpanRuntime>(
  runtime: R,
  receiver: Receiver,
  options: Partial<OtlpOptions> = {},
  env: Environment = {},
): Exporting<R> {
  const tracing = tracingOver(runtime);
  const clock = { now: 1_700_000_000_000 };
  const held: Promise<unknown>[] = [];
  const exports = new Exports(
    tracing.telemetry,
    systemEnvironment(
      () => clock.now,
      (work) => void held.push(work),
    ),
  );
  const to = { backend: "custom", endpoint: receiver.url, format: "json" } as const;
  const pipeline = exports.use({ ...to, ...options } as OtlpOptions, env);
  return {
    ...tracing,
    exports,
    pipeline,
    clock,
    held,
    async spans() {
      // What is held may hold more.
      for (let i = 0; i < held.length; i += 1) await held[i];
      await pipeline.flush();
      const sent = receiver.requests.filter(({ path }) => path.endsWith("/traces"));
      receiver.requests.length = 0;
      return sent.flatMap(({ items }) => items);
    },
  };
}

/** The one span of that name. */
export function received(spans: readonly ReceivedItem[], name: string): ReceivedItem {
  const found = spans.filter((span) => span.name === name);
  assert.equal(found.length, 1, `spans: ${spans.map((span) => span.name).join(", ")}`);
  return found[0] as ReceivedItem;
}

/** `child < parent` lines of spans, sorted; `*` for a parent that is not among them. */
export function edges(spans: readonly ReceivedItem[]): string[] {
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  return spans
    .map(({ name, parentSpanId }) =>
      parentSpanId === "" ? name : `${name} < ${names.get(parentSpanId) ?? "*"}`,
    )
    .sort();
}
