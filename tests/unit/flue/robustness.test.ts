import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FlueObserver, type FlueSemconv } from "../../../bindings/flue/flue_observer.ts";
import { type RecordedFlueSpan, RecordingSink } from "../../../bindings/flue/recording_sink.ts";
import { type Occurrence, readEvents, scenariosGenAi, scenariosV1 } from "../../flue/recordings.ts";
import { newHost } from "../support/flue.ts";

interface Recording {
  readonly name: string;
  readonly events: readonly Occurrence[];
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
const disturbances: Record<string, (events: readonly Occurrence[], at: number) => Occurrence[]> = {
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

function replay(events: readonly Occurrence[], semconv: FlueSemconv): Replayed {
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
  events: readonly Occurrence[],
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
