import * as aiV7 from "ai";
import * as aiV6 from "ai-v6";
import { tracer } from "isotel";
import { wrapAISDK } from "isotel/ai";
import { routes } from "../../harness/routes.ts";

type AnyFunction = (parameters: object) => unknown;
type Namespace = Record<string, AnyFunction>;

interface Observation {
  readonly gotOriginal: boolean;
  readonly returnedOriginal: boolean;
  readonly touched: readonly string[];
}

/** Calls the wrapped function with parameters that tell on whoever looks at them. */
async function observe(namespace: object, name: string): Promise<Observation> {
  const touched: string[] = [];
  const result = { marker: name };
  let got: unknown;
  const original: AnyFunction = (parameters) => {
    got = parameters;
    return result;
  };
  const wrapped = wrapAISDK({ ...namespace, [name]: original } as never) as Namespace;
  const parameters = {
    get model() {
      touched.push("model");
      return undefined;
    },
    get prompt() {
      touched.push("prompt");
      return "prompt";
    },
    get abortSignal() {
      touched.push("abortSignal");
      return undefined;
    },
    tools: new Proxy(
      {},
      {
        get: (_target, key) => void touched.push(`tools.${String(key)}`),
        ownKeys: () => {
          touched.push("the keys of tools");
          return [];
        },
      },
    ),
  };
  const returned = await wrapped[name]?.(parameters);
  return { gotOriginal: got === parameters, returnedOriginal: returned === result, touched };
}

const functions = ["generateText", "streamText"];

export default routes({
  "/traced": () => tracer.withSpan("probe", {}, (span) => span.isTraced),
  "/v7": () => Promise.all(functions.map((name) => observe(aiV7, name))),
  "/v6": () => Promise.all(functions.map((name) => observe(aiV6, name))),
});
