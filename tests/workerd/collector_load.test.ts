import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type CollectedEvent, droppedEvents } from "../harness/spans.ts";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../otlp_receiver/requests.ts";
import { received } from "../unit/support/exporting.ts";
import { type CollectedApp, startCollected } from "./harness/collected_app.ts";
import { eventually } from "./harness/eventually.ts";

let receiver: Receiver;
let app: CollectedApp;
before(async () => {
  receiver = await startReceiver();
  app = await startCollected(receiver.url, { tellsCounts: true });
});
after(async () => {
  await app.worker.close();
  await receiver.close();
});

const sent = (): ReceivedItem[] => receiver.requests.flatMap(({ items }) => items);

/** What the collector counted since the last call, once nothing is on its way. Whatever happens, it has to add up. */
async function settled(): Promise<Record<string, number>> {
  await eventually(async () => {
    const { otlp_queued = 0, otlp_sending = 0, ...counts } = await app.diagnostics();
    assert.equal(otlp_queued + otlp_sending, 0);
    assert.equal(counts["otlp_made"], counts["collector_spans_exported"]);
    assert.equal(counts["otlp_made"], sumOf(counts, "otlp_accepted", "otlp_dropped_"));
    assert.equal(
      counts["collector_spans_opened"],
      sumOf(
        counts,
        "collector_spans_exported",
        "collector_spans_sampled_out",
        "collector_spans_dropped_",
      ),
    );
  });
  const counts = await app.diagnostics();
  const increments = Object.entries(counts).map(([name, count]) => [
    name,
    count - (last[name] ?? 0),
  ]);
  last = counts;
  return Object.fromEntries(increments) as Record<string, number>;
}

let last: Record<string, number> = {};

/** The counts whose names begin so. */
function sumOf(counts: Record<string, number>, ...prefixes: string[]): number {
  return Object.entries(counts)
    .filter(([name]) => prefixes.some((prefix) => name.startsWith(prefix)))
    .reduce((sum, [, count]) => sum + count, 0);
}

function sumOfSeries(samples: ReadonlyMap<string, number>, family: string, label = ""): number {
  return [...samples]
    .filter(([name]) => name.startsWith(`${family}{`) && name.includes(label))
    .reduce((sum, [, value]) => sum + value, 0);
}

describe("200 requests at once", () => {
  const requests = 200;
  const spansOfRequest = 6;
  const spans = requests * spansOfRequest;

  test("every span the runtime opened arrives once, under its parent", async () => {
    const answers = await Promise.all(
      Array.from({ length: requests }, (_, item) => app.worker.fetch(`/look?item=${item}`)),
    );
    for (const answer of answers) assert.match(await answer.text(), /taken/);
    const native = await app.worker.takeSpans({ invocations: 2 * requests, timeoutMs: 20_000 });
    assert.equal(native.length, spans);
    const counts = await settled();
    assert.equal(counts["collector_spans_opened"], spans);
    assert.equal(counts["otlp_accepted"], spans);
    const parents = new Map(native.map((span) => [span.spanId, span.parentSpanId ?? ""]));
    assert.equal(sent().length, spans);
    for (const { spanId, parentSpanId, name } of sent()) {
      assert.equal(parentSpanId, parents.get(spanId), name);
      parents.delete(spanId);
    }
    assert.equal(parents.size, 0);
  });

  test("they share requests to the backend", () => {
    assert.ok(receiver.requests.length < requests / 10, `${receiver.requests.length} requests`);
  });

  test("the metrics have each of them", async () => {
    await eventually(async () => {
      const samples = await app.scrape();
      const durations = "http_server_request_duration_seconds_count";
      assert.equal(sumOfSeries(samples, durations, 'url_scheme="http"'), requests);
      assert.equal(sumOfSeries(samples, durations, 'url_scheme="https"'), requests);
      assert.equal(sumOfSeries(samples, "faas_invoke_duration_seconds_count"), 2 * requests);
      assert.equal(sumOfSeries(samples, "isotel_collector_spans_total"), spans);
      assert.equal(samples.get('isotel_collector_spans_total{result="exported"}'), spans);
    });
  });
});

describe("10,000 spans in one turn of a Worker, which the runtime does not hand over whole", () => {
  const opened = 10_000 + 1;
  let counts: Record<string, number>;
  let events: CollectedEvent[];
  let lost: number;
  before(async () => {
    receiver.requests.length = 0;
    assert.equal(await (await app.worker.fetch("/burst?count=10000")).text(), "10000");
    await eventually(async () => {
      assert.equal((await app.diagnostics())["collector_invocations"], 2 * 200 + 1);
      assert.ok(sent().some(({ name }) => name === "GET"));
    });
    counts = await settled();
    events = await app.takeEvents();
    lost = counts["collector_events_lost"] ?? 0;
  });

  test("the runtime tells how much it has dropped", () => {
    const dropped = droppedEvents(events);
    assert.ok(dropped > 0);
    // Each span is three events, and the invocation has four: its beginning, answer, loss and end.
    assert.equal(events.length + dropped, 3 * 10_000 + 4);
  });

  test("spans that arrived and spans the runtime dropped are all there were", () => {
    const root = received(sent(), "GET");
    const isAnswerLost = root.attributes["http.response.status_code"] === undefined;
    const lostSpans = Math.floor((lost - Number(isAnswerLost)) / 3);
    assert.ok(lostSpans > 0);
    assert.equal(sent().length + lostSpans, opened);
    assert.equal(root.attributes["isotel.tail.dropped_events"], lost);
  });

  test("nothing else was lost, and nothing is counted twice", () => {
    assert.equal(counts["collector_spans_opened"], sent().length);
    assert.equal(counts["otlp_accepted"], sent().length);
    assert.equal(new Set(sent().map(({ spanId }) => spanId)).size, sent().length);
    assert.ok((counts["collector_spans_truncated"] ?? 0) <= 1);
    // What the runtime says is gone is what its numbers leave out.
    assert.equal(counts["collector_events_missing"], lost);
    for (const name of ["repeated", "unmatched"]) {
      assert.equal(counts[`collector_events_${name}`], 0, name);
    }
    assert.equal(counts["collector_failures"], 0);
  });

  test("the metrics tell of the loss", async () => {
    await eventually(async () => {
      const samples = await app.scrape();
      const name = 'isotel_collector_events_dropped_total{reason="lost"}';
      assert.equal(samples.get(name), lost);
      const all = sumOf(await app.diagnostics(), "collector_spans_opened");
      assert.equal(sumOfSeries(samples, "isotel_collector_spans_total"), all);
    });
  });

  test("the next request is whole again", async () => {
    receiver.requests.length = 0;
    await (await app.worker.fetch("/look?item=lamp")).text();
    await eventually(async () => assert.equal(sent().length, 6));
    assert.equal((await settled())["collector_events_lost"], 0);
  });
});
