import type { Tracer } from "@opentelemetry/api";
import { ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { registerOpenTelemetry } from "../../dist/opentelemetry/index.js";
import { type Benchmark, resultOf } from "./benchmark.ts";
import { chatFinish as finish, chatStart as start } from "./chat_attributes.ts";
import { alternate, compare, runAlone } from "./measure.ts";
import { openTelemetryTracer } from "./peers/opentelemetry.ts";
import { spansOf, useSpans } from "./runtime/workers.ts";

type Registry = Record<string, unknown>;
const key = Symbol.for("opentelemetry.js.api.1");
const registry = () => (globalThis as Record<symbol, unknown>)[key] as Registry;

/** A chat span with the API of OpenTelemetry, active while its work runs. */
function span(tracer: Tracer, contexts: unknown): () => void {
  return () => {
    // Both sides use the global context manager.
    registry()["context"] = contexts;
    tracer.startActiveSpan("chat gpt-4o", { attributes: start }, ROOT_CONTEXT, (span) => {
      span.setAttributes(finish);
      span.end();
    });
  };
}

export const benchmarks: readonly Benchmark[] = [
  {
    id: "otel.bridge.span",
    unit: "us",
    goal: { peer: "opentelemetry", ratio: 0.2 },
    async run({ effort, isProfile }) {
      useSpans("array");
      registerOpenTelemetry();
      const ours = { name: "isotel", run: span(trace.getTracer("bench"), registry()["context"]) };
      registry()["context"] = undefined;
      const theirs = openTelemetryTracer(true);
      const peer = { name: "opentelemetry", run: span(theirs, registry()["context"]) };
      if (isProfile) {
        await runAlone(ours, 5000);
        return [];
      }
      const [made] = await spansOf(ours.run);
      const count = Object.keys(made?.attributes ?? {}).length;
      if (count !== 21) throw new Error(`The span has ${count} attributes instead of 21.`);
      const samples = await alternate([ours, peer], effort);
      const [a = [], b = []] = [ours, peer].map(({ name }) => samples.get(name));
      return [resultOf(peer.name, compare(a, b))];
    },
  },
];
