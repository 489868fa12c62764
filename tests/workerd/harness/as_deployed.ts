import { DurableObject } from "cloudflare:workers";

type ObjectClass = new (ctx: DurableObjectState, env: never) => DurableObject;

/**
 * The class of a Durable Object as the runtime constructs it where it is deployed. Locally a class of the development
 * server extends what a Worker exports, and a constructor that looks at its prototype would look at that one's.
 */
export function asDeployed<T extends ObjectClass>(Class: T): T {
  const Deployed = class extends DurableObject {
    constructor(ctx: DurableObjectState, env: never) {
      super(ctx, env);
      // biome-ignore lint/correctness/noConstructorReturn: the object of the other class takes this one's place.
      return new Class(ctx, env);
    }
  };
  return Deployed as unknown as T;
}
