import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Producer } from "../wasm/support/producer.ts";
import { eventually } from "./harness/eventually.ts";
import {
  base64,
  type MetricsApp,
  type Parameters,
  samplesOf,
  startMetricsApp,
} from "./harness/metrics_app.ts";

const orders = { name: "orders" };
const total = "orders_total";
const open = { public: 1 };
const token = "correct-horse";

/** An answer as the Worker gave it. */
interface Inspected {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

describe("a scrape", () => {
  let app: MetricsApp;
  const producer = new Producer(0);
  before(async () => {
    app = await startMetricsApp();
  });
  after(() => app.worker.close());

  const count = (value: number, parameters: Parameters = {}) =>
    app.ask("/apply", parameters, [base64(producer.count(orders, value, Date.now()))]);
  const inspect = async (
    parameters: Parameters,
    headers: Readonly<Record<string, string>> = {},
    method = "GET",
    cf?: Readonly<Record<string, string>>,
  ): Promise<Inspected> => {
    const answer = await app.ask<Omit<Inspected, "body"> & { body: string }>(
      "/inspect",
      parameters,
      { method, headers, ...(cf && { cf }) },
    );
    return { ...answer, body: Buffer.from(answer.body, "base64") };
  };
  const published = async (object = "isotel-0") => {
    const { bytes } = await app.ask<{ bytes: string | null }>("/kv", { object });
    assert.notEqual(bytes, null);
    return bytes;
  };

  test("before anything was recorded it says that the snapshots are missing", async () => {
    const response = await app.scrape({ ...open, shards: 2 });
    assert.equal(response.status, 200);
    const samples = samplesOf(await response.text());
    assert.equal(samples.get("isotel_snapshots_missing"), 2);
    assert.equal(samples.get("isotel_snapshot_age_seconds"), undefined);
  });

  test("then it shows them, with their age and version", async () => {
    await count(5);
    await eventually(async () => void (await published()));
    const samples = samplesOf(await (await app.scrape({ ...open, shards: 2 })).text());
    assert.equal(samples.get(total), 5);
    assert.equal(samples.get("isotel_snapshots_missing"), 1);
    assert.equal(samples.get("isotel_snapshot_version"), 1);
    const age = samples.get("isotel_snapshot_age_seconds") ?? -1;
    assert.ok(age >= 0 && age < 5, String(age));
  });

  for (const [accept, type, start] of [
    ["", "text/plain; version=0.0.4; charset=utf-8", "# HELP isotel_definition_conflicts_total "],
    [
      "text/plain;version=1.0.0;escaping=allow-utf-8",
      "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
      "# HELP isotel_definition_conflicts_total ",
    ],
    [
      "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
      "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
      "# TYPE isotel_definition_conflicts counter\n",
    ],
    ["application/json", "application/json", "{"],
  ] as const) {
    test(`is answered in what it accepts: ${type.split("; ").slice(0, 2).join(" ")}`, async () => {
      const response = await app.scrape(open, { headers: { accept } });
      const text = await response.text();
      assert.equal(response.headers.get("content-type"), type);
      assert.equal(response.headers.get("cache-control"), "no-store");
      assert.equal(text.slice(0, start.length), start);
      if (type.startsWith("application/openmetrics")) assert.ok(text.endsWith("# EOF\n"));
      if (type === "application/json") JSON.parse(text);
    });
  }

  test("is answered in protobuf when that is wanted most", async () => {
    const accept =
      "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,text/plain;q=0.5";
    const { headers, body } = await inspect(open, { accept });
    assert.match(headers["content-type"] ?? "", /^application\/vnd\.google\.protobuf; proto=/);
    assert.ok(familyNames(body).includes(total), familyNames(body).join());
  });

  for (const [encodings, gzip] of [
    [undefined, false],
    ["gzip", true],
    ["GZIP;q=0.5, br", true],
    ["*", true],
    ["gzip;q=0, *", false],
    ["*;q=0", false],
    ["identity, gzip;q=0.5", false],
    ["br", false],
  ] as const) {
    test(`${gzip ? "is" : "is not"} compressed for Accept-Encoding: ${encodings}`, async () => {
      const asked: Record<string, string> =
        encodings === undefined ? {} : { "accept-encoding": encodings };
      const { status, headers, body } = await inspect(open, asked);
      assert.equal(status, 200);
      assert.equal(headers["content-encoding"], gzip ? "gzip" : undefined);
      assert.match(headers["vary"] ?? "", /Accept, Accept-Encoding/);
      if (!gzip) assert.equal(headers["content-length"], String(body.length));
      const text = String(gzip ? gunzipSync(body) : body);
      assert.equal(samplesOf(text).get(total), 5);
    });
  }

  test("what the client accepts counts, not what the network in between does", async () => {
    for (const [client, gzip] of [
      ["gzip", true],
      ["identity", false],
      ["", false],
    ] as const) {
      const network = gzip ? "identity" : "gzip, br";
      const cf = { clientAcceptEncoding: client };
      const { headers } = await inspect(open, { "accept-encoding": network }, "GET", cf);
      assert.equal(headers["content-encoding"], gzip ? "gzip" : undefined, client);
    }
  });

  test("an answer stays as it was made while others are made before it is read", async () => {
    const answers = await app.ask<string[]>("/read_late", open, ["identity", "gzip"]);
    const [identity, gzip] = answers.map((body) => Buffer.from(body, "base64"));
    for (const text of [String(identity), String(gunzipSync(gzip ?? Buffer.of()))]) {
      assert.ok(text.startsWith("# HELP isotel_definition_conflicts_total "), text.slice(0, 100));
      assert.equal(samplesOf(text).get(total), 5);
    }
  });

  test("HEAD has the headers of GET and no body", async () => {
    for (const encoding of ["identity", "gzip"]) {
      const asked = { accept: "application/json", "accept-encoding": encoding };
      const get = await inspect(open, asked);
      const head = await inspect(open, asked, "HEAD");
      assert.equal(head.body.length, 0);
      const { "content-length": length, ...headers } = head.headers;
      const { "content-length": getLength, ...getHeaders } = get.headers;
      assert.deepEqual(headers, getHeaders);
      // The age may have another number of digits by now.
      assert.ok(Math.abs(Number(length ?? 0) - Number(getLength ?? 0)) < 8);
    }
  });

  test("other methods are refused, OPTIONS too unless browsers may read it", async () => {
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const { status, headers } = await inspect(open, {}, method);
      assert.deepEqual([status, headers["allow"]], [405, "GET, HEAD"], method);
    }
    const cors = { scrapeToken: token, cors: "https://grafana.example" };
    const preflight = await inspect(cors, {}, "OPTIONS");
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers["access-control-allow-origin"], "https://grafana.example");
    assert.equal(preflight.headers["access-control-allow-methods"], "GET, HEAD");
    assert.match(preflight.headers["access-control-allow-headers"] ?? "", /Authorization/);
    assert.match(preflight.headers["vary"] ?? "", /Origin/);
    const refused = await inspect(cors);
    assert.equal(refused.status, 401);
    assert.equal(refused.headers["access-control-allow-origin"], "https://grafana.example");
    const any = await inspect({ ...open, cors: "*" });
    assert.equal(any.headers["access-control-allow-origin"], "*");
    assert.equal((await inspect(open)).headers["access-control-allow-origin"], undefined);
  });

