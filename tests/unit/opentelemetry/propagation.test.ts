// Headers are read and written as by the propagators of OpenTelemetry's SDK.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  baggageEntryMetadataFromString,
  type Context,
  createContextKey,
  createTraceState,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  type TextMapPropagator,
  trace,
} from "@opentelemetry/api";
import { W3cPropagator } from "../../../bindings/opentelemetry/w3c_propagator.ts";
import { sdkPropagator } from "../../opentelemetry/sdk.ts";
import { Random } from "../../wasm/support/random.ts";

const own = new W3cPropagator();
const suppressKey = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");
const [traceId, spanId] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];

const parts = {
  version: ["00", "00", "00", "01", "cc", "ff", "0", ""],
  traceId: [traceId, traceId, "0".repeat(32), traceId.toUpperCase(), traceId.slice(1)],
  spanId: [spanId, spanId, "0".repeat(16), `${spanId}0`],
  flags: ["01", "00", "03", "ff", "1", "0x"],
  rest: ["", "", "", "-more", "-"],
};
// Without a key that occurs twice: the API and the SDK keep different ones.
const states = ["a=1,b=2", "a=1, b=2 ,", "", "a", "A=1", "x".repeat(300), "t@v=ok,\t"];
const pieces = [
  "a=1",
  "b = 2 ",
  "c=%20x;meta=1;more",
  "=1",
  "d",
  "e=",
  "a=again",
  "%E0%A4%A=bad",
  "f=1=2",
  "g=;m",
  "ä=ö",
  "",
  `h=${"x".repeat(4_090)}`,
  `i=${"x".repeat(4_095)}`,
  ";",
];

/** What a context says that was read from headers. */
function shown(context: Context): unknown {
  const span = trace.getSpanContext(context);
  const { traceState, ...ids } = span ?? { traceState: undefined };
  const entries = propagation.getBaggage(context)?.getAllEntries() ?? [];
  return {
    ids,
    traceState: traceState?.serialize(),
    baggage: entries.map(([key, { value, metadata }]) => [key, value, metadata?.toString()]),
  };
}

const getter = {
  get: (carrier: unknown, key: string) => (carrier as Record<string, string | string[]>)[key],
  keys: (carrier: unknown) => Object.keys(carrier as object),
};

describe("the propagator", () => {
  test("reads generated headers as OpenTelemetry's SDK does", () => {
    const random = new Random(7);
    const peer: TextMapPropagator = sdkPropagator();
    let read = 0;
    for (let i = 0; i < 20_000; i += 1) {
      const { version, flags, rest, ...ids } = parts;
      const traceparent =
        [random.pick(version), random.pick(ids.traceId), random.pick(ids.spanId)].join("-") +
        `-${random.pick(flags)}${random.pick(rest)}`;
      const baggage = Array.from({ length: random.below(6) }, () => random.pick(pieces)).join(",");
      const carrier = {
        ...(!random.once(10) && { traceparent: random.once(10) ? [traceparent] : traceparent }),
        ...(random.once(2) && {
          tracestate: random.once(4) ? [random.pick(states), "z=9"] : random.pick(states),
        }),
        ...(random.once(2) && { baggage: random.once(4) ? [baggage, "last=1"] : baggage }),
      };
      const expected = shown(peer.extract(ROOT_CONTEXT, carrier, getter));
      assert.deepEqual(
        shown(own.extract(ROOT_CONTEXT, carrier, getter)),
        expected,
        JSON.stringify(carrier),
      );
      if (!JSON.stringify(expected).includes('"ids":{}')) read += 1;
    }
    assert.ok(read > 1_000, `${read} were valid`);
  });

  test("writes generated contexts as OpenTelemetry's SDK does", () => {
    const random = new Random(8);
    const peer = sdkPropagator();
    for (let i = 0; i < 5_000; i += 1) {
      const entries = Array.from({ length: random.below(random.once(50) ? 200 : 4) }, (_, n) => {
        const value = random.pick(["1", "a b", "ä,;=", "x".repeat(random.once(9) ? 4_090 : 9)]);
        const metadata = random.once(3) && { metadata: baggageEntryMetadataFromString("m=1") };
        return [`key ${n}`, { value, ...metadata }] as const;
      });
      let context = ROOT_CONTEXT;
      if (random.once(2)) {
        const baggage = propagation.createBaggage(Object.fromEntries(entries));
        context = propagation.setBaggage(context, baggage);
      }
      if (!random.once(4)) {
        context = trace.setSpanContext(context, {
          traceId: random.pick([traceId, "0".repeat(32)]),
          spanId,
          traceFlags: random.below(4),
          ...(random.once(2) && { traceState: createTraceState("a=1,b=2") }),
        });
      }
      if (random.once(8)) context = context.setValue(suppressKey, true);
      const [ours, theirs] = [{}, {}];
      own.inject(context, ours, defaultTextMapSetter);
      peer.inject(context, theirs, defaultTextMapSetter);
      assert.deepEqual(ours, theirs);
    }
    assert.deepEqual(own.fields().sort(), [...peer.fields()].sort());
  });
});
