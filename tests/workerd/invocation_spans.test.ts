import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import type { LocalWorker } from "../harness/start.ts";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import type { ReceivedItem } from "../otlp_receiver/requests.ts";
import { call, type Kind, kinds, startKinds } from "./harness/handler_kinds.ts";

let receiver: Receiver;
before(async () => {
  receiver = await startReceiver();
});
after(() => receiver.close());

function start(hasNative: boolean, options: object): Promise<LocalWorker> {
  return startKinds(hasNative, { backend: "custom", endpoint: receiver.url, ...options });
}

const spans = (): ReceivedItem[] => receiver.requests.flatMap(({ items }) => items);

/** Waits for the span of a kind that has the status. */
function arrived(kind: string, status: number): Promise<ReceivedItem> {
  const { span, attributes } = kinds[kind] as Kind;
  const expected = Object.entries(attributes);
  return receiver.item(
    `${span} with status ${status}`,
    (item) =>
      item.name === span &&
      item.status === status &&
      expected.every(([key, value]) => item.attributes[key] === value),
  );
}

for (const hasNative of [false, true]) {
  describe(`spans of invocations, native tracing ${hasNative ? "on" : "off"}`, () => {
    afterEach(() => {
      receiver.requests.length = 0;
    });

    describe("all sampled", () => {
      let app: LocalWorker;
      before(async () => {
        app = await start(hasNative, {});
      });
      after(() => app.close());

      for (const [name, { kind }] of Object.entries(kinds)) {
        test(`${name} without spans of its own has one`, async () => {
          await call(app, name, "empty");
          const span = await arrived(name, 0);
          assert.deepEqual([span.kind, span.parentSpanId], [kind, ""]);
        });

        test(`${name} that fails has a failed one, the root of all spans inside`, async () => {
          await call(app, name, "fails");
          const root = await arrived(name, 2);
          assert.equal(root.attributes["error.type"], "RangeError");
          assert.doesNotMatch(JSON.stringify(root), /a secret/);
          const { traceId } = root;
          const inside = await receiver.item(
            "span inside",
            (item) => item.name === "inside" && item.traceId === traceId,
          );
          const trace = spans().filter((item) => item.traceId === traceId);
          const byId = new Map(trace.map((item) => [item.spanId, item]));
          assert.equal(byId.size, trace.length, "two spans with one id");
          for (const { name, parentSpanId } of trace) {
            assert.ok(parentSpanId === "" || byId.has(parentSpanId), `${name} has no parent`);
          }
          let top: ReceivedItem | undefined = inside;
          while (top !== undefined && top.parentSpanId !== "") top = byId.get(top.parentSpanId);
          assert.equal(top?.spanId, root.spanId);
        });
      }

      test("an answer of 503 fails the span of fetch, and of no other span", async () => {
        await call(app, "object_fetch", "answers503");
        const root = await arrived("object_fetch", 2);
        assert.equal(root.attributes["error.type"], "503");
        assert.equal(root.attributes["http.response.status_code"], 503);
      });

      test("a request whose client leaves before the answer has a span, the parent of those inside", async () => {
        assert.match(await (await app.fetch("/abandon")).text(), /TimeoutError/);
        const isTruncated = ({ attributes }: ReceivedItem) =>
          attributes["cloudflare.agents.span.truncated"] === true;
        const inside = await receiver.item(
          "inside",
          (item) => item.name === "inside" && isTruncated(item),
        );
        const root = await receiver.item("GET", (item) => item.name === "GET" && isTruncated(item));
        assert.equal(inside.parentSpanId, root.spanId);
        assert.equal(root.attributes["cloudflare.outcome"], "canceled");
        assert.equal(root.status, 0);
      });

      test("each attempt of a Workflow's step is a span", async () => {
        await call(app, "workflow", "works");
        const root = await arrived("workflow", 0);
        const steps = spans().filter(({ name }) => name === "step charge");
        assert.deepEqual(
          steps.map(({ attributes, status, parentSpanId }) => [
            attributes["cloudflare.workflow.step.name"],
            attributes["cloudflare.workflow.step.attempt"],
            status,
            parentSpanId,
          ]),
          [
            ["charge", 1, 2, root.spanId],
            ["charge", 2, 0, root.spanId],
          ],
        );
      });
    });

    describe("none sampled", () => {
      test("no kind sends any span", async () => {
        const app = await start(hasNative, { sampleRatio: 0, serviceName: "unsampled" });
        try {
          for (const name of Object.keys(kinds)) await call(app, name, "fails");
          const counts = (await (await app.fetch("/diagnostics")).json()) as Record<string, number>;
          assert.deepEqual([counts["otlp_made"], counts["otlp_failures"]], [0, 0]);
          const own = spans().filter(({ resource }) => resource["service.name"] === "unsampled");
          assert.deepEqual(own, []);
        } finally {
          await app.close();
        }
      });
    });

    describe("only failures kept", () => {
      let app: LocalWorker;
      before(async () => {
        app = await start(hasNative, { tail: { errors: true } });
      });
      after(() => app.close());

      for (const name of Object.keys(kinds)) {
        test(`${name} is kept when it fails, and not when it succeeds`, async () => {
          await call(app, name, "empty");
          await call(app, name, "fails");
          await arrived(name, 2);
          const { attributes } = kinds[name] as Kind;
          const handler = attributes["cloudflare.handler_type"];
          const others = spans().filter(
            (item) => item.name === kinds[name]?.span && item.status !== 2,
          );
          assert.deepEqual(others, [], String(handler));
        });
      }
    });
  });
}
