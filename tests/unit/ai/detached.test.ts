import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createIntegration } from "../../../bindings/ai/hooks/register.ts";
import { wrapNamespace } from "../../../bindings/ai/sdk/wrap.ts";
import { noopRuntime } from "../../../bindings/trace/span_runtime.ts";
import { type Receiver, startReceiver } from "../../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../../otlp_receiver/requests.ts";
import { type Functions, type Sdk, sdks, textAnswer, textParts } from "../support/ai_sdk.ts";
import { type Exporting, exportingOver, received } from "../support/exporting.ts";
import { RecordingRuntime } from "../support/recording_runtime.ts";
import { recording } from "../support/tracing.ts";

let receiver: Receiver;
before(async () => {
  receiver = await startReceiver();
});
after(() => receiver.close());

const model = (sdk: Sdk) => sdk.model({ generate: [textAnswer()], stream: [textParts("Hello")] });

/** The ways to make a detached call. */
const ways: Readonly<
  Record<string, (exporting: Exporting, sdk: Sdk) => (way: keyof Functions) => Promise<unknown>>
> = {
  wrapAISDK: ({ telemetry }, sdk) => {
    const functions = wrapNamespace(telemetry, sdk.namespace, { detached: true });
    return (way) => run(functions, way, { model: model(sdk), prompt: "p" });
  },
  createAISDKTelemetry: ({ telemetry }, sdk) => {
    const integrations = [createIntegration(telemetry, { detached: true })];
    return (way) =>
      run(sdk.namespace, way, { model: model(sdk), prompt: "p", telemetry: { integrations } });
  },
};

async function run(functions: Functions, way: keyof Functions, params: object): Promise<unknown> {
  if (way === "generateText") return functions.generateText({ ...params });
  return functions.streamText({ ...params }).consumeStream();
}

function assertDetached(spans: readonly ReceivedItem[]): void {
  const operation = received(spans, "invoke_agent");
  const chat = received(spans, "chat model-1");
  const caller = received(spans, "caller");
  const later = received(spans, "later");
  assert.equal(operation.parentSpanId, "");
  assert.notEqual(operation.traceId, caller.traceId);
  assert.deepEqual(operation.links, [[caller.traceId, caller.spanId]]);
  assert.deepEqual([chat.traceId, chat.parentSpanId], [operation.traceId, operation.spanId]);
  assert.deepEqual([later.traceId, later.parentSpanId], [caller.traceId, caller.spanId]);
}

for (const sdk of sdks) {
  for (const [way, prepare] of Object.entries(ways)) {
    if (way === "createAISDKTelemetry" && sdk.name === "v6") continue;
    describe(`a detached call of ai ${sdk.name} through ${way}`, () => {
      for (const [what, runtime] of [
        ["without native tracing", () => noopRuntime],
        ["with native tracing", () => new RecordingRuntime()],
      ] as const) {
        for (const name of ["generateText", "streamText"] as const) {
          test(`${what} is a trace over OTLP with a link to its caller, of ${name}`, async () => {
            const exporting = exportingOver(runtime(), receiver);
            const call = prepare(exporting, sdk);
            await exporting.tracer.withSpan("caller", {}, async () => {
              await call(name);
              exporting.tracer.withSpan("later", {}, () => {});
            });
            assertDetached(await exporting.spans());
            assert.equal(exporting.count("swallowed_errors"), 0);
          });
        }
      }

      test("is sampled by itself: some are recorded without their callers, and some callers without them", async () => {
        const exporting = exportingOver(noopRuntime, receiver, { sampleRatio: 0.5 });
        const call = prepare(exporting, sdk);
        const seen = new Set<string>();
        for (let calls = 0; calls < 64 && seen.size < 4; calls += 1) {
          await exporting.tracer.withSpan("caller", {}, () => call("generateText"));
          const names = (await exporting.spans()).map(({ name }) => name);
          seen.add(names.sort().join());
        }
        const own = "chat model-1,invoke_agent";
        assert.deepEqual([...seen].sort(), ["", "caller", `caller,${own}`, own]);
      });

      test("outside of any span is a trace without a link", async () => {
        const exporting = exportingOver(noopRuntime, receiver);
        await prepare(exporting, sdk)("generateText");
        const operation = received(await exporting.spans(), "invoke_agent");
        assert.deepEqual([operation.parentSpanId, operation.links], ["", []]);
      });
    });
  }
}

test("a detached call in native traces stays below its caller, which the console says once", async (t) => {
  const said = t.mock.method(console, "error", () => {});
  for (const sdk of sdks) {
    const { telemetry, tracer, runtime } = recording();
    const functions = wrapNamespace(telemetry, sdk.namespace, { detached: true });
    for (let calls = 0; calls < 2; calls += 1) {
      await tracer.withSpan("caller", {}, () =>
        functions.generateText({ model: model(sdk), prompt: "p" }),
      );
    }
    const parents = runtime.spans.map(({ parentId }) => runtime.spans[parentId - 1]?.name);
    const once = [undefined, "caller", "invoke_agent"];
    assert.deepEqual(parents, [...once, ...once]);
  }
  const lines = said.mock.calls.map(({ arguments: [line] }) => String(line));
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /^isotel: detached calls stay in the trace of their caller/);
});
