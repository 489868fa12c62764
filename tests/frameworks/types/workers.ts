// What `env` is in the options of withTelemetry, and what it returns, for Hono, itty-router and the runtime's own types.
import {
  DurableObject,
  WorkerEntrypoint,
  WorkflowEntrypoint,
  type WorkflowEvent,
  type WorkflowStep,
} from "cloudflare:workers";
import { Hono } from "hono";
import { withTelemetry } from "isotel";
import { collector } from "isotel/collector";
import { AutoRouter, type IRequest, Router } from "itty-router";

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function expectTrue<T extends true>(): T;

interface Env {
  readonly TELEMETRY_QUEUE: Queue;
  readonly KEY: string;
}

/** Options that use an env of type Env, which the handler declares. */
const metricsOf = (env: Env) => ({ metrics: { queue: env.TELEMETRY_QUEUE } });

// Hono.
const app = new Hono<{ Bindings: Env }>();
const wrapped = withTelemetry(app, (env) => {
  expectTrue<Same<typeof env, Env>>();
  return metricsOf(env);
});
expectTrue<Same<typeof wrapped, typeof app>>();
wrapped.get("/", (context) => context.text(context.env.KEY));
export default wrapped satisfies ExportedHandler<Env>;
withTelemetry(
  {
    fetch: app.fetch,
    async scheduled(_: ScheduledController, env: Env) {
      env.KEY satisfies string;
    },
  },
  (env) => {
    expectTrue<Same<typeof env, Env>>();
    return {};
  },
);
// @ts-expect-error there is no such binding
withTelemetry(app, (env) => ({ metrics: { queue: env.MISSING } }));
withTelemetry(new Hono(), metricsOf);

// itty-router does not declare its env in the type of a router.
withTelemetry(AutoRouter<IRequest, [Env, ExecutionContext]>(), metricsOf);
withTelemetry({ ...Router<IRequest, [Env]>() }, metricsOf);
withTelemetry(Router(), metricsOf);

// ExportedHandler.
const optional: ExportedHandler<Env> = { fetch: () => new Response() };
withTelemetry(optional, (env) => {
  expectTrue<Same<typeof env, Env>>();
  return {};
}) satisfies ExportedHandler<Env>;
withTelemetry(
  { fetch: async (_request, env) => new Response(env.KEY) } satisfies ExportedHandler<Env>,
  (env) => {
    expectTrue<Same<typeof env, Env>>();
    return {};
  },
);
withTelemetry<ExportedHandler<Env>>(
  { fetch: async (_request, env) => new Response(env.KEY) },
  (env) => {
    expectTrue<Same<typeof env, Env>>();
    return {};
  },
);
const consumer: ExportedHandler<Env, { readonly id: number }> = {
  async queue(batch) {
    for (const { body } of batch.messages) body.id satisfies number;
  },
};
const wrappedConsumer = withTelemetry(consumer, (env) => {
  expectTrue<Same<typeof env, Env>>();
  return {};
});
expectTrue<Same<typeof wrappedConsumer, typeof consumer>>();

// Handlers of which only one, or none, declares env.
withTelemetry(
  {
    fetch: (_: Request) => new Response(),
    async queue(_: MessageBatch, env: Env) {
      env.KEY satisfies string;
    },
  },
  (env) => {
    expectTrue<Same<typeof env, Env>>();
    return {};
  },
);
withTelemetry({ async email(_: ForwardableEmailMessage, _env: Env) {} }, (env) => {
  expectTrue<Same<typeof env, Env>>();
  return {};
});
withTelemetry({ fetch: () => new Response() }, metricsOf);
withTelemetry({ fetch: () => new Response() }, () => ({}));

// Classes.
class Room extends DurableObject<Env> {
  visit(): number {
    return 1;
  }
}
const WrappedRoom = withTelemetry(Room, (env) => {
  expectTrue<Same<typeof env, Env>>();
  return {};
});
expectTrue<Same<typeof WrappedRoom, typeof Room>>();
withTelemetry(class extends WorkerEntrypoint<Env> {}, (env) => {
  expectTrue<Same<typeof env, Env>>();
  return {};
});
class Orders extends WorkflowEntrypoint<Env, { readonly id: string }> {
  override async run(event: WorkflowEvent<{ readonly id: string }>, step: WorkflowStep) {
    await step.do("first", async () => event.payload.id);
  }
}
const WrappedOrders = withTelemetry(Orders, (env) => {
  expectTrue<Same<typeof env, Env>>();
  return {};
});
expectTrue<Same<typeof WrappedOrders, typeof Orders>>();

// A collector is a Worker.
collector((env: Env) => metricsOf(env)) satisfies ExportedHandler<Env>;
