// The spans of a conversation as each AI backend gets them, compared with the files in tests/otlp/dialects. With
// ISOTEL_WRITE_FIXTURES=1 they are written anew.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { env } from "node:process";
import { before, describe, test } from "node:test";
import type { BackendOptions } from "../../../bindings/otlp/backends/backend.ts";
import { Exports } from "../../../bindings/otlp/exporting.ts";
import { systemEnvironment } from "../../../bindings/otlp/pipeline/make_pipeline.ts";
import type { OtlpOptions } from "../../../bindings/otlp/pipeline/options.ts";
import { noopRuntime } from "../../../bindings/trace/span_runtime.ts";
import type { Telemetry } from "../../../bindings/trace/telemetry.ts";
import { type ReceivedRequest, receiverOfFile } from "../../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../../otlp_receiver/requests.ts";
import { tracingOver } from "../support/tracing.ts";
import { callMcpTools, converse } from "./support/ai_conversation.ts";

const receiver = await receiverOfFile();

const to = (name: string) => ({
  endpoint: `${receiver.url}/${name}`,
  signals: ["traces"] as const,
});

/** A backend of each dialect. Datadog's LLM Observability reads the conventions. */
const backends: Readonly<Record<string, BackendOptions>> = {
  openinference: { backend: "phoenix", ...to("openinference") },
  langfuse: { backend: "langfuse", publicKey: "pk", secretKey: "sk", ...to("langfuse") },
  langsmith: { backend: "langsmith", apiKey: "k", format: "json", ...to("langsmith") },
  braintrust: { backend: "braintrust", apiKey: "k", parent: "p", ...to("braintrust") },
  datadog: { backend: "datadog", apiKey: "k", intake: "llmobs", ...to("datadog") },
  sentry: { backend: "sentry", dsn: "https://k@sentry.example/1", format: "json", ...to("sentry") },
};

/** Runs a program whose spans all backends get. */
async function exported(program: (telemetry: Telemetry) => Promise<void>): Promise<void> {
  const { telemetry } = tracingOver(noopRuntime);
  const environment = systemEnvironment(
    () => 1_700_000_000_000,
    () => {},
  );
  const options: OtlpOptions = { backends: Object.values(backends), serviceName: "shop" };
  const pipeline = new Exports(telemetry, environment).use(options, {});
  await program(telemetry);
  await pipeline.flush();
}

/** A list of texts over several lines, and the same in one. */
const list = /\[\n\s+"(?:[^"\\]|\\.|",\n\s+")*"\n\s+\]/g;
const inLine = (lines: string): string => JSON.stringify(JSON.parse(lines)).replace(/","/g, '", "');

/** A span as a reader wants to see it: no identifiers and no times, which differ from run to run. */
function readable(spans: readonly ReceivedItem[]) {
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  return spans.map(({ name, kind, status, parentSpanId, attributes, events }) => ({
    name,
    parent: names.get(parentSpanId),
    kind: ["", "INTERNAL", "SERVER", "CLIENT"][kind],
    ...(status === 2 ? { status: "ERROR" } : {}),
    ...(events.length > 0 ? { events } : {}),
    attributes: Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1))),
  }));
}

describe("a conversation of ai@7, streamed, with tools, pictures, errors, embeddings and MCP", () => {
  let requests: ReceivedRequest[];
  before(async () => {
    // A telemetry has one profile.
    await exported((telemetry) => converse(telemetry, "latest"));
    await exported((telemetry) => converse(telemetry, "agents"));
    await exported(callMcpTools);
    requests = [...receiver.requests];
  });

  for (const name of Object.keys(backends)) {
    test(`is what the file of ${name} says`, () => {
      const file = `${import.meta.dirname}/../../otlp/dialects/${name}.json`;
      const spans = requests
        .filter(({ path }) => path.includes(`/${name}/`))
        .flatMap(({ items }) => items);
      assert.ok(spans.length >= 12, `${spans.length} spans`);
      const sent = readable(spans);
      if (env["ISOTEL_WRITE_FIXTURES"] !== undefined) {
        writeFileSync(file, `${JSON.stringify(sent, null, 2).replace(list, inLine)}\n`);
      }
      assert.deepEqual(JSON.parse(JSON.stringify(sent)), JSON.parse(readFileSync(file, "utf8")));
    });
  }

  test("loses no value on the way to any backend", () => {
    const of = (name: string) =>
      requests.filter(({ path }) => path.includes(`/${name}/`)).flatMap(({ items }) => items);
    const plain = of("datadog");
    for (const name of Object.keys(backends)) {
      const spans = of(name);
      assert.equal(spans.length, plain.length, name);
      for (const [index, { attributes }] of plain.entries()) {
        const values = Object.values(spans[index]?.attributes ?? {}).map((value) =>
          JSON.stringify(value),
        );
        for (const [key, value] of Object.entries(attributes)) {
          assert.ok(values.includes(JSON.stringify(value)), `${name} lost ${key}`);
        }
      }
    }
  });
});