  test("is refused with what to set while there is neither a token nor leave for anybody", async () => {
    for (const parameters of [{}, { scrapeToken: "" }] as Parameters[]) {
      const { status, body } = await inspect(parameters, { authorization: "Bearer " });
      assert.equal(status, 403);
      assert.match(String(body), /scrapeToken.*public: true/);
    }
  });

  test("with a token, only who has it may scrape", async () => {
    const parameters = { scrapeToken: token, public: 1 };
    for (const authorization of [
      undefined,
      token,
      "Bearer",
      "Bearer ",
      "Bearer wrong",
      `Bearer ${token}x`,
      `Bearer ${token.slice(0, -1)}`,
      `Bearer ${token.toUpperCase()}`,
      `Basic ${token}`,
    ]) {
      const { status, headers, body } = await inspect(
        parameters,
        authorization === undefined ? {} : { authorization },
      );
      assert.equal(status, 401, authorization);
      assert.equal(headers["www-authenticate"], 'Bearer realm="metrics"');
      assert.equal(headers["cache-control"], "no-store");
      assert.ok(!String(body).includes(token));
    }
    for (const authorization of [`Bearer ${token}`, `bearer  ${token}`]) {
      assert.equal((await inspect(parameters, { authorization })).status, 200, authorization);
    }
  });

