import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import { tracer, withTelemetry } from "isotel";
import { asDeployed } from "../../harness/as_deployed.ts";
import { startStream } from "./streams.ts";

/** Counts of what this isolate has recorded. */
export function diagnostics(): Readonly<Record<string, number>> {
  return tracer.diagnostics();
}

class RoomClass extends DurableObject {
  static readonly capacity = 3;
  static describe(): string {
    return `a room for ${RoomClass.capacity}`;
  }

  readonly #name: string;
  readonly #constructedWith: readonly unknown[];
  /** Every `waitUntil` that `this.ctx` has had. */
  readonly #waitUntils = new Set<unknown>();
  #alarms = 0;
  #messages = 0;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env as never);
    this.#name = RoomClass.name;
    this.#constructedWith = [ctx === this.ctx, env === this.env];
  }

  override fetch(request: Request): Response {
    if (request.headers.get("upgrade") === "websocket") {
      const { 0: client, 1: server } = new WebSocketPair();
      this.ctx.acceptWebSocket(server);
      return new Response(null, { status: 101, webSocket: client });
    }
    startStream("in_fetch");
    return new Response(`fetch of ${this.#name}`);
  }

  override alarm(): void {
    this.#alarms += 1;
    startStream("in_alarm");
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    this.#messages += 1;
    startStream("in_message");
    socket.send(`${message} ${this.#messages}`);
  }

  override webSocketClose(socket: WebSocket): void {
    startStream("in_close");
    socket.close();
  }

  // A method that calls another: that one is no invocation, and it is the one that was written.
  async ask(agent: string, ms: number): Promise<boolean> {
    this.begin(agent);
    await scheduler.wait(ms);
    return this.begin === RoomClass.prototype.begin;
  }

  begin(agent: string): void {
    startStream(agent);
  }

  /** Replaces a method of this object, as libraries do in their constructors. */
  replace(): string {
    this.begin = (agent) => {
      startStream(`replaced_${agent}`);
    };
    this.begin("own");
    return Object.keys(this).join();
  }

  /** Leaves work behind that reads the stream when this has returned. */
  askLater(agent: string, ms: number): void {
    const stream = startStream(agent);
    const work = async () => {
      await scheduler.wait(ms);
      await stream.consumeStream();
    };
    this.ctx.waitUntil(work());
  }

  async setAlarm(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now());
  }

  count() {
    this.#waitUntils.add(this.ctx.waitUntil);
    tracer.openSpan("counted", {}, () => {}, { boundToInvocation: true });
    this.ctx.waitUntil(Promise.resolve());
    return { waitUntils: this.#waitUntils.size, ...diagnostics() };
  }

  fail(): never {
    startStream("in_failing");
    throw new RangeError("no luck");
  }

  describe() {
    return {
      name: this.#name,
      constructedWith: this.#constructedWith,
      alarms: this.#alarms,
      messages: this.#messages,
      isInstance: this instanceof Room && Room.describe() === "a room for 3",
      wrappedName: Room.name,
    };
  }

  get topic(): string {
    return `${this.#name} of ${RoomClass.capacity}`;
  }
}

export const Room = withTelemetry(RoomClass);

class GreeterClass extends WorkerEntrypoint {
  readonly #greeting = "Hello";

  async greet(name: string): Promise<string> {
    startStream("in_rpc");
    await scheduler.wait(1);
    return `${this.#greeting}, ${name}`;
  }

  override fetch(): Response {
    startStream("in_entrypoint");
    return new Response(this.#greeting);
  }
}

export const Greeter = withTelemetry(GreeterClass);

/** Extends a class that is wrapped already, and is not wrapped itself. */
export class ExtendedRoom extends Room {
  readonly #own = "own";

  override ask(agent: string): Promise<boolean> {
    return super.ask(`${this.#own}_${agent}`, 1);
  }
}

/** Does in its constructor what libraries do: looks at its prototype, and puts methods there and on the object. */
class PreparedClass extends DurableObject {
  readonly #ownNames = Object.getOwnPropertyNames(Object.getPrototypeOf(this)).join();
  readonly #greet: unknown;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env as never);
    const prototype = this.constructor.prototype as { greet: PreparedClass["greet"] };
    const { greet } = PreparedClass.prototype;
    prototype.greet = function (this: PreparedClass, name) {
      return `${greet.call(this, name)}!`;
    };
    this.#greet = prototype.greet;
    const fetch = (): Response => {
      startStream("in_own_handler");
      return new Response(this.greet("fetch"));
    };
    Object.defineProperty(this, "fetch", { value: fetch, configurable: true });
  }

  greet(name: string): string {
    startStream("in_prepared");
    return `Hello, ${name}`;
  }

  describe() {
    return {
      ownNames: this.#ownNames,
      constructedBy: this.constructor.name,
      isSame: this.greet === this.#greet,
      enumerable: Object.keys(this).includes("fetch"),
    };
  }
}

export const Prepared = asDeployed(withTelemetry(PreparedClass));
