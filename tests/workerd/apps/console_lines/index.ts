import "isotel/otlp";
import { tracer, withTelemetry } from "isotel";
import { emitLog, type OtlpOptions, tracedFetch } from "isotel/otlp";
import { type Route, routes } from "../../harness/routes.ts";
import { errorLines, formattedLines, textLines } from "./lines.ts";

interface Env {
  /** Options of the export, as JSON. */
  readonly OTLP: string;
}

/** The calls of the console.debug of a program that has replaced it while its modules were loaded. */
const calls: { readonly self: unknown; readonly args: readonly unknown[] }[] = [];
const nativeDebug = console.debug;
console.debug = function (this: unknown, ...args: unknown[]) {
  calls.push({ self: this, args });
  if (args[0] === "throw") throw new RangeError("the console fails");
  if (args[0] === "nested") console.log("from debug:", args[1]);
  else Reflect.apply(nativeDebug, this, args);
  return "returned" as never;
};

const print = (lines: typeof textLines) => {
  for (const [method, ...args] of lines()) console[method](...args);
};

const inspectKey = Symbol.for("nodejs.util.inspect.custom");

const table: Record<string, Route> = {
  "/texts": () => tracer.withSpan("work", {}, () => print(textLines)),
  "/errors": () => tracer.withSpan("work", {}, () => print(errorLines)),
  "/formatted": () => print(formattedLines),
  "/is_native": () => /\[native code\]/.test(String(console.log)),
  "/spans": () => {
    console.log("in the request");
    return tracer.withSpan("outer", {}, async (outer) => {
      console.log("in outer");
      const inner = await tracer.withSpan("inner", {}, async (span) => {
        await scheduler.wait(1);
        console.log("in inner");
        return span.spanContext();
      });
      return { outer: outer.spanContext(), inner };
    });
  },
  "/calls": () => {
    calls.length = 0;
    const value = { a: 1 };
    const { debug } = console;
    const results = [console.debug(value, "x"), debug("y")];
    const [first, second] = calls;
    return {
      results,
      calls: calls.length,
      selves: [first?.self === console, second?.self === undefined],
      args: first?.args.length === 2 && first.args[0] === value,
      value,
    };
  },
  "/throws": () => {
    try {
      console.debug("throw");
      return "nothing";
    } catch (cause) {
      return String(cause);
    }
  },
  "/nested": () => console.debug("nested", 1),
  "/replaced": () => {
    const { log } = console;
    console.log = (...args: unknown[]) => log("[app]", ...args);
    console.log("method");
    console.log = log;
    const { console: original } = globalThis;
    const seen: unknown[] = [];
    globalThis.console = { log: (...args: unknown[]) => seen.push(...args) } as never;
    console.log("object");
    globalThis.console = original;
    console.log("after");
    return seen;
  },
  "/hostile": () => {
    const prints = {
      [inspectKey]() {
        console.log("from inspect");
        return "<prints>";
      },
    };
    const throws = {
      [inspectKey]() {
        throw new Error("inspect fails");
      },
    };
    const error = new Error("kept");
    Object.defineProperty(error, "stack", {
      get() {
        throw new Error("no stack");
      },
    });
    const failed: string[] = [];
    for (const value of [prints, throws, error, Proxy.revocable({}, {}).proxy]) {
      try {
        console.log(value);
      } catch (cause) {
        failed.push(String(cause));
      }
    }
    return failed;
  },
  "/mutated": () => {
    const value = { a: 1 };
    console.log(value);
    value.a = 2;
  },
  // The option propagateTo throws, which isotel reports on the console.
  "/own": async () => {
    console.error("of the program");
    await tracer.withSpan("asks", {}, () => tracedFetch("http://127.0.0.1:9/").catch(() => {}));
  },
  "/many": (url) => {
    const count = Number(url.searchParams.get("count"));
    for (let i = 0; i < count; i += 1) console.log(i);
  },
  "/long": () => console.log("x".repeat(70_000)),
  "/after": () => "before",
  "/log": () => emitLog({ body: "emitted" }),
  "/diagnostics": () => tracer.diagnostics(),
};

const app = routes(table);
const wrapped = withTelemetry(
  {
    fetch: (request: Request, env: Env, ctx: ExecutionContext) => {
      if (new URL(request.url).pathname === "/after") {
        ctx.waitUntil(scheduler.wait(5).then(() => console.log("after the response")));
      }
      return app.fetch?.(request as never, env, ctx);
    },
  },
  (env) => ({
    otlp: {
      ...(JSON.parse(env.OTLP) as OtlpOptions),
      propagateTo: () => {
        throw new RangeError("no host");
      },
    },
  }),
);

export default {
  fetch(request: Request, env: Env, ctx: ExecutionContext) {
    // A handler without the option, in the same isolate.
    if (new URL(request.url).pathname === "/unwrapped") {
      console.log("outside of the export");
      return new Response("null");
    }
    return wrapped.fetch(request, env, ctx);
  },
};
