import { consumeTelemetry, metricsResponse, TelemetryAggregator } from "isotel/aggregator";
import { Random } from "../../../wasm/support/random.ts";

export { TelemetryAggregator };

interface Env {
  readonly TELEMETRY: DurableObjectNamespace<TelemetryAggregator>;
  readonly SEED: string;
}

const counts = { batches: 0, messages: 0, failedBefore: 0, failedAfter: 0 };
let random: Random | undefined;

/** The memories of all instances of Wasm modules in this isolate: the aggregator's is one. */
const memories: WebAssembly.Memory[] = [];
WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
  construct(target, args) {
    const instance = Reflect.construct(target, args) as WebAssembly.Instance;
    const { memory } = instance.exports;
    if (memory instanceof WebAssembly.Memory) memories.push(memory);
    return instance;
  },
});

export default {
  async fetch(request, { TELEMETRY: aggregator }) {
    if (new URL(request.url).pathname === "/counts") {
      const memoryBytes = memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
      return Response.json({ ...counts, memoryBytes });
    }
    return metricsResponse(request, { aggregator, public: true });
  },

  /** One batch in ten fails, before or after the aggregator has it, and is delivered again. */
  async queue(batch, env) {
    random ??= new Random(Number(env.SEED));
    counts.batches += 1;
    counts.messages += batch.messages.length;
    const fails = random.once(10);
    if (fails && random.once(2)) {
      counts.failedBefore += 1;
      throw new Error("the consumer failed before it began");
    }
    await consumeTelemetry(batch, { aggregator: env.TELEMETRY });
    if (fails) {
      counts.failedAfter += 1;
      throw new Error("the consumer failed after it was done");
    }
  },
} satisfies ExportedHandler<Env>;
