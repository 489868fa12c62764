// Keeps the events of the invocations it follows, and hands them to either side as the runtime did.
import { collector } from "../../../dist/collector/index.js";

type TailEvent = TailStream.TailEvent<TailStream.EventType>;
type Onset = TailStream.TailEvent<TailStream.Onset>;

interface Env {
  readonly OTLP: string;
}

const recorded: (readonly TailEvent[])[] = [];

type TailStreamHandler = NonNullable<ExportedHandler<Env>["tailStream"]>;

const keeping: TailStreamHandler = (onset) => {
  const events: TailEvent[] = [onset];
  return (event) => {
    events.push(event);
  };
};

const collecting = collector((env: Env) => ({ otlp: JSON.parse(env.OTLP) }));

const sides: Readonly<Record<string, TailStreamHandler>> = {
  keep: keeping,
  collect: collecting.tailStream as TailStreamHandler,
};

function replay(handler: TailStreamHandler, env: Env, ctx: ExecutionContext): void {
  for (const events of recorded) {
    const follow = handler(events[0] as Onset, env, ctx) as TailStream.TailEventHandler;
    for (let i = 1; i < events.length; i += 1) void follow(events[i] as TailEvent);
  }
}

export default {
  tailStream(onset) {
    const events: TailEvent[] = [onset];
    recorded.push(events);
    return (event) => {
      events.push(event);
    };
  },
  async fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/recorded") return Response.json(recorded.map(({ length }) => length));
    const handler = sides[pathname.slice(1)];
    if (handler === undefined) return new Response("no such side", { status: 404 });
    const rounds = Number(searchParams.get("rounds"));
    for (let round = 0; round < rounds; round += 1) {
      replay(handler, env, ctx);
      await scheduler.wait(0);
    }
    return new Response("done");
  },
} satisfies ExportedHandler<Env>;
