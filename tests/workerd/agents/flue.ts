// Flue itself in Durable Objects, observed by whatever records in this Worker.

import { env } from "cloudflare:workers";
import { Agent, getAgentByName } from "agents";
import { createOpenTelemetryInstrumentation } from "../../../dist/flue/index.js";
import { withTelemetry } from "../../../dist/index.js";
import { configureTelemetry, type OtlpOptions } from "../../../dist/otlp/index.js";
import { instrument, type Scenario, scenarios } from "../../flue/agents.ts";
import { flueClasses, WithinRequest as WithinRequestOnly } from "../../flue/cloudflare.ts";
import { asDeployed } from "../harness/as_deployed.ts";

const instrumentation = createOpenTelemetryInstrumentation();
instrument(instrumentation);

const { OTLP } = env as { OTLP?: string };
if (OTLP !== undefined) configureTelemetry(JSON.parse(OTLP) as OtlpOptions);

const classes = flueClasses(Agent as never, async (binding, id, request) => {
  const stub = await getAgentByName(binding as never, id);
  return stub.fetch(request as never) as never;
});

export const Reporter = asDeployed(withTelemetry(classes.Reporter));
export const Compactor = asDeployed(withTelemetry(classes.Compactor));

export const WithinRequest = asDeployed(withTelemetry(WithinRequestOnly));

interface Env {
  readonly WithinRequest: DurableObjectNamespace;
}

export default withTelemetry({
  async fetch(request: Request, { WithinRequest: objects }: Env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/diagnostics") return Response.json(instrumentation.diagnostics());
    const [, inside] = /^\/within(\/\w+)$/.exec(pathname) ?? [];
    if (inside !== undefined) {
      const object = objects.get(objects.newUniqueId());
      return object.fetch(`https://object${inside}`);
    }
    return new Response(await scenarios[pathname.slice(1) as Scenario]());
  },
});
