import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../otlp_receiver/requests.ts";
import { eventually } from "../workerd/harness/eventually.ts";
import { type PlainWorkers, startPlainWorkers } from "../workerd/harness/plain_workerd.ts";
import { eventViolations, schemas } from "./support/latest.ts";

const name = "conformance_events";
const main = "tests/workerd/apps/conformance/index.ts";
const details = "gen_ai.client.inference.operation.details";
const exception = "gen_ai.client.inference.exception";
const inference = new Set(["chat", "generate_content"]);

/** Longer content may have been cut on spans. */
const cutLength = 20_000;

const contentKeys = Object.keys(schemas);
const serverKind = 2;
const hasFailed = ({ status }: ReceivedItem) => status === 2;

interface Sent {
  /** Spans of calls of models that the conventions call inference. */
  readonly calls: readonly ReceivedItem[];
  readonly details: readonly ReceivedItem[];
  readonly exceptions: readonly ReceivedItem[];
}

function received({ requests }: Receiver): Sent {
  const of = (signal: string) =>
    requests.filter(({ path }) => path.endsWith(signal)).flatMap(({ items }) => items);
  const logs = of("/logs");
  return {
    calls: of("/traces").filter(({ attributes }) =>
      inference.has(String(attributes["gen_ai.operation.name"])),
    ),
    details: logs.filter(({ eventName }) => eventName === details),
    exceptions: logs.filter(({ eventName }) => eventName === exception),
  };
}

const ids = (items: readonly ReceivedItem[]) => items.map((item) => item.spanId).sort();

async function sentTo(
  receiver: Receiver,
  workers: PlainWorkers,
  paths: (outcomes: readonly string[]) => readonly string[],
): Promise<Sent> {
  const outcomes = await (await workers.fetchFrom(name, "/outcomes")).json();
  const asked = paths(outcomes as string[]);
  for (const path of asked) {
    const response = await workers.fetchFrom(name, path);
    assert.equal(response.status, 200, await response.text());
  }
  await eventually(async () => {
    const roots = receiver.requests
      .flatMap(({ items }) => items)
      .filter(({ kind }) => kind === serverKind);
    assert.equal(roots.length, 1 + asked.length);
    const sent = received(receiver);
    assert.deepEqual(ids(sent.details), ids(sent.calls));
    assert.deepEqual(ids(sent.exceptions), ids(sent.calls.filter(hasFailed)));
  });
  const sent = received(receiver);
  for (const event of [...sent.details, ...sent.exceptions]) {
    assert.deepEqual(eventViolations(event), [], JSON.stringify(event.attributes));
  }
  return sent;
}

for (const semconv of ["agents", "latest"] as const) {
  for (const contentOn of ["spans", "events", "both"] as const) {
    describe(`events of profile ${semconv} with content on ${contentOn}`, () => {
      const options = { inferenceEvents: true, exceptionEvents: true, recordErrors: true };

      /** Asks a Worker of its own, and waits until each call has its records. */
      async function sentBy(
        paths: (outcomes: readonly string[]) => readonly string[],
      ): Promise<Sent> {
        const receiver = await startReceiver();
        try {
          const vars = {
            SEMCONV: semconv,
            OPTIONS: JSON.stringify({ ...options, contentOn }),
            OTLP: JSON.stringify({ backend: "custom", endpoint: receiver.url }),
          };
          const workers = await startPlainWorkers([{ name, main, vars }]);
          try {
            return await sentTo(receiver, workers, paths);
          } finally {
            await workers.close();
          }
        } finally {
          await receiver.close();
        }
      }

      for (const major of ["v6", "v7"]) {
        // The place of content does not concern outcomes.
        if (contentOn === "both") {
          test(`each model call of ${major} has its record, and each failed one an exception`, async () => {
            const sent = await sentBy((outcomes) =>
              outcomes.map((one) => `/functions?major=${major}&outcome=${one}`),
            );
            assert.ok(sent.calls.length > 30 && sent.exceptions.length > 3);
            for (const { spanId, attributes } of sent.exceptions) {
              const call = sent.calls.find((one) => one.spanId === spanId);
              assert.equal(attributes["exception.type"], call?.attributes["error.type"]);
              assert.equal(attributes["exception.message"], call?.attributes["exception.message"]);
              assert.match(String(attributes["exception.stacktrace"]), /\n +at /);
            }
          });
        }

        test(`the record of ${major} has what its span has, and content in its place`, async () => {
          const sent = await sentBy(() => [`/content?major=${major}`]);
          const carried = new Set<string>();
          for (const event of sent.details) {
            const span = sent.calls.find(({ spanId }) => spanId === event.spanId);
            assert.ok(span);
            if ("gen_ai.output.messages" in { ...span.attributes, ...event.attributes }) {
              assert.ok(Array.isArray(event.attributes["gen_ai.response.finish_reasons"]));
            }
            for (const [key, value] of Object.entries(event.attributes)) {
              if (contentKeys.includes(key)) carried.add(key);
              else if (key in span.attributes) assert.deepEqual(value, span.attributes[key], key);
            }
            assert.equal(
              contentKeys.some((key) => key in event.attributes),
              contentOn !== "spans",
            );
            assert.equal(
              contentKeys.some((key) => key in span.attributes),
              contentOn !== "events",
              JSON.stringify(span),
            );
            if (contentOn !== "both" || semconv !== "latest") continue;
            for (const key of contentKeys) {
              const onSpan: unknown = span.attributes[key];
              const length = String(onSpan).length;
              if (length > cutLength) {
                // Records have room for more.
                assert.ok(JSON.stringify(event.attributes[key]).length > length, key);
                continue;
              }
              const parsed: unknown = onSpan === undefined ? undefined : JSON.parse(String(onSpan));
              assert.deepEqual(event.attributes[key], parsed, key);
            }
          }
          assert.deepEqual(
            [...carried].sort(),
            contentOn === "spans" ? [] : [...contentKeys].sort(),
          );
        });
      }
    });
  }
}
