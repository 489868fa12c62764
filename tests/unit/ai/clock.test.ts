import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CoreHost } from "../../../bindings/core/core_host.ts";
import { Telemetry } from "../../../bindings/trace/telemetry.ts";
import { coreModule } from "../../wasm/support/module.ts";
import { sdks, textAnswer, textParts, wrapped } from "../support/ai_sdk.ts";
import { RecordingRuntime } from "../support/recording_runtime.ts";

function counted() {
  let readings = 0;
  const clock = () => {
    readings += 1;
    return 1000 * readings;
  };
  const runtime = new RecordingRuntime();
  const telemetry = new Telemetry(new CoreHost(() => coreModule), runtime, clock);
  return { runtime, telemetry, readings: () => readings };
}

for (const sdk of sdks) {
  describe(`a call of ai ${sdk.name} that nothing measures`, () => {
    test("reads no clock when it answers at once", async () => {
      const { telemetry, runtime, readings } = counted();
      const model = sdk.model({ generate: [textAnswer()] });
      await wrapped(telemetry, sdk).generateText({ model, prompt: "p" });
      assert.equal(runtime.spans.length, 2);
      assert.equal(readings(), 0);
    });

    test("reads it at the request and at the first chunk when it streams", async () => {
      const { telemetry, runtime, readings } = counted();
      const model = sdk.model({ stream: [textParts("Hello", "World")] });
      await wrapped(telemetry, sdk).streamText({ model, prompt: "p" }).consumeStream();
      assert.equal(readings(), 2);
      const keys = runtime.spans.flatMap(({ attributes }) => [...attributes.keys()]);
      assert.ok(keys.includes("gen_ai.response.time_to_first_chunk"), keys.join(" "));
    });
  });
}
