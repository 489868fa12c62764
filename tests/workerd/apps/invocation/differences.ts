import { withTelemetry } from "isotel";

/**
 * Runs handlers as they are and wrapped and names every observation that is not the same: results and causes by
 * identity, `this`, arguments, properties, and how many turns of the microtask queue a result takes.
 */
export async function differences(ctx: ExecutionContext): Promise<string[]> {
  const found: string[] = [];
  const response = new Response("the same");
  const cause = new RangeError("no luck");
  const promised = Promise.resolve(response);
  const handlers = {
    version: 3,
    self(): unknown {
      return this;
    },
    fetch: (): Response => response,
    queue: (): Promise<Response> => promised,
    scheduled(): never {
      throw cause;
    },
    email: (): Promise<never> => Promise.reject(cause),
    tail(...args: unknown[]): unknown {
      return [this === handlers, ...args];
    },
  };
  const wrapped = withTelemetry(handlers) as typeof handlers;
  const same = (what: string, actual: unknown, expected: unknown) => {
    if (!Object.is(actual, expected)) found.push(what);
  };

  same("a result that is there at once", wrapped.fetch(), response);
  same("a promised result", await wrapped.queue(), response);
  same("a cause that is thrown", thrownBy(wrapped.scheduled), cause);
  same("a cause of a rejection", await wrapped.email().catch((error: unknown) => error), cause);
  const args = (wrapped.tail as (...all: unknown[]) => unknown[])(1, "two", ctx);
  same("`this` and the arguments", JSON.stringify(args.slice(0, 3)), '[true,1,"two"]');
  same("the last argument", args[3], ctx);
  same("another property", wrapped.version, 3);
  same("a method that is no handler", wrapped.self(), wrapped);
  same("the names", Object.keys(wrapped).join(), Object.keys(handlers).join());
  same("turns of a result", (await turnsOf(() => wrapped.queue())) <= 2, true);

  const frozen = Object.freeze({ fetch: () => response });
  same("a frozen handler", withTelemetry(frozen).fetch(), response);
  const getter = {
    get fetch() {
      return () => response;
    },
  };
  same("a getter", withTelemetry(getter).fetch(), response);
  for (const wrong of [null, undefined, 1, "fetch", () => {}]) {
    const error = thrownBy(() => withTelemetry(wrong as never));
    same(`the error for ${String(wrong)}`, error instanceof TypeError, true);
  }

  // Whatever the runtime says of a call of waitUntil, it still says.
  const original = Object.getPrototypeOf(ctx) as ExecutionContext;
  const { waitUntil } = ctx;
  same("waitUntil is watched", waitUntil !== original.waitUntil, true);
  wrapped.tail(1, 2, ctx);
  same("waitUntil is watched once", ctx.waitUntil, waitUntil);
  same("its name", `${waitUntil.name}/${waitUntil.length}`, nameOf(original.waitUntil));
  same("no property more", Object.keys(ctx).includes("waitUntil"), false);
  same(
    "without `this`",
    messageOf(() => waitUntil(promised)),
    messageOf(detached(original)),
  );
  const bare = ctx as unknown as { waitUntil(): void };
  same(
    "without a promise",
    messageOf(() => bare.waitUntil()),
    messageOf(bareCall(original, ctx)),
  );
  let thens = 0;
  const lazy = {
    // biome-ignore lint/suspicious/noThenProperty: it stands for what starts its work when it is awaited.
    then(resolve: (value: unknown) => void) {
      thens += 1;
      resolve(undefined);
    },
  };
  ctx.waitUntil(lazy as unknown as Promise<unknown>);
  await scheduler.wait(1);
  same("how often a lazy promise is started", thens, 1);
  return found;
}

function thrownBy(call: () => unknown): unknown {
  try {
    call();
    return undefined;
  } catch (error) {
    return error;
  }
}

function messageOf(call: () => unknown): string {
  return String(thrownBy(call));
}

function detached({ waitUntil }: ExecutionContext): () => void {
  return () => waitUntil(Promise.resolve());
}

function bareCall({ waitUntil }: ExecutionContext, ctx: ExecutionContext): () => void {
  return () => (waitUntil as unknown as () => void).call(ctx);
}

function nameOf({ name, length }: ExecutionContext["waitUntil"]): string {
  return `${name}/${length}`;
}

async function turnsOf(call: () => Promise<unknown>): Promise<number> {
  let isSettled = false;
  void call().then(() => {
    isSettled = true;
  });
  let turns = 0;
  while (!isSettled) {
    turns += 1;
    await undefined;
  }
  return turns;
}
