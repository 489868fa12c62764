import { createOpenTelemetryInstrumentation } from "../../dist/flue/index.js";
import { flueObserver } from "../flue/peer.ts";
import { type EventContext, readEvents, scenariosV3 } from "../flue/recordings.ts";
import { type Benchmark, type Goal, type RunOptions, resultOf } from "./benchmark.ts";
import { alternate, compare, runAlone, type Subject } from "./measure.ts";

const spanContext = { traceId: "1".repeat(32), spanId: "1".repeat(16), traceFlags: 1 };

let opened = 0;
let ended = 0;
let attributes = 0;
let isChecking = false;

function count(more: object | undefined): void {
  if (isChecking) attributes += Object.keys(more ?? {}).length;
}

/**
 * A tracer that keeps nothing, as with an exporter that does nothing. Counts spans during the check that both sides
 * work.
 */
const span = {
  spanContext: () => spanContext,
  isRecording: () => true,
  setAttribute: () => span,
  setAttributes(more: object) {
    count(more);
    return span;
  },
  addEvent: () => span,
  setStatus: () => span,
  updateName: () => span,
  recordException() {},
  end() {
    ended += 1;
  },
};
const tracer = {
  startSpan(_name: string, options: { attributes?: object }) {
    opened += 1;
    count(options.attributes);
    return span;
  },
};

const identifiers = ["operationId", "turnId", "taskId", "toolCallId", "instanceId", "submissionId"];
/** With this number, ended work is no longer remembered when its recording is replayed again. */
const copies = 800;

/** Copies of the recordings, each with different identifiers. */
function makeEvents(): EventContext[][] {
  const recorded = scenariosV3.flatMap((scenario) => readEvents("v2.1.0", scenario));
  return Array.from({ length: copies }, (_, copy) =>
    recorded.map(({ event, ctx }) => {
      const changed = identifiers
        .filter((name) => typeof event[name] === "string")
        .map((name) => [name, `${event[name]}-${copy}`]);
      return { event: { ...event, ...Object.fromEntries(changed) }, ctx };
    }),
  );
}

/** Replays one copy after the other. */
function replaying(
  observe: (event: EventContext) => void,
  all: readonly EventContext[][],
): () => void {
  let next = 0;
  return () => {
    for (const event of all[next] as EventContext[]) observe(event);
    next = (next + 1) % all.length;
  };
}

function check({ name, run }: Subject): void {
  opened = 0;
  ended = 0;
  attributes = 0;
  isChecking = true;
  run();
  isChecking = false;
  if (opened < 20 || opened !== ended || attributes < 10 * opened) {
    throw new Error(`${name}: ${opened} spans opened, ${ended} ended, ${attributes} attributes.`);
  }
}

async function measure(content: boolean, { effort, isProfile }: RunOptions) {
  const all = makeEvents();
  const exported = content ? { exportContent: (event: object) => event } : {};
  const { observe } = createOpenTelemetryInstrumentation({ tracer, ...exported } as never);
  const ours: Subject = {
    name: "isotel",
    run: replaying(({ event, ctx }) => observe(event, ctx), all),
  };
  if (isProfile) {
    await runAlone(ours, 5000);
    return [];
  }
  const peer: Subject = {
    name: "@flue/opentelemetry",
    run: replaying(flueObserver(tracer, content), all),
  };
  check(ours);
  check(peer);
  const samples = await alternate([ours, peer], effort);
  const perEvent = ({ name }: Subject) =>
    (samples.get(name) ?? []).map((us) => us / (all[0]?.length ?? 1));
  return [resultOf(peer.name, compare(perEvent(ours), perEvent(peer)))];
}

const goal: Goal = { peer: "@flue/opentelemetry", ratio: 0.5 };

export const benchmarks: readonly Benchmark[] = [
  { id: "flue.replay", unit: "us", goal, run: (options) => measure(false, options) },
  { id: "flue.replay.content", unit: "us", run: (options) => measure(true, options) },
];
