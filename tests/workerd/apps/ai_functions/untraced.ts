import { wrapAISDK } from "isotel/ai";
import type { Namespace } from "./subjects.ts";

/** Calls a wrapped function with parameters that tell on whoever looks at them. */
export async function observeUntraced(namespace: Namespace, name: string) {
  const touched: string[] = [];
  const result = { marker: name };
  let got: unknown;
  const original = (parameters: unknown) => {
    got = parameters;
    return result;
  };
  const wrapped = wrapAISDK({ ...namespace, [name]: original });
  const telling = new Proxy(
    {},
    {
      get: (_target, key) => void touched.push(String(key)),
      ownKeys: () => {
        touched.push("the keys");
        return [];
      },
    },
  );
  const returned = await wrapped[name]?.(telling);
  return { name, gotOriginal: got === telling, returnedOriginal: returned === result, touched };
}

/** Calls an agent whose base class tells what it was called with. */
export function observeUntracedAgent(namespace: Namespace) {
  const touched: string[] = [];
  const settings = new Proxy(
    {},
    { get: (_target, key) => void touched.push(String(key)), ownKeys: () => ["everything"] },
  );
  class Base {
    readonly settings = settings;
    generate(...args: unknown[]) {
      return { self: this, args };
    }
    stream(...args: unknown[]) {
      return this.generate(...args);
    }
  }
  const { ToolLoopAgent } = wrapAISDK({ ...namespace, ToolLoopAgent: Base });
  const agent = new ToolLoopAgent();
  const options = { prompt: "Go." };
  return (["generate", "stream"] as const).map((name) => {
    const { self, args } = Base.prototype[name].call(agent, options);
    const called = agent[name](options) as typeof agent & { self: unknown; args: unknown[] };
    const isOriginal = self === called.self && args[0] === called.args[0];
    return { name, gotOriginal: isOriginal, returnedOriginal: called.self === agent, touched };
  });
}
