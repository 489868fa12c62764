import "isotel/otlp";
import {
  DurableObject,
  RpcTarget,
  WorkerEntrypoint,
  WorkflowEntrypoint,
  type WorkflowEvent,
  type WorkflowStep,
} from "cloudflare:workers";
import * as ai from "ai";
import { type TelemetryOptions, tracer, withTelemetry } from "isotel";
import { wrapAISDK } from "isotel/ai";
import { type OtlpOptions, tracedQueue, tracedStub, tracedWorkflow } from "isotel/otlp";
import { answer, modelOf, textParts } from "../ai_sdk/models.ts";

interface Order {
  readonly id: string;
}

interface Env {
  /** Options of the export, as JSON. */
  readonly OTLP: string;
  readonly STOCK: Service<typeof Stock>;
  readonly PLAIN: Service<typeof Plain>;
  readonly SHELF: DurableObjectNamespace<ShelfClass>;
  readonly ORDERS: Queue<unknown>;
  readonly FLOW: Workflow<Order>;
}

const otlp = (env: Env): TelemetryOptions => ({ otlp: JSON.parse(env.OTLP) as OtlpOptions });

const { generateText } = wrapAISDK(ai);

class Counter extends RpcTarget {
  #count = 0;

  increment(by: number): number {
    this.#count += by;
    return this.#count;
  }
}

class StockClass extends WorkerEntrypoint<Env> {
  async reserve({ id }: Order): Promise<boolean> {
    return tracedStub(this.env.SHELF.getByName("A")).take(id);
  }

  echo(...args: unknown[]): unknown {
    return args;
  }

  fails(): Promise<string> {
    throw new RangeError("sold out");
  }

  counter(): Counter {
    return new Counter();
  }

  get limits(): { readonly max: number } {
    return { max: 3 };
  }

  nested(): { readonly add: (a: number, b: number) => number } {
    return { add: (a, b) => a + b };
  }

  async callsBack(callback: (value: number) => Promise<number>): Promise<number> {
    return (await callback(1)) + 1;
  }

  override fetch(request: Request): Response {
    return Response.json(Object.fromEntries(request.headers));
  }
}
export const Stock = withTelemetry(StockClass, otlp);

/** A class that does not know isotel. */
export class Plain extends WorkerEntrypoint<Env> {
  echo(...args: unknown[]): unknown {
    return args;
  }

  fails(): Promise<string> {
    throw new RangeError("sold out");
  }
}

class ShelfClass extends DurableObject<Env> {
  #taken = 0;

  async take(id: string): Promise<boolean> {
    this.#taken += 1;
    await tracer.withSpan("write", { "app.order": id }, () => scheduler.wait(1));
    return this.#taken > 0;
  }
}
export const Shelf = withTelemetry(ShelfClass, otlp);

class FlowClass extends WorkflowEntrypoint<Env, Order> {
  override async run(event: WorkflowEvent<Order>, step: WorkflowStep): Promise<string> {
    return step.do("thank", async () => {
      const model = modelOf(() => answer(textParts(1)));
      const { text } = await generateText({ model, prompt: `Thank for ${event.payload.id}.` });
      return `${event.payload.id} ${text}`;
    });
  }
}
export const Flow = withTelemetry(FlowClass, otlp);

const ownTraceparent = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;

/** Bodies that the consumer got, as the runtime's types and JSON. */
const seen: string[] = [];

function shown(body: unknown): string {
  if (body instanceof ArrayBuffer) return `ArrayBuffer ${[...new Uint8Array(body)]}`;
  return body instanceof Date ? `Date ${body.getTime()}` : JSON.stringify(body);
}

export default withTelemetry(
  {
    async fetch(request: Request, env: Env): Promise<Response> {
      const url = new URL(request.url);
      const stub = url.searchParams.has("plain") ? env.PLAIN : env.STOCK;
      const stock = tracedStub(stub as Env["STOCK"]);
      switch (url.pathname) {
        case "/order":
          return tracer.withSpan("place order", {}, async () => {
            const order = { id: "o-1" };
            const isReserved = await stock.reserve(order);
            await tracedQueue(env.ORDERS).send(order);
            return Response.json(isReserved);
          });
        case "/echo":
          return Response.json(await stock.echo(1, undefined, null, { a: [1] }, "x"));
        case "/fails":
          return new Response(String(await stock.fails().catch(String)));
        case "/missing": {
          const { nothing } = stock as unknown as Record<string, () => Promise<unknown>>;
          return new Response(String(await nothing?.().catch(String)));
        }
        case "/reserved": {
          const calls = env.STOCK as unknown as Record<
            string,
            (...args: unknown[]) => Promise<string>
          >;
          const names = ["fetch", "constructor", "toString", "env", "queue", "isotelCall"];
          const answers = names.map((name) => calls["isotelCall"]?.({}, name, []).catch(String));
          return Response.json(await Promise.all(answers));
        }
        case "/pipelined": {
          using counter = await stock.counter();
          const first = await counter.increment(2);
          return Response.json([
            first,
            await counter.increment(3),
            await stock.counter().increment(7),
          ]);
        }
        case "/properties":
          return Response.json([
            await stock.limits,
            await stock.limits.max,
            await stock.nested().add(1, 2),
            await (await stock.nested()).add(3, 4),
          ]);
        case "/callback":
          return Response.json(await stock.callsBack(async (value) => value + 40));
        case "/headers":
          return stock.fetch("https://stock.example/", { headers: { "x-own": "1" } });
        case "/headers/own":
          return stock.fetch("https://stock.example/", {
            headers: { traceparent: ownTraceparent },
          });
        case "/bodies": {
          const queue = tracedQueue(env.ORDERS);
          const bytes = new Uint8Array([0, 1, 2, 3]).subarray(1);
          await queue.send({ json: [1] });
          await queue.send("text", { contentType: "text" });
          await queue.send(bytes, { contentType: "bytes" });
          await queue.send(new Date(5), { contentType: "v8" });
          await queue.sendBatch([{ body: 1 }, { body: "two", contentType: "text" }]);
          return new Response("sent");
        }
        case "/seen":
          return Response.json(seen);
        default:
          return new Response("none", { status: 404 });
      }
    },
    async queue(batch: MessageBatch, env: Env): Promise<void> {
      for (const message of batch.messages) {
        seen.push(shown(message.body));
        if ((message.body as Partial<Order> | null)?.id !== undefined) {
          await tracedWorkflow(env.FLOW).create({ params: message.body as Order });
        }
        message.ack();
      }
    },
  },
  otlp,
);
