import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { type LocalWorker, startWorkers, streamingTailConsumers } from "../harness/start.ts";
import { collectorConfig, collectorName } from "./harness/collector_config.ts";
import { eventually } from "./harness/eventually.ts";

/** Everything that was sent to it, as text: protobuf has its texts as they are. */
const received: string[] = [];
/** Addresses that the Worker asked for. */
const asked: string[] = [];

const secrets = ["SECRETPW", "SECRETQ", "SECRETFRAG"];
const query = "?token=SECRETQ&page=2";

const server = createServer((request, response) => {
  const address = request.url ?? "";
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    if (address.startsWith("/v1/")) {
      const body = Buffer.concat(chunks);
      const isGzip = request.headers["content-encoding"] === "gzip";
      received.push((isGzip ? gunzipSync(body) : body).toString());
      response.end();
      return;
    }
    asked.push(address);
    if (address.startsWith("/redirect")) {
      response.writeHead(302, { location: `/ok?sig=SECRETQ` });
    }
    response.end("ok");
  });
});

async function listen(listening: Server): Promise<string> {
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

const ways = [
  "/fetch",
  "/traced_fetch",
  "/redirect",
  "/refused",
  "/invalid",
  "/service",
  "/object",
  "/socket",
  "/cache",
  "/said",
  "/rejects",
];

let host: string;

async function start(keepQueryParameters?: readonly string[]): Promise<LocalWorker> {
  process.env["X_LOCAL_OBSERVABILITY"] = "true";
  const tails = [{ service: collectorName }, ...streamingTailConsumers];
  const otlp = {
    backend: "custom",
    endpoint: `http://${host}`,
    format: "json",
    invocationSpan: true,
    propagateTo: ["127.0.0.1"],
    keepQueryParameters,
  };
  const example = collectorConfig(`http://${host}`, "unused");
  return startWorkers([
    {
      name: "addresses",
      main: "tests/workerd/apps/addresses/index.ts",
      streaming_tail_consumers: tails,
      vars: { OTLP: JSON.stringify(otlp), TARGET: host },
      durable_objects: { bindings: [{ name: "ROOM", class_name: "Room" }] },
      migrations: [{ tag: "v1", new_sqlite_classes: ["Room"] }],
      services: [{ binding: "STOCK", service: "stock" }],
    },
    {
      name: "stock",
      main: "tests/workerd/apps/collected/stock.ts",
      streaming_tail_consumers: tails,
    },
    example,
  ]);
}

/** Sends a request each way, and gives what the runtime told of it. */
async function runAll(worker: LocalWorker): Promise<string> {
  received.length = 0;
  asked.length = 0;
  for (const way of ways) {
    const answer = await worker.fetch(way + query);
    const text = await answer.text();
    assert.equal(answer.status, 200, `${way}: ${text}`);
  }
  const told = JSON.stringify(await worker.takeSpans({ invocations: ways.length + 3 }));
  await eventually(async () => {
    const text = received.join();
    for (const word of ["said.example", "rejected.example", "in_object", "stock.example"]) {
      assert.ok(text.includes(word), word);
    }
  });
  return told;
}

before(async () => {
  host = await listen(server);
});
after(() => {
  server.closeAllConnections();
  server.close();
});

describe("what leaves a Worker and its collector", () => {
  let worker: LocalWorker;
  let told: string;
  before(async () => {
    worker = await start();
    told = await runAll(worker);
  });
  after(() => worker.close());

  test("is told with its secrets by the runtime, and requests are what they were", () => {
    assert.ok(told.includes("SECRETQ"));
    assert.deepEqual(asked, [`/ok${query}`, `/ok${query}`, `/redirect${query}`, "/ok?sig=SECRETQ"]);
  });

  test("has none of the secrets that stand in addresses", () => {
    const text = received.join();
    for (const secret of secrets) {
      const at = text.indexOf(secret);
      assert.equal(at, -1, text.slice(Math.max(at - 200, 0), at + 40));
    }
    assert.ok(!text.includes("?page=2"));
  });
});
