// A streaming tail Worker that keeps every event of the Workers it follows until a request takes them.

let events: TailStream.TailEvent<TailStream.EventType>[] = [];
let onsets = 0;
let outcomes = 0;

function keep(event: TailStream.TailEvent<TailStream.EventType>): void {
  events.push(event);
  onsets += event.event.type === "onset" ? 1 : 0;
  outcomes += event.event.type === "outcome" ? 1 : 0;
}

/** Whether an invocation only carries metrics of the reference Worker. Tests and the demo ignore these. */
function carriesMetrics({ event }: TailStream.TailEvent<TailStream.Onset>): boolean {
  const { entrypoint, info } = event;
  if (entrypoint === "TelemetryAggregator") return true;
  return info.type === "queue" && info.queueName === "isotel-telemetry";
}

function take(): Response {
  // The runtime's integers are bigint, which JSON cannot represent.
  const body = JSON.stringify(events, (_key, value: unknown) =>
    typeof value === "bigint" ? Number(value) : value,
  );
  events = [];
  onsets = 0;
  outcomes = 0;
  return new Response(body, { headers: { "content-type": "application/json" } });
}

export default {
  tailStream(onset) {
    if (carriesMetrics(onset)) return undefined;
    keep(onset);
    return keep;
  },
  fetch(request) {
    switch (new URL(request.url).pathname) {
      case "/counts":
        return Response.json({ onsets, outcomes, events: events.length });
      case "/take":
        return take();
      default:
        return new Response("Not found. The routes are /counts and /take.\n", { status: 404 });
    }
  },
} satisfies ExportedHandler;
