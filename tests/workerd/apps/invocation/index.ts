import { waitUntil as importedWaitUntil } from "cloudflare:workers";
import { tool } from "ai";
import { tracer, withInvocationScope, withTelemetry } from "isotel";
import { z } from "zod";
import { answer, modelOf, textParts, toolCallParts } from "../ai_sdk/models.ts";
import { differences } from "./differences.ts";
import { diagnostics } from "./objects.ts";
import { boundedKey, startStream } from "./streams.ts";

export { ExtendedRoom, Greeter, Prepared, Room } from "./objects.ts";

interface Env {
  readonly ROOM: DurableObjectNamespace;
  readonly EXTENDED: DurableObjectNamespace;
  readonly PREPARED: DurableObjectNamespace;
  readonly SELF: Service;
}

/** What is asked of a room; the types of stubs are too deep for what is returned here. */
interface RoomStub extends Fetcher {
  readonly topic: Promise<string>;
  ask(agent: string, ms: number): Promise<boolean>;
  askLater(agent: string, ms: number): Promise<void>;
  replace(): Promise<string>;
  setAlarm(): Promise<void>;
  count(): Promise<Record<string, number>>;
  fail(): Promise<never>;
  greet(name: string): Promise<string>;
  describe(): Promise<{ readonly alarms: number }>;
}

type Scenario = (ctx: ExecutionContext, env: Env, url: URL) => unknown;

function truncatedSpans(): number {
  return diagnostics()["spans_truncated"] ?? 0;
}

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return text;
}

