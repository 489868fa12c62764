import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FlueObserver, type FlueSemconv } from "../../../bindings/flue/flue_observer.ts";
import {
  type EventContext,
  readEvents,
  scenariosGenAi,
  scenariosV1,
} from "../../flue/recordings.ts";
import { newHost } from "../support/flue.ts";
import { type RecordedFlueSpan, RecordingSink } from "../support/recording_sink.ts";
import { RunPlanner, UserCode } from "../support/user_code.ts";

interface Recording {
  readonly name: string;
  readonly events: readonly EventContext[];
  readonly semconv: FlueSemconv;
}

const recordings: readonly Recording[] = [
  ...scenariosV1.map(
    (name): Recording => ({
      name: `v1 ${name}`,
      events: readEvents("v1beta1", name),
      semconv: "flue",
    }),
  ),
  ...(["flue", "gen_ai"] as const).flatMap((semconv) =>
    scenariosGenAi.map(
      (name): Recording => ({
        name: `v3 ${name} as ${semconv}`,
        events: readEvents("v2.1.0", name),
        semconv,
      }),
    ),
  ),
];

/** Each way to disturb a stream at one of its positions. */
const disturbances: Record<
  string,
  (events: readonly EventContext[], at: number) => EventContext[]
> = {
  dropped: (events, at) => events.toSpliced(at, 1),
  duplicated: (events, at) => events.toSpliced(at, 0, ...events.slice(at, at + 1)),
  "repeated at the end": (events, at) => [...events, ...events.slice(at, at + 1)],
  "moved to the end": (events, at) => [...events.toSpliced(at, 1), ...events.slice(at, at + 1)],
  "moved to the beginning": (events, at) => [
    ...events.slice(at, at + 1),
    ...events.toSpliced(at, 1),
  ],
  "swapped with the next": (events, at) => [
    ...events.slice(0, at),
    ...events.slice(at, at + 2).reverse(),
    ...events.slice(at + 2),
  ],
  "the last before a cut": (events, at) => events.slice(0, at + 1),
  "the first after a cut": (events, at) => events.slice(at),
};

interface Replayed {
  readonly sink: RecordingSink;
  readonly counts: Readonly<Record<string, number>>;
}

function replay(events: readonly EventContext[], semconv: FlueSemconv): Replayed {
  const sink = new RecordingSink();
  const observer = new FlueObserver(newHost(), sink, {
    semconv,
    exportContent: (event) => event,
  });
  for (const { event, ctx } of events) observer.observe(event, ctx);
  const counts = observer.diagnostics();
  assert.equal(counts["swallowed_errors"], 0);
  assert.equal(counts["traps"], 0);
  const stillOpen = sink.spans.filter(({ end }) => end === undefined);
  assert.equal(stillOpen.length, counts["open_spans"]);
  assert.ok(sink.spans.every(({ ends }) => ends <= 1));
  assertNoneOutlives(stillOpen, events);
  observer.endAll();
  assert.ok(sink.spans.every(({ ends }) => ends === 1));
  assert.equal(observer.diagnostics()["open_spans"], 0);
  return { sink, counts };
}

/**
 * That no span is open whose run, operation or submission has ended, or that of a span it was opened under.
 */
function assertNoneOutlives(
  stillOpen: readonly RecordedFlueSpan[],
  events: readonly EventContext[],
): void {
  const ended = new Set<unknown>();
  for (const { event } of events) {
    if (event.type === "run_end") ended.add(event["runId"]);
    if (event.type === "run_resume") ended.delete(event["runId"]);
    if (event.type === "operation") ended.add(event["operationId"]);
    if (event.type === "submission_settled") ended.add(event["submissionId"]);
  }
  for (const open of stillOpen) {
    for (let span: RecordedFlueSpan | undefined = open; span; span = span.start.parent) {
      const { attributes } = span.start;
      const scopes = ["run", "operation", "submission"].map(
        (scope) => attributes[`flue.${scope}.id`],
      );
      assert.ok(!scopes.some((scope) => ended.has(scope)), `${open.start.name} is left open`);
    }
  }
}

describe("a stream of events with a fault", () => {
  for (const { name, events, semconv } of recordings) {
    test(`${name}: as recorded, nothing is dropped and nothing left open`, () => {
      const { sink, counts } = replay(events, semconv);
      const { open_spans, late_starts, duplicate_starts, unkeyed_events, unmatched_ends } = counts;
      assert.deepEqual(
        { open_spans, late_starts, duplicate_starts, unkeyed_events, unmatched_ends },
        {
          open_spans: 0,
          late_starts: 0,
          duplicate_starts: 0,
          unkeyed_events: 0,
          unmatched_ends: 0,
        },
      );
      assert.ok(sink.spans.length > 0);
    });

    for (const [kind, disturb] of Object.entries(disturbances)) {
      test(`${name}: each event ${kind}`, () => {
        const whole = replay(events, semconv).sink.spans.length;
        for (const at of events.keys()) {
          // At most one span more than there should be: an event can open one.
          assert.ok(replay(disturb(events, at), semconv).sink.spans.length <= whole + 1);
        }
      });
    }
  }

  for (const semconv of ["flue", "gen_ai"] as const) {
    test(`as ${semconv}, all recordings at once become the spans they become one after the other`, () => {
      const some = recordings.filter(({ name }) => name.startsWith("v1") || name.endsWith(semconv));
      const streams = some.map(({ events }) => events);
      const alone = streams.map((events) => replay(events, semconv).sink.spans.length);
      const length = Math.max(...streams.map((events) => events.length));
      const mixed = Array.from({ length }, (_, i) =>
        streams.flatMap((events) => events.slice(i, i + 1)),
      );
      const { sink, counts } = replay(mixed.flat(), semconv);
      assert.equal(
        sink.spans.length,
        alone.reduce((sum, spans) => sum + spans),
      );
      assert.equal(counts["open_spans"], 0);
      assert.ok(sink.spans.every(({ start }) => start.parent === undefined || start.parent.end));
    });
  }
});

