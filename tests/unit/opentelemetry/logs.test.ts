// Log records of the OpenTelemetry API become log records over OTLP.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import api, { trace } from "@opentelemetry/api";
import { registerOver } from "../../../bindings/opentelemetry/register.ts";
import { noopRuntime } from "../../../bindings/trace/span_runtime.ts";
import { logs } from "../../opentelemetry/sdk.ts";
import { type Receiver, startReceiver } from "../../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../../otlp_receiver/requests.ts";
import { exportingOver } from "../support/exporting.ts";

let receiver: Receiver;
let unregister = () => {};
before(async () => {
  receiver = await startReceiver();
});
after(() => receiver.close());
afterEach(() => unregister());

const loggers = {
  "@opentelemetry/api-logs": () => logs.getLogger("library", "2.0.0"),
  "@opentelemetry/api": () => api.logs.getLogger("library", "2.0.0"),
};

/** Emits with both packages and returns what was received. */
async function emitted(
  name: keyof typeof loggers,
  emit: (logger: ReturnType<typeof logs.getLogger>) => void,
): Promise<readonly ReceivedItem[]> {
  const exporting = exportingOver(noopRuntime, receiver);
  const registration = registerOver(exporting.telemetry);
  unregister = registration.unregister;
  assert.equal(registration.logs, true);
  emit(loggers[name]() as ReturnType<typeof logs.getLogger>);
  const requests = receiver.requests;
  await exporting.pipeline.flush();
  const items = requests.filter(({ path }) => path.endsWith("/logs")).flatMap(({ items }) => items);
  requests.length = 0;
  return items;
}

for (const name of Object.keys(loggers) as (keyof typeof loggers)[]) {
  describe(`log records of ${name}`, () => {
    test("have severity, times, body, attributes, scope and the active span", async () => {
      let spanId = "";
      const items = await emitted(name, (logger) =>
        trace.getTracer("").startActiveSpan("active", (span) => {
          ({ spanId } = span.spanContext());
          logger.emit({
            severityNumber: 14,
            severityText: "WARNING",
            timestamp: [1_700_000_000, 5_000_000],
            observedTimestamp: 1_700_000_000_007,
            body: { nested: [1, "a"] },
            attributes: { text: "a", map: { deep: true } },
            eventName: "happened",
          });
          span.end();
        }),
      );
      assert.equal(items.length, 1);
      const [item] = items as [ReceivedItem];
      assert.deepEqual(
        [item.severity, item.eventName, item.attributes, item.scope, item.spanId],
        [
          [14, "WARNING"],
          "happened",
          { text: "a", map: { deep: true } },
          ["library", "2.0.0"],
          spanId,
        ],
      );
      assert.deepEqual(
        [item.json?.["timeUnixNano"], item.json?.["observedTimeUnixNano"]],
        ["1700000000005000000", "1700000000007000000"],
      );
      assert.match(JSON.stringify(item.json?.["body"]), /nested.*stringValue":"a"/);
    });

    test("show an exception as attributes, which do not replace given ones", async () => {
      const exception = Object.assign(new TypeError("broken"), { code: "E_BROKEN" });
      const attributes = { "exception.message": "given" };
      const items = await emitted(name, (logger) =>
        logger.emit({ exception, attributes, body: "text" }),
      );
      const { "exception.stacktrace": stack, ...rest } = items[0]?.attributes ?? {};
      assert.deepEqual(rest, { "exception.type": "E_BROKEN", "exception.message": "given" });
      assert.match(String(stack), /^TypeError: broken/);
    });

    test("keep 128 attributes and count the others", async () => {
      const attributes = Object.fromEntries(Array.from({ length: 130 }, (_, i) => [`n${i}`, i]));
      const items = await emitted(name, (logger) => logger.emit({ attributes }));
      assert.equal(Object.keys(items[0]?.attributes ?? {}).length, 128);
      assert.equal(items[0]?.droppedAttributes, 2);
    });
  });
}
