import { errorType } from "../base/cause.ts";
import { reportOnce } from "../base/report_once.ts";
import { version } from "../base/shared.ts";
import { isFunction, record } from "../base/values.ts";
import { workersRuntime, workersTelemetry } from "../trace/workers_telemetry.ts";
import { traceChannel } from "./hooks/channel.ts";
import { markedAsOurs } from "./hooks/integration.ts";
import { type AISDKTelemetry, createIntegration } from "./hooks/register.ts";
import { type AITelemetryOptions, optionNames, readSettings } from "./options.ts";
import { wrapNamespace } from "./sdk/wrap.ts";

/**
 * One copy of this package in the isolate. Copies of other versions call it, so its members may be added to but not
 * changed.
 */
interface Copy {
  readonly version: string;
  /** The options that it takes. */
  readonly options: readonly string[];
  /** Whether its metrics or its export is set up. */
  isSetUp(): boolean;
  wrapAISDK(ai: object, options?: object): object;
  createAISDKTelemetry(options?: object): object;
  traceAISDKChannel(options?: object): () => void;
  /** Called when another copy begins to lead. */
  follow(): void;
}

/** The copies of this package that are used in the isolate, in the order of their first use. */
interface Copies {
  readonly all: Copy[];
  /** The copy that traces the calls of all copies. Set when the first call is made. */
  leader: Copy | undefined;
}

const key = Symbol.for("isotel.ai.copies");

const copies = sharedCopies();

function sharedCopies(): Copies {
  const known = (globalThis as { [key]?: Copies })[key];
  if (known !== undefined) return known;
  const value: Copies = { all: [], leader: undefined };
  // Has no effect if a program has frozen the object. Each copy then leads itself.
  Reflect.defineProperty(globalThis, key, { value });
  return value;
}

/** The tracing of the channel, which the leader takes over. */
interface ChannelTracing {
  readonly options: AITelemetryOptions | undefined;
  stop: () => void;
}

let channel: ChannelTracing | undefined;

const own: Copy = {
  version,
  options: Object.keys(optionNames),
  isSetUp: () =>
    workersTelemetry.runtime !== workersRuntime || workersTelemetry.host.core?.isMeasuring === true,
  wrapAISDK: wrapInCopies,
  createAISDKTelemetry: registerInCopies,
  traceAISDKChannel: traceChannelInCopies,
  follow() {
    const { leader } = copies;
    if (channel === undefined || leader === undefined) return;
    channel.stop();
    channel.stop = leader.traceAISDKChannel(knownTo(leader, channel.options));
  },
};

/** Adds this copy to the copies of the isolate. */
function join(): void {
  const { all } = copies;
  if (!all.includes(own)) all.push(own);
}

/** Returns the copy that leads, if it is not this one. The first call chooses it. */
function otherLeader(): Copy | undefined {
  if (copies.leader === undefined) {
    const { all } = copies;
    const leader = attempt(() => all.find((copy) => copy.isSetUp())) ?? all[0] ?? own;
    copies.leader = leader;
    for (const copy of all) if (copy !== leader) attempt(() => copy.follow());
  }
  return copies.leader === own ? undefined : copies.leader;
}

/** Calls another copy. Returns undefined if it fails, because the versions may be incompatible. */
function attempt<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (cause) {
    reportOnce(
      `isotel: copies of isotel of different versions do not understand each other (${errorType(cause)}). ` +
        "A call may be traced by each of them. Install one version",
    );
    return undefined;
  }
}

/** Returns the options without those that a copy of another version does not have. */
function knownTo(copy: Copy, options: AITelemetryOptions | undefined): object | undefined {
  if (options === undefined) return undefined;
  const entries = Object.entries(options).filter(([name]) => copy.options.includes(name));
  return Object.fromEntries(entries);
}

/** Results of the leader by options and namespace. */
const namespaces = new WeakMap<object, WeakMap<object, object>>();

/** Returns the namespace as the leader wraps it. Undefined if this copy leads. */
function wrappedByLeader(
  ai: object,
  options: AITelemetryOptions | undefined,
): Readonly<Record<string, unknown>> | undefined {
  const leader = otherLeader();
  if (leader === undefined) return undefined;
  const byOptions = namespaces.get(options ?? namespaces) ?? new WeakMap<object, object>();
  namespaces.set(options ?? namespaces, byOptions);
  const wrapped =
    byOptions.get(ai) ?? attempt(() => leader.wrapAISDK(ai, knownTo(leader, options)));
  if (wrapped !== undefined) byOptions.set(ai, wrapped);
  return record(wrapped);
}

/** Wraps a namespace; see `wrapAISDK`. */
export function wrapInCopies<T extends object>(ai: T, options?: AITelemetryOptions): T {
  const wrapped = wrapNamespace(workersTelemetry, ai, options, wrappedByLeader);
  join();
  return wrapped;
}

/** Makes an integration; see `createAISDKTelemetry`. */
export function registerInCopies(options?: AITelemetryOptions): AISDKTelemetry {
  const integration = createIntegration(workersTelemetry, options);
  join();
  let ofLeader: object | undefined;
  const hooks = Object.entries(integration).map(([name, ownHook]) => {
    const hook = (event: unknown): unknown => {
      const leader = otherLeader();
      if (leader !== undefined) {
        ofLeader ??= attempt(() => leader.createAISDKTelemetry(knownTo(leader, options)));
      }
      const hooks = record(ofLeader);
      if (hooks === undefined) return (ownHook as (event: unknown) => unknown)(event);
      const leaderHook = hooks[name];
      if (isFunction(leaderHook)) return leaderHook.call(hooks, event);
      // The version of the leader does not have the hook.
      const execute = record(event)?.["execute"];
      return isFunction(execute) ? execute() : undefined;
    };
    return [name, hook];
  });
  return markedAsOurs(Object.fromEntries(hooks) as AISDKTelemetry);
}

/** Traces the channel; see `traceAISDKChannel`. */
export function traceChannelInCopies(options?: AITelemetryOptions): () => void {
  readSettings(options);
  join();
  const { leader } = copies;
  const stop =
    leader === undefined || leader === own
      ? traceChannel(workersTelemetry, options, () => otherLeader() !== undefined)
      : leader.traceAISDKChannel(knownTo(leader, options));
  channel ??= { options, stop };
  const tracing = channel;
  return () => {
    tracing.stop();
    if (channel === tracing) channel = undefined;
  };
}