/** What user code may do with the observer while an event is taken. */
interface Taking {
  readonly observer: FlueObserver<RecordedFlueSpan, unknown>;
  /** Observes the event that follows, which then does not come again. */
  observeNext(): void;
}

const workOfItsOwn = readEvents("v1beta1", "failing-tool");
const takingActions: Record<string, (taking: Taking) => void> = {
  "observes the event after it": ({ observeNext }) => observeNext(),
  "observes work of its own": ({ observer }) => {
    for (const { event, ctx } of workOfItsOwn) observer.observe(event, ctx);
  },
  "ends every span": ({ observer }) => observer.endAll(),
};

/** The spans of events whose properties are getters, with callbacks and a sink that are user code too. */
function replayUserCode(
  events: readonly EventContext[],
  semconv: FlueSemconv,
  action: (taking: Taking) => void,
  place: { readonly target?: number; readonly afterEvent?: number },
) {
  const seen = new Set<number>();
  let current = 0;
  const observeNext = () => {
    const next = current + 1;
    const { event, ctx } = events[next] ?? {};
    seen.add(next);
    if (event !== undefined && ctx !== undefined) observer.observe(event, ctx);
  };
  const code = new UserCode(place.target, () => action({ observer, observeNext }));
  class UserSink extends RecordingSink {
    override open(start: Parameters<RecordingSink["open"]>[0]): RecordedFlueSpan {
      code.reach("open a span");
      return super.open(start);
    }

    override end(...ending: Parameters<RecordingSink["end"]>): void {
      code.reach("end a span");
      super.end(...ending);
    }
  }
  const sink = new UserSink();
  const callbacks = {
    semconv,
    exportContent: (event: object) => {
      code.reach("exportContent");
      return event;
    },
    resolveRootContext: () => {
      code.reach("resolveRootContext");
      return "root";
    },
  };
  const observer = new FlueObserver(newHost(), sink, callbacks, () => 1_000_000);
  /** The event during which each point is reached. */
  const eventOf: number[] = [];
  for (const [i, { event, ctx }] of events.entries()) {
    if (seen.has(i)) continue;
    current = i;
    observer.observe(code.getters(event, event.type), ctx);
    while (eventOf.length < code.points.length) eventOf.push(i);
    if (place.afterEvent === i) action({ observer, observeNext });
  }
  observer.endAll();
  const { swallowed_errors, traps, open_spans } = observer.diagnostics();
  assert.deepEqual([swallowed_errors, traps, open_spans], [0, 0, 0]);
  const numberOf = (span: RecordedFlueSpan | undefined) => span && sink.spans.indexOf(span);
  const spans = sink.spans.map(({ start, ...rest }) => ({
    ...rest,
    ...start,
    parent: numberOf(start.parent),
    predecessor: numberOf(start.predecessor),
  }));
  return { spans, points: code.points, eventOf };
}

describe("user code that runs while an event is taken", () => {
  const isHook = (what: string) => !what.startsWith("get ");
  const actionNames = Object.keys(takingActions);
  const wanted = ["v1 workflow-tool-task", "v3 edges as flue", "v3 edges as gen_ai"];
  for (const { name, events, semconv } of recordings.filter(({ name }) => wanted.includes(name))) {
    test(`${name}: what it observes becomes the spans it would become after that event`, () => {
      const { points, eventOf, spans } = replayUserCode(events, semconv, () => {}, {});
      assert.ok(spans.length > 0 && new Set(points).size > 50);
      const known = new Map<string, { readonly spans: unknown }>();
      const planner = new RunPlanner(actionNames, isHook);
      for (const { target, actionName } of planner.runsOf(points, actionNames.length)) {
        const action = takingActions[actionName] as (taking: Taking) => void;
        const afterEvent = eventOf[target] as number;
        const key = `${actionName} ${afterEvent}`;
        const expected = known.get(key) ?? replayUserCode(events, semconv, action, { afterEvent });
        known.set(key, expected);
        const actual = replayUserCode(events, semconv, action, { target });
        assert.deepEqual(actual.spans, expected.spans, `${actionName}: ${points[target]}`);
      }
    });
  }

  test("observes an event for every event it observes, which comes to an end", () => {
    const sink = new RecordingSink();
    const [first] = readEvents("v1beta1", "workflow-tool-task");
    assert.ok(first !== undefined);
    const { event, ctx } = first;
    let asked = 0;
    const resolveRootContext = () => {
      asked += 1;
      observer.observe({ ...event, runId: `run-${asked}` } as never, ctx);
      return undefined;
    };
    const observer = new FlueObserver(newHost(), sink, { resolveRootContext });
    observer.observe(event, ctx);
    assert.ok(asked > 1);
    assert.equal(observer.diagnostics()["swallowed_errors"], 1);
  });
});
