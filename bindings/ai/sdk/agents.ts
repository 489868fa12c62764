import { isFunction, isThenable, record, text } from "../../base/values.ts";
import {
  type CallHead,
  callHead,
  identityOf,
  isBounded,
  type Params,
  type Replaceable,
  telemetryOptions,
} from "../calls/identity.ts";
import type { AIOperation } from "../calls/operation.ts";
import { type Call, likeOriginal, type Sdk } from "../calls/sdk.ts";
import { ToolEnds } from "../hooks/integration.ts";
import { runClaimed } from "../hooks/integration_calls.ts";
import { type HookUse, hookUseOf, observeToolEnds } from "./instrument_params.ts";
import { runOperation } from "./operation_call.ts";
import { hasSteps, instrumentCall, observeStepEnd } from "./operation_functions.ts";
import type { OperationFunction } from "./sdk_functions.ts";

interface Agent {
  generate(...args: unknown[]): unknown;
  stream(...args: unknown[]): unknown;
}

type AgentClass = new (...args: unknown[]) => Agent;

const textual = { outputType: "text", hasHooks: true } as const;
const methods: Readonly<Record<keyof Agent, OperationFunction>> = {
  generate: { name: "ToolLoopAgent.generate", isStream: false, ...textual },
  stream: { name: "ToolLoopAgent.stream", isStream: true, ...textual },
};

/** Returns a subclass of an agent class whose `generate` and `stream` are operations. */
export function wrapAgentClass(sdk: Sdk, original: Call): object {
  const Base = original as unknown as AgentClass;
  const generate = { method: methods.generate, hookUse: hookUseOf(sdk, methods.generate) };
  const stream = { method: methods.stream, hookUse: hookUseOf(sdk, methods.stream) };
  class TracedAgent extends Base {
    override generate(...args: unknown[]): unknown {
      return runAgent(sdk, generate, this, args, super.generate);
    }

    override stream(...args: unknown[]): unknown {
      return runAgent(sdk, stream, this, args, super.stream);
    }
  }
  likeOriginal(TracedAgent.prototype.generate, Base.prototype.generate);
  likeOriginal(TracedAgent.prototype.stream, Base.prototype.stream);
  return likeOriginal(TracedAgent, Base);
}

interface AgentMethod {
  readonly method: OperationFunction;
  readonly hookUse: HookUse;
}

function runAgent(
  sdk: Sdk,
  agentMethod: AgentMethod,
  agent: object,
  args: readonly unknown[],
  original: Call,
): unknown {
  const { telemetry } = sdk;
  const runOriginal = () => original.apply(agent, [...args]);
  const settings = record((agent as { settings?: unknown }).settings) as Params | undefined;
  const options = record(args[0]) as Params | undefined;
  const head = settings && telemetry.guard(() => agentHead(settings, options));
  if (settings === undefined || head === undefined || head.isDisabled) return runOriginal();
  return runOperation(sdk, {
    sdkFunction: agentMethod.method,
    head,
    params: () => describedCall(settings, options),
    runOriginal,
    prepare: (operation) => {
      const observed = observedSettings(sdk, agentMethod, operation, settings);
      // The agent does not change, because it may run several calls at once.
      const view = Object.create(agent, { settings: { value: observed } }) as object;
      const run = () => original.apply(view, [...args]);
      return sdk.major === 6 ? run : () => runClaimed(run);
    },
  });
}

function agentHead(settings: Params, options: Params | undefined): CallHead {
  const head = callHead(settings);
  return {
    ...head,
    isBounded: head.isBounded || (options !== undefined && isBounded(options)),
    agentName: head.agentName ?? text(settings["id"]),
  };
}

/**
 * Returns settings and call as the parameters of one call. The agent's id identifies it if the telemetry options do
 * not.
 */
function describedCall(settings: Params, options: Params | undefined): Params {
  const params: Params = { ...settings, ...options };
  const telemetry = telemetryOptions(params);
  const id = text(settings["id"]);
  const metadata = record(telemetry?.["metadata"]);
  return {
    ...params,
    telemetry: {
      ...telemetry,
      functionId: text(telemetry?.["functionId"]) ?? id,
      metadata: identityOf(params).agentId === undefined ? { agentId: id, ...metadata } : metadata,
    },
  };
}

/** Returns the settings with an added `prepareCall`. It instruments each call after the agent has prepared it. */
function observedSettings(
  sdk: Sdk,
  { method, hookUse }: AgentMethod,
  operation: AIOperation,
  settings: Params,
): Params {
  const { prepareCall } = settings;
  const toolEnds = hookUse.areCalled === false ? undefined : new ToolEnds();
  const observed = (call: unknown) => {
    const params = record(call) as Params | undefined;
    return (
      params &&
      sdk.telemetry.guard(() => instrumentCall(sdk, method, hookUse, operation, params, toolEnds))
    );
  };
  const replaced: Replaceable = { ...settings };
  // The agent passes its own callbacks to the prepared call.
  if (hasSteps(method)) observeStepEnd(operation, replaced);
  // Agents do not use the alias of this callback.
  if (toolEnds !== undefined) {
    observeToolEnds(operation, toolEnds, replaced, settings["onToolExecutionEnd"]);
  }
  replaced["prepareCall"] = (call: unknown) => {
    const { prepareCall: _, ...own } = record(call) ?? {};
    if (!isFunction(prepareCall)) return observed(own) ?? own;
    const base = { ...own, prepareCall };
    const prepared = prepareCall.call(settings, base);
    if (isThenable(prepared)) return prepared.then((value) => observed(value ?? base) ?? value);
    return observed(prepared ?? base) ?? prepared;
  };
  return replaced;
}
