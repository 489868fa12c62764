import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Circuit } from "../../../bindings/otlp/exporter/circuit.ts";
import { SignalExporter } from "../../../bindings/otlp/exporter/signal_exporter.ts";
import { type Receiver, type Step, startReceiver } from "../../otlp_receiver/receiver.ts";

describe("what the console says about answers", () => {
  let receiver: Receiver;
  let elsewhere: Receiver;
  before(async () => {
    [receiver, elsewhere] = await Promise.all([startReceiver(), startReceiver()]);
  });
  after(() => Promise.all([receiver.close(), elsewhere.close()]));

  const json = { "content-type": "application/json" };
  const rows: readonly (readonly [string, () => Step, RegExp])[] = [
    [
      "400",
      () => ({ status: 400, body: "s3cret" }),
      /status 400\); 2 spans .*endpoint and the option format/,
    ],
    ["401", () => ({ status: 401 }), /status 401\); 4 spans dropped so far\. Check the key\./],
    ["403", () => ({ status: 403 }), /status 403\); 6 spans .*key and its permissions/],
    ["404", () => ({ status: 404 }), /status 404\); 8 spans .*Check the endpoint/],
    ["408", () => ({ status: 408 }), /status 408\); 10 spans .*options of the backend/],
    ["413", () => ({ status: 413 }), /status 413\); 12 spans .*maxBytes/],
    ["500", () => ({ status: 500 }), /status 500\); 14 spans .*The backend failed/],
    [
      "a partial success",
      () => ({
        headers: json,
        body: '{"partialSuccess":{"rejectedSpans":1,"errorMessage":"s3cret"}}',
      }),
      /partial success, status 200\); 15 spans/,
    ],
    [
      "a redirect",
      () => ({ status: 307, headers: { location: `${elsewhere.url}/s3cret` } }),
      /another host \(status 307\); 17 spans .*Check the endpoint/,
    ],
    ["503", () => ({ status: 503 }), /cannot take data now \(status 503\)/],
    ["200 after 503", () => ({}), /takes data again/],
  ];

  test("each kind once, with the backend, the signal, the status and the count, and without content", async (t) => {
    const said: string[] = [];
    t.mock.method(console, "error", (line: string) => void said.push(line));
    let now = 1_700_000_000_000;
    const exporter = new SignalExporter<number>(
      {
        backend: "honeycomb",
        signal: "traces",
        destination: {
          url: `${receiver.url}/s3cret/v1/traces?key=s3cret`,
          headers: { "x-honeycomb-team": "s3cret" },
          ...{ format: "protobuf", compression: "none", timeoutMs: 5_000, maxBytes: 1_000 },
        },
        circuit: new Circuit(),
        encode: () => new Uint8Array(0),
      },
      { clock: () => now, fetch, sleep: async () => {}, random: Math.random },
    );
    const send = async (step: Step) => {
      receiver.script.push(step);
      // What waited after a temporary failure is sent with it.
      for (let i = exporter.counts().queued; i < 2; i += 1) exporter.add(i, 1);
      await exporter.flush(now + 900);
      now += 60_000;
    };
    for (const round of [1, 2]) {
      for (const [name, step, pattern] of rows) {
        said.length = 0;
        await send(step());
        assert.equal(said.length, round === 1 ? 1 : 0, name);
        if (round === 2) continue;
        assert.match(said[0] ?? "", /^isotel: traces for honeycomb: /);
        assert.match(said[0] ?? "", pattern);
        assert.doesNotMatch(said[0] ?? "", /s3cret|127\.0\.0\.1/);
      }
    }
    assert.equal(elsewhere.requests.length, 0);
  });
});
