import "isotel/metrics";
import { withTelemetry } from "isotel";
import { TelemetryAggregator as Aggregator } from "isotel/aggregator";
import type { QueueResult } from "../../harness/metrics_app.ts";

/** What a handler does with its batch, one after the other. `at` counts the messages that are not telemetry. */
export type Step =
  | { readonly does: "ack" | "retry"; readonly at: number; readonly delaySeconds?: number }
  | { readonly does: "ackAll" | "retryAll"; readonly delaySeconds?: number }
  | { readonly does: "wait" | "throw" };

export interface TestMessage {
  /** Bytes in base64, or a text that stands for itself. */
  readonly bytes?: string;
  readonly text?: string;
}

export interface Delivery {
  readonly to: "WITH_TELEMETRY" | "WITHOUT_HANDLER" | "PLAIN";
  readonly messages: readonly TestMessage[];
  readonly steps: readonly Step[];
}

export interface Delivered {
  readonly result: QueueResult;
  /** The identifiers of the messages that the handler was given. */
  readonly given: readonly string[];
}

type QueueStub = { queue(name: string, messages: readonly object[]): Promise<QueueResult> };

interface Env extends Readonly<Record<Delivery["to"], QueueStub>> {
  readonly TELEMETRY: DurableObjectNamespace<TelemetryAggregator>;
  readonly KIND: Delivery["to"];
}

export class TelemetryAggregator extends Aggregator {}

// The Workers run in one isolate each, but share neither modules nor memory: steps travel in the name of the queue.
const encode = (steps: readonly Step[]) => Buffer.from(JSON.stringify(steps)).toString("base64");
const decode = (queue: string) =>
  JSON.parse(Buffer.from(queue, "base64").toString()) as readonly Step[];

let given: readonly string[] = [];

const own = {
  async fetch(request: Request, env: Env, _ctx: ExecutionContext): Promise<Response> {
    if (request.method !== "POST") return Response.json(given);
    const { to, messages, steps } = await request.json<Delivery>();
    const batch = messages.map(({ bytes, text }, index) => ({
      id: String(index),
      timestamp: new Date(),
      attempts: 1,
      body: bytes === undefined ? text : Uint8Array.from(Buffer.from(bytes, "base64")),
    }));
    return Response.json(await env[to].queue(encode(steps), batch));
  },

  async queue(batch: MessageBatch, _env: Env, _ctx: ExecutionContext): Promise<void> {
    given = batch.messages.map(({ id }) => id);
    for (const step of decode(batch.queue)) {
      const options =
        "delaySeconds" in step && step.delaySeconds !== undefined
          ? { delaySeconds: step.delaySeconds }
          : undefined;
      if (step.does === "ack") batch.messages[step.at]?.ack();
      else if (step.does === "retry") batch.messages[step.at]?.retry(options);
      else if (step.does === "ackAll") batch.ackAll();
      else if (step.does === "retryAll") batch.retryAll(options);
      else if (step.does === "wait") await scheduler.wait(1);
      else throw new Error("the handler fails");
    }
  },
};

const options = (env: Env) => ({
  metrics: { aggregator: env.TELEMETRY, public: true, source: "durable-object" } as const,
});

const withHandler = withTelemetry(own, options);
const withoutHandler = withTelemetry({ fetch: own.fetch }, options) as typeof own;

export default {
  fetch(request: Request, env: Env, ctx: ExecutionContext): unknown {
    return env.KIND === "WITH_TELEMETRY"
      ? withHandler.fetch(request, env, ctx)
      : own.fetch(request, env, ctx);
  },
  queue(batch: MessageBatch, env: Env, ctx: ExecutionContext): unknown {
    const worker = { WITH_TELEMETRY: withHandler, WITHOUT_HANDLER: withoutHandler, PLAIN: own };
    return worker[env.KIND].queue(batch, env, ctx);
  },
};
