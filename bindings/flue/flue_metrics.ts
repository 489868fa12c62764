import { shared } from "../base/shared.ts";
import { Abi, Field, Operation, Outcome, Profile } from "../core/abi.gen.ts";
import type { Core } from "../core/core.ts";
import { noReceiver } from "../core/core.ts";
import { SpanFields } from "../core/span_fields.ts";
import type { Telemetry } from "../trace/telemetry.ts";
import { FlueSpanType } from "./abi.gen.ts";
import { SpansByHandle } from "./core/span_ops.ts";
import type { FlueEvent } from "./events/event.ts";
import { agentOf, causeOf, modelOf, toolOf, usageOf } from "./events/event_measures.ts";

/** A span that opens, with the data that metrics need. */
export interface OpenedSpan {
  readonly handle: number;
  readonly parent: number;
  /** A position in FlueSpanType. */
  readonly type: number;
  readonly event: FlueEvent;
  readonly unixMs: number;
}

/** The measurement of a span. */
interface Measured {
  readonly type: number;
  readonly core: Core;
  /** The span in the core. 0 for a span that is not measured itself. */
  readonly handle: number;
  readonly startUnixMs: number;
  /** The agent that works in this span. */
  readonly agent: string | undefined;
  /** The core's span of that agent. 0 if there is none. */
  readonly owner: number;
}

const spanFlags = Abi.spanUntraced | (Profile.latest << Abi.spanProfileShift);

/** Events that have been measured. With several observers, one of them measures each event. */
const taken = shared("flue events", () => new WeakSet<FlueEvent>());

/**
 * The GenAI metrics of Flue's turns, tools and agents. The metric families are those of AI SDK calls. They do not
 * depend on the sampling of spans. An agent is a prompt or a skill, or a delegated task together with its prompt.
 */
export class FlueMetrics {
  readonly #telemetry: () => Telemetry | undefined;
  readonly #spans = new SpansByHandle<Measured>();

  constructor(telemetry: () => Telemetry | undefined) {
    this.#telemetry = telemetry;
  }

  /** Whether spans that open now are measured. */
  get isMeasuring(): boolean {
    return this.#telemetry()?.host.core?.isMeasuring === true;
  }

  /** Returns whether the end of a span has to be reported. */
  has(handle: number): boolean {
    return this.#spans.get(handle) !== undefined;
  }

  opened({ handle, parent, type, event, unixMs }: OpenedSpan): void {
    const core = this.#telemetry()?.host.core;
    if (core?.isMeasuring !== true || taken.has(event)) return;
    taken.add(event);
    const above = this.#ownIn(core, parent);
    const within = {
      type,
      core,
      startUnixMs: unixMs,
      agent: above?.agent,
      owner: above?.owner ?? 0,
    };
    switch (type) {
      case FlueSpanType.turn:
        this.#spans.set(handle, {
          ...within,
          handle: this.#open(core, Operation.chat, within.owner, unixMs, requestFields(event)),
        });
        break;
      case FlueSpanType.tool: {
        const tool = toolOf(event);
        if (tool === undefined) break;
        const agent = above?.agent ?? agentOf(event);
        const fields = labels().text(Field.toolName, tool).text(Field.agentName, agent);
        this.#spans.set(handle, {
          ...within,
          handle: this.#open(core, Operation.executeTool, within.owner, unixMs, fields),
        });
        break;
      }
      default:
        this.#spans.set(handle, this.#agent(event, within, above));
    }
  }

  /**
   * Ends the measurement of a span.
   *
   * @param event The event of the span. Undefined if another event ended it.
   */
  ended(span: number, event: FlueEvent | undefined, unixMs: number): void {
    const measured = this.#spans.take(span);
    if (measured !== undefined) this.#end(measured, event, unixMs);
  }

  /** Ends all measurements. Their handles belong to an instance that no longer exists. */
  abandon(unixMs: number): void {
    for (const measured of this.#spans.takeAll()) this.#end(measured, undefined, unixMs);
  }

  #agent(
    event: FlueEvent,
    within: Omit<Measured, "handle">,
    above: Measured | undefined,
  ): Measured {
    const agent = agentOf(event) ?? within.agent;
    const isTask = within.type === FlueSpanType.task;
    const isDelegated = above?.type === FlueSpanType.task;
    const isPrompt = within.type === FlueSpanType.operation && isAgentWork(event);
    // The prompt of a delegated task is the work of the task's agent.
    if (isDelegated || !(isTask || isPrompt)) return { ...within, handle: 0 };
    const { core, startUnixMs } = within;
    const fields = labels().text(Field.agentName, agent);
    const handle = this.#open(core, Operation.invokeAgent, 0, startUnixMs, fields);
    return { ...within, agent, handle, owner: handle };
  }

  #open(core: Core, operation: number, owner: number, unixMs: number, fields: SpanFields): number {
    const handle = core.openSpan(operation, owner, 0, spanFlags, unixMs);
    if (handle === 0) return 0;
    core.startSpan(handle, Profile.latest, fields, noReceiver);
    return handle;
  }

  #end(
    { core, handle, type, startUnixMs }: Measured,
    event: FlueEvent | undefined,
    unixMs: number,
  ) {
    const host = this.#telemetry()?.host;
    if (handle === 0 || host?.core !== core) return;
    const fields = labels();
    let outcome: number = Outcome.truncated;
    let end = unixMs;
    if (event !== undefined) {
      const { durationMs } = event as { durationMs?: unknown };
      if (typeof durationMs === "number") end = startUnixMs + durationMs;
      if (type === FlueSpanType.turn) fillUsage(fields, event);
      const cause = causeOf(event);
      outcome = cause === undefined ? Outcome.finished : Outcome.failed;
      if (cause === "AbortError") outcome = Outcome.cancelled;
      fields.text(Field.errorType, cause);
    }
    core.endSpan(handle, outcome, 0, end, Profile.latest, 0, 0, 0, fields, noReceiver);
    host.onRecord();
  }

  /** Returns the parent's measurement. Undefined if a replaced core measured it. */
  #ownIn(core: Core, handle: number): Measured | undefined {
    const above = this.#spans.get(handle);
    return above?.core === core ? above : undefined;
  }
}

/** Returns the fields of a span that is only measured. */
function labels(): SpanFields {
  return new SpanFields(undefined, true);
}

function requestFields(event: FlueEvent): SpanFields {
  const { provider, model } = modelOf(event);
  return labels().text(Field.providerName, provider).text(Field.requestModel, model);
}

function fillUsage(fields: SpanFields, event: FlueEvent): void {
  const { responseModel, input, output, cacheRead, cacheWrite } = usageOf(event);
  fields
    .text(Field.responseModel, responseModel)
    .number(Field.inputTokens, input)
    .number(Field.outputTokens, output)
    .number(Field.cacheReadInputTokens, cacheRead)
    .number(Field.cacheCreationInputTokens, cacheWrite);
}

function isAgentWork(event: FlueEvent): boolean {
  const { operationKind } = event as { operationKind?: unknown };
  return operationKind === "prompt" || operationKind === "skill";
}
