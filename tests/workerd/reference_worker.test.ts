import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { demoConfig } from "../../worker/demo/environment.ts";
import { type LocalWorker, type RequestOptions, startWorkers } from "../harness/start.ts";
import { assertAllClosed, assertAttributes, spanOf } from "./harness/assertions.ts";

describe("the reference Worker", () => {
  let worker: LocalWorker;
  before(async () => {
    worker = await startWorkers([demoConfig()]);
  });
  after(() => worker.close());

  async function get(path: string, options?: RequestOptions): Promise<[number, string]> {
    const response = await worker.fetch(path, options);
    return [response.status, await response.text()];
  }

  test("answers with the city of the prompt", async () => {
    const [status, body] = await get("/chat?prompt=How+warm+is+it+in+New+York%3F");
    assert.equal(status, 200);
    const { text, steps, usage } = JSON.parse(body);
    assert.match(text, /degrees Celsius in New York/);
    assert.equal(steps, 3);
    assert.equal(usage.totalTokens, 438);
  });

  test("lists its routes", async () => {
    const [status, body] = await get("/");
    assert.equal(status, 200);
    assert.match(body, /GET \/chat\/stream\?prompt=TEXT/);
  });

  for (const [path, expected] of [
    ["/chat", [400, "The query parameter `prompt` is missing or empty.\n"]],
    ["/chat/stream?prompt=%20", [400, "The query parameter `prompt` is missing or empty.\n"]],
    [
      `/chat?prompt=${"a".repeat(2_001)}`,
      [400, "The prompt has 2001 characters, and at most 2000 are allowed.\n"],
    ],
    ["/chat?prompt=a&scenario=abort", [400, "The scenario must be one of: failing-tool.\n"]],
    ["/elsewhere", [404, "Unknown route /elsewhere. GET / lists the routes.\n"]],
  ] as const) {
    test(`says in one sentence what is wrong with ${path.slice(0, 40)}`, async () => {
      assert.deepEqual(await get(path), expected);
    });
  }

  test("serves GET only", async () => {
    const post = await get("/chat?prompt=a", { method: "POST" });
    assert.deepEqual(post, [405, "Only GET is allowed.\n"]);
  });

  test("streams, and a client that leaves cancels the operation", async () => {
    await worker.takeSpans();
    const abort = new AbortController();
    const { body } = await worker.fetch("/chat/stream?prompt=Hello", { signal: abort.signal });
    await body?.getReader().read();
    abort.abort();
    const spans = await worker.takeSpans({ invocations: 5 });
    assertAllClosed(spans);
    assertAttributes(spanOf(spans, "invoke_agent"), { "cloudflare.agents.canceled": true });
  });
});