const scenarios: Readonly<Record<string, Scenario>> = {
  unread() {
    startStream("unread");
  },

  unread_then_throws() {
    startStream("unread");
    throw new RangeError("no luck");
  },

  async unread_then_rejects() {
    startStream("unread");
    await scheduler.wait(1);
    throw new RangeError("no luck");
  },

  // The response is there long before the stream is read.
  consumed_later(ctx) {
    const result = startStream("later");
    ctx.waitUntil(scheduler.wait(20).then(() => result.consumeStream()));
  },

  // Two calls of waitUntil: the scope lasts until the later one.
  consumed_in_turn(ctx) {
    const result = startStream("later");
    ctx.waitUntil(scheduler.wait(2));
    ctx.waitUntil(scheduler.wait(20).then(() => result.consumeStream()));
  },

  // Work given to waitUntil by work that was given to it.
  consumed_by_grandchild(ctx) {
    const result = startStream("later");
    const grandchild = async () => {
      await scheduler.wait(5);
      ctx.waitUntil(scheduler.wait(20).then(() => result.consumeStream()));
    };
    ctx.waitUntil(grandchild());
  },

  rejected_later(ctx) {
    startStream("unread");
    ctx.waitUntil(scheduler.wait(5).then(() => Promise.reject(new RangeError("no luck"))));
  },

  // A call of its own, after the handler has returned.
  started_later(ctx) {
    ctx.waitUntil(scheduler.wait(10).then(() => void startStream("unread")));
  },

  streaming: () =>
    startStream("streaming", { chunks: 30 }).toTextStreamResponse({
      headers: { "content-encoding": "identity" },
    }),

  // Read by a body that nobody had asked for anything when the handler returned.
  read_by_body() {
    const pieces = startStream("streaming").textStream[Symbol.asyncIterator]();
    const encoder = new TextEncoder();
    return new Response(
      new ReadableStream<Uint8Array>({
        async pull(controller) {
          const { done, value } = await pieces.next();
          if (done === true) controller.close();
          else controller.enqueue(encoder.encode(value));
        },
      }),
    );
  },

  // The same, asked for only once the response is being read.
  read_by_lazy_body() {
    const result = startStream("streaming");
    let reader: ReadableStreamDefaultReader<string> | undefined;
    const encoder = new TextEncoder();
    const source: UnderlyingSource<Uint8Array> = {
      async pull(controller) {
        reader ??= result.textStream.getReader();
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
    };
    return new Response(new ReadableStream(source, { highWaterMark: 0 }));
  },

  // Two model calls, of which the handler sees the first and the beginning of the second.
  async bounded() {
    const look = tool({ inputSchema: z.object({}), execute: () => "seen" });
    const { textStream } = startStream("bounded", {
      model: modelOf(
        () => answer(toolCallParts("look", {})),
        () => answer(textParts(50)),
      ),
      settings: { tools: { look }, stopWhen: () => false, [boundedKey]: true },
    });
    await textStream.getReader().read();
  },

  async nested() {
    const before = truncatedSpans();
    const { textStream } = await withInvocationScope(async () => startStream("nested"));
    const truncated = truncatedSpans() - before;
    return { truncated, text: await textOf(textStream) };
  },

  async detached() {
    const before = truncatedSpans();
    startStream("attached");
    await withInvocationScope(async () => void startStream("detached"), { detached: true });
    return { truncated: truncatedSpans() - before };
  },

  // A scope that has ended does not take in what its work does later.
  async ended_scope() {
    const before = truncatedSpans();
    let later: Promise<void> | undefined;
    withInvocationScope(
      () => {
        later = scheduler.wait(2).then(() => withInvocationScope(() => void startStream("inner")));
      },
      { detached: true },
    );
    await later;
    return { truncated: truncatedSpans() - before };
  },

  // What nobody sees: the invocation goes on, its scope does not.
  imported_wait_until() {
    importedWaitUntil(
      scheduler.wait(5).then(() => {
        tracer.withSpan("unseen", {}, () => {});
      }),
    );
  },

  // More spans of scopes that have ended than there may be scopes.
  async many_ended_scopes() {
    for (let batch = 0; batch < 42; batch += 1) {
      const late: Promise<void>[] = [];
      for (let index = 0; index < 250; index += 1) {
        const open = () => tracer.withSpan("late", {}, () => {});
        const body = () => void late.push(Promise.resolve().then(open));
        withInvocationScope(body, { detached: true });
      }
      await Promise.all(late);
      await scheduler.wait(1);
    }
    return diagnostics()["scopes_evicted"];
  },

  // A provider that never answers, and a client that will not wait for it.
  async stuck() {
    const model = modelOf(() => new Promise(() => {}));
    return textOf(startStream("stuck", { model }).textStream);
  },

  async queue(_ctx, env) {
    const message = { id: "1", timestamp: new Date(), body: "one", attempts: 1 };
    const { outcome } = await env.SELF.queue("jobs", [message]);
    return outcome;
  },

  async scheduled(_ctx, env) {
    const { outcome } = await env.SELF.scheduled({ cron: "* * * * *" });
    return outcome;
  },

  async greet(ctx) {
    const { Greeter: greeter } = (ctx as unknown as { exports: Exports }).exports;
    const response = await greeter.fetch("https://greeter/");
    return [await greeter.greet("Ada"), await response.text()];
  },

  async object_handlers(_ctx, env) {
    const room = roomOf(env, "handlers");
    const text = await (await room.fetch("https://room/")).text();
    const { webSocket } = await room.fetch("https://room/", { headers: { upgrade: "websocket" } });
    if (webSocket === null) throw new Error("The room gave no WebSocket.");
    webSocket.accept();
    const answered = new Promise((resolve) => {
      webSocket.addEventListener("message", ({ data }) => resolve(data));
    });
    webSocket.send("message");
    const message = await answered;
    const closed = new Promise((resolve) => {
      webSocket.addEventListener("close", resolve);
    });
    webSocket.close();
    await closed;
    await room.setAlarm();
    let description = await room.describe();
    while (description.alarms === 0) {
      await scheduler.wait(5);
      description = await room.describe();
    }
    return { text, message, topic: await room.topic, ...description };
  },

  async object_failing(_ctx, env) {
    try {
      return await roomOf(env, "failing").fail();
    } catch (error) {
      return String(error);
    }
  },

  async object_concurrent(_ctx, env) {
    const room = roomOf(env, "concurrent");
    const calls = [
      ["slow", 300],
      ["fast", 5],
      ["middle", 150],
    ] as const;
    return Promise.all(calls.map(([agent, ms]) => room.ask(agent, ms)));
  },

  async object_later(_ctx, env) {
    const room = roomOf(env, "later");
    await room.askLater("first", 30);
    await scheduler.wait(80);
    await roomOf(env, "later").askLater("second", 150);
    await roomOf(env, "later").askLater("third", 10);
    await scheduler.wait(250);
  },

  async object_count(_ctx, env, url) {
    const room = roomOf(env, "count");
    let last: unknown;
    for (let index = 0; index < Number(url.searchParams.get("calls")); index += 1) {
      last = await room.count();
    }
    return last;
  },

  object_replacing: (_ctx, env) => roomOf(env, "replacing").replace(),

  object_extended: (_ctx, env) => stubOf(env.EXTENDED, "extended").ask("agent", 1),

  async object_prepared(_ctx, env) {
    const prepared = stubOf(env.PREPARED, "prepared");
    const greeting = await prepared.greet("RPC");
    const fetched = await (await prepared.fetch("http://prepared/")).text();
    return { greeting, fetched, ...(await prepared.describe()) };
  },

  differences,
  diagnostics,
};

type Service = Fetcher & {
  queue(name: string, messages: readonly object[]): Promise<{ outcome: string }>;
  scheduled(options: object): Promise<{ outcome: string }>;
};

interface Exports {
  readonly Greeter: Service & { greet(name: string): Promise<string> };
}

function roomOf(env: Env, name: string): RoomStub {
  return stubOf(env.ROOM, name);
}

function stubOf(namespace: DurableObjectNamespace, name: string): RoomStub {
  return namespace.get(namespace.idFromName(name)) as unknown as RoomStub;
}

class Handlers {
  readonly #scenarios = scenarios;

  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const url = new URL(request.url);
    const scenario = this.#scenarios[url.pathname.slice(1)];
    if (scenario === undefined) return new Response(`no route ${url.pathname}`, { status: 404 });
    const result = await scenario(ctx, env, url);
    return result instanceof Response ? result : Response.json(result ?? null);
  }

  queue(batch: MessageBatch): void {
    startStream("in_queue");
    batch.ackAll();
  }

  async scheduled(): Promise<void> {
    startStream("in_scheduled");
    await scheduler.wait(1);
  }
}

export default withTelemetry(new Handlers());