  test("the scheme may be another", async () => {
    const parameters = { scrapeToken: token, scheme: "ClientSecret" };
    const right = await inspect(parameters, { authorization: `ClientSecret ${token}` });
    assert.equal(right.status, 200);
    const wrong = await inspect(parameters, { authorization: `Bearer ${token}` });
    assert.equal(wrong.status, 401);
    assert.equal(wrong.headers["www-authenticate"], 'ClientSecret realm="metrics"');
  });

  test("a binding that is missing is named", async () => {
    for (const [parameters, name] of [
      [{ no_aggregator: 1, source: "durable-object" }, "aggregator"],
      [{ no_kv: 1, source: "kv" }, "kv"],
      [{ no_kv: 1, no_aggregator: 1 }, "aggregator"],
    ] as const) {
      const { status, body } = await inspect({ ...open, ...parameters });
      assert.equal(status, 503);
      assert.ok(String(body).includes(`\`${name}\` is not given`), String(body));
    }
    assert.equal((await inspect({ ...open, shards: 0 })).status, 503);
  });

  test("a place that was shown a version is never shown an older one", async () => {
    const older = await published();
    await count(2);
    await eventually(async () => assert.notEqual(await published(), older));
    const shown = async (parameters: Parameters = {}) =>
      samplesOf(await (await app.scrape({ ...open, ...parameters })).text()).get(total);
    for (const parameters of [{}, { no_aggregator: 1 }] as Parameters[]) {
      assert.equal(await shown(parameters), 7);
      const newest = await published();
      // As KV is where its caches are behind.
      for (const behind of [older, null]) {
        await app.ask("/put_kv", {}, JSON.stringify(behind));
        assert.equal(await shown(parameters), 7);
      }
      await app.ask("/put_kv", {}, JSON.stringify(newest));
    }
    await app.ask("/put_kv", {}, JSON.stringify(older));
    const elsewhere = await app.scrapeElsewhere(open);
    assert.equal(samplesOf(await elsewhere.text()).get(total), 7, "another isolate of the place");
  });

  test("a snapshot that cannot be read is an error that is shown", async () => {
    const good = await published();
    await app.ask("/put_kv", {}, JSON.stringify(Buffer.from("ISS\x09later").toString("base64")));
    const { status, body } = await inspect(open);
    assert.equal(status, 503);
    assert.match(String(body), /a snapshot cannot be read \(unknownVersion\)/);
    await app.ask("/put_kv", {}, JSON.stringify(good));
    assert.equal((await inspect(open)).status, 200);
  });

  test("from the Durable Object it shows what KV does not have yet", async () => {
    await count(3);
    assert.equal((await app.totals()).get(total), 10);
  });
});

/** The names of the families of a delimited protobuf exposition. */
function familyNames(body: Buffer): string[] {
  const names: string[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = body.readUInt8(at);
      at += 1;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < body.length) {
    const length = varint();
    const end = at + length;
    assert.equal(varint(), 0x0a, "a family begins with its name");
    const size = varint();
    names.push(body.toString("utf8", at, at + size));
    at = end;
  }
  assert.equal(at, body.length);
  return names;
}
