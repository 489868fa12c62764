import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readSettings } from "../../../bindings/mcp/options.ts";
import { type MCPTransport, traceTransport } from "../../../bindings/mcp/traced_transport.ts";
import { noopRuntime } from "../../../bindings/trace/span_runtime.ts";
import {
  callTool,
  type RecordedPair,
  recordedPair,
  request,
  type Version,
} from "../../mcp/recorded_pair.ts";
import { receiverOfFile } from "../../otlp_receiver/receiver.ts";
import { Random } from "../../wasm/support/random.ts";
import { exportingOver } from "../support/exporting.ts";
import { tracingOver } from "../support/tracing.ts";

const receiver = await receiverOfFile();

type Step = (pair: RecordedPair) => Promise<unknown>;

/** `_meta` as a caller may give it. */
const metas = [
  undefined,
  {},
  { progressToken: "mine", "example.com/key": { deep: [1, null] } },
  { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: "a=b" },
];

/** Returns a random program: the same calls with the same arguments for each run. */
function program(random: Random): Step[] {
  const meta = () => {
    const _meta = random.pick(metas);
    return _meta === undefined ? {} : { _meta };
  };
  const step = (): Step => {
    const fields = meta();
    const a = random.below(100);
    return random.pick<Step>([
      ({ client }) => callTool(client, { name: "add", arguments: { a, b: 1 }, ...fields }),
      ({ client }) => callTool(client, { name: "add", arguments: { a: "no" }, ...fields }),
      ({ client }) => callTool(client, { name: "fail", arguments: {}, ...fields }),
      ({ client }) => callTool(client, { name: "absent", arguments: {}, ...fields }),
      ({ client }) =>
        callTool(client, { name: "steps", arguments: { count: a % 4 } }, { onprogress: () => {} }),
      ({ client }) => callTool(client, { name: "think", arguments: {}, ...fields }),
      ({ client }) => client.getPrompt({ name: "greeting", arguments: { language: `L${a}` } }),
      ({ client }) => client.readResource({ uri: "stock://list", ...fields }),
      ({ client }) => client.readResource({ uri: "stock://absent", ...fields }),
      ({ client }) => request(client, "nothing/here", { a, ...fields }),
      ({ client }) => client.listTools(),
      ({ client }) => client.ping(),
      ({ client }) => client.sendRootsListChanged().catch(() => "no roots"),
      async ({ client, slowRuns }) => {
        const stop = new AbortController();
        const pending = callTool(client, { name: "slow", arguments: {} }, { signal: stop.signal });
        await slowRuns();
        stop.abort("enough");
        return pending;
      },
    ]);
  };
  return Array.from({ length: 1 + random.below(8) }, step);
}

/** Runs a program. Returns what its caller sees, and the messages with their senders. */
async function run(
  version: Version,
  steps: readonly Step[],
  trace?: (side: "client" | "server", transport: MCPTransport) => void,
) {
  const pair = await recordedPair(version, trace as never);
  const seen: unknown[] = [];
  for (const step of steps) {
    seen.push(
      await step(pair).then(
        (value) => ["fulfilled", value],
        (cause: Error) => ["rejected", cause.name, cause.message],
      ),
    );
  }
  await pair.client.close();
  return { seen: JSON.stringify(seen), wire: pair.wire };
}

const traceparent = /^00-[\da-f]{32}-[\da-f]{16}-01$/;

/** Returns a message without the context that was added to it. Counts the contexts. */
function stripped(json: string, given: string, counts: { added: number }): string {
  const message = JSON.parse(json) as { params?: { _meta?: Record<string, unknown> } };
  const plain = JSON.parse(given) as typeof message;
  const { params } = message;
  const meta = params?._meta;
  if (meta === undefined || plain.params?._meta?.["traceparent"] !== undefined) return json;
  if (meta["traceparent"] === undefined) return json;
  assert.match(String(meta["traceparent"]), traceparent);
  counts.added += 1;
  delete meta["traceparent"];
  // Of a trace that began with a caller's context.
  delete meta["tracestate"];
  if (plain.params?._meta === undefined) {
    assert.deepEqual(meta, {});
    delete params?._meta;
  }
  if (plain.params === undefined) {
    assert.deepEqual(params, {});
    delete message.params;
  }
  return JSON.stringify(message);
}

for (const version of ["v1", "v2"] as const) {
  describe(`messages of SDK ${version}`, () => {
    test("differ from those of an untraced program only in the context, over generated programs", async () => {
      const { telemetry, tracer, spans } = exportingOver(noopRuntime, receiver);
      const settings = readSettings({ storeTools: true, storePrompts: true, recordErrors: true });
      const counts = { added: 0 };
      let messages = 0;
      for (let seed = 1; seed <= 400; seed += 1) {
        const plain = await run(version, program(new Random(seed)));
        const traced = await tracer.withSpan("program", {}, () =>
          run(version, program(new Random(seed)), (side, transport) =>
            traceTransport(telemetry, settings, side, transport),
          ),
        );
        assert.equal(traced.seen, plain.seen, `seed ${seed}`);
        assert.equal(traced.wire.length, plain.wire.length, `seed ${seed}`);
        traced.wire.forEach(([side, json], index) => {
          const [plainSide, given] = plain.wire[index] ?? ["", "{}"];
          assert.equal(side, plainSide, `seed ${seed}, message ${index}`);
          assert.equal(stripped(json, given, counts), given, `seed ${seed}, message ${index}`);
        });
        messages += plain.wire.length;
        const all = (await spans()).filter(({ name }) => name !== "program");
        const open = all.filter(({ durationMs }) => !(durationMs >= 0));
        assert.deepEqual(open, [], `seed ${seed}`);
      }
      assert.ok(messages > 4000, `${messages} messages`);
      assert.ok(counts.added > messages / 4, `${counts.added} contexts`);
    });

    test("are those of an untraced program where no trace is recorded", async () => {
      const { telemetry } = tracingOver(noopRuntime);
      for (let seed = 1; seed <= 30; seed += 1) {
        const steps = program(new Random(seed));
        const plain = await run(version, steps);
        const traced = await run(version, steps, (side, transport) =>
          traceTransport(telemetry, readSettings(), side, transport),
        );
        assert.deepEqual(traced, plain, `seed ${seed}`);
      }
    });
  });
}
