// isotel beside the bridge for the OpenTelemetry API of the agents package, in either order, and beside another copy of
// isotel.
import { context, trace } from "@opentelemetry/api";
import { experimental_registerOpenTelemetry as registerAgents } from "agents/observability";
import { registerOpenTelemetry as registerSecond } from "isotel-second/opentelemetry";
import { tracer, withTelemetry } from "../../../dist/index.js";
import { registerOpenTelemetry } from "../../../dist/opentelemetry/index.js";

/** What the console was told. */
const lines: string[] = [];
console.error = (line) => void lines.push(String(line));

async function spans(): Promise<void> {
  await tracer.withSpan("outer", {}, () =>
    trace.getTracer("library").startActiveSpan("api", async (span) => {
      await scheduler.wait(1);
      await tracer.withSpan("inner", {}, () => scheduler.wait(1));
      span.end();
    }),
  );
}

const routes: Readonly<Record<string, () => Promise<unknown>>> = {
  async "/isotel_first"() {
    const registration = registerOpenTelemetry();
    registerAgents();
    await spans();
    registration.unregister();
    return [registration.traces, registration.contexts];
  },
  async "/agents_first"() {
    registerAgents();
    const { traces, contexts, unregister } = registerOpenTelemetry();
    registerOpenTelemetry();
    await spans();
    unregister();
    await spans();
    trace.disable();
    context.disable();
    return [traces, contexts, lines.filter((line) => line.includes("OpenTelemetry API"))];
  },
  async "/two_copies"() {
    const first = registerOpenTelemetry();
    const second = registerSecond();
    await spans();
    first.unregister();
    return [first.traces, second.traces, first === second];
  },
};

const handler: ExportedHandler = {
  async fetch(request) {
    const route = routes[new URL(request.url).pathname];
    return route === undefined ? new Response("no route") : Response.json(await route());
  },
};

export default withTelemetry(handler, () => ({}));
