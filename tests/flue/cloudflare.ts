// What Flue's build generates for Workers, a Durable Object for each agent, and the same runtime within one request.
import { DurableObject, env } from "cloudflare:workers";
import {
  createCloudflareWorkerConfig,
  createFlueAgentClass,
  runWithCloudflareContext,
} from "@flue/runtime/cloudflare/internal";
import {
  assembleNodeAgentRuntime,
  configureFlueRuntime,
  createCloudflareAgentRuntime,
  createFlueContext,
  registerFlueAgents,
  resolveModel,
} from "@flue/runtime/internal";
import { Compactor, Reporter, type Scenario, scenarios } from "./agents.ts";

type FetchAgent = Parameters<typeof createCloudflareWorkerConfig>[0]["fetchAgent"];
type AgentBase = Parameters<typeof createFlueAgentClass>[0]["AgentBase"];
type Assembly = Parameters<typeof assembleNodeAgentRuntime>[0];

const agents = [
  { name: "Reporter", agent: Reporter },
  { name: "Compactor", agent: Compactor },
];
const registrations = agents.map(({ name, agent }) => ({ identity: name, agent }));

const runtime = createCloudflareAgentRuntime({
  agents,
  createContext: ({ instance, agentName, request, submissionId }) =>
    createFlueContext({
      id: instance.name,
      agentName,
      submissionId,
      env: instance.env,
      req: request,
      agentConfig: { resolveModel },
    } as Parameters<typeof createFlueContext>[0]),
  runWithInstanceContext: (instance, _agentName, callback) =>
    runWithCloudflareContext(
      { env: instance.env, agentInstance: instance, storage: instance.ctx.storage } as never,
      callback as never,
    ) as never,
});

/** Registers the agents; the classes of their objects, bound by their own names. */
export function flueClasses(base: AgentBase, fetchAgent: FetchAgent) {
  registerFlueAgents(registrations);
  const identities = agents.map(({ name }) => [name, { bindingName: name, className: name }]);
  const config = createCloudflareWorkerConfig({
    env,
    agentIdentities: Object.fromEntries(identities),
    fetchAgent,
  });
  configureFlueRuntime({ target: "cloudflare", ...config });
  const classOf = (name: string) =>
    createFlueAgentClass({ AgentBase: base, runtime, className: name, agentName: name });
  return { Reporter: classOf("Reporter"), Compactor: classOf("Compactor") };
}

/** Runs a scenario within the request that asks for it, on the storage of its object. */
export class WithinRequest extends DurableObject {
  override async fetch(request: Request): Promise<Response> {
    const scenario = new URL(request.url).pathname.slice(1) as Scenario;
    const { storage } = this.ctx;
    const stores = runtime.prepare({
      storage,
      className: "WithinRequest",
      agentName: "any",
    } as never);
    const adapter = {} as Assembly["adapter"];
    const assembled = await assembleNodeAgentRuntime({
      agents: registrations,
      adapter,
      stores,
      env: {},
    } as unknown as Assembly);
    try {
      return new Response(await scenarios[scenario]());
    } finally {
      await assembled.close();
    }
  }
}
