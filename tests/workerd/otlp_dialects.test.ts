import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { encodeTraces } from "../../bindings/otlp/core/encoder.ts";
import { type FinishedSpan, listAttributes } from "../../bindings/otlp/core/model.ts";
import { type ReceivedItem, readRequest } from "../otlp_receiver/requests.ts";
import { startApp } from "./harness/app.ts";

interface Body {
  readonly path: string;
  readonly bytes: Buffer;
}

// biome-ignore lint/suspicious/noExplicitAny: an OTLP request as JSON
type Json = any;

const value = ({ stringValue, intValue, doubleValue, boolValue, arrayValue }: Json): unknown =>
  stringValue ??
  boolValue ??
  doubleValue ??
  (intValue === undefined ? arrayValue.values.map(value) : Number(intValue));
const attributes = (list: Json): Record<string, unknown> =>
  Object.fromEntries((list ?? []).map((entry: Json) => [entry.key, value(entry.value)]));
const unixMs = (nano: string) => Number(BigInt(nano) / 1_000_000n);

/** The spans of a request in JSON, as the encoder takes them. */
function finished(span: Json): FinishedSpan {
  assert.deepEqual(Object.keys(span.events ?? {}).concat(Object.keys(span.links ?? {})), []);
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? "",
    isParentRemote: (span.flags & 0x100) === 0 ? undefined : (span.flags & 0x200) !== 0,
    traceState: span.traceState ?? "",
    flags: span.flags & 0xff,
    name: span.name,
    kind: span.kind,
    startUnixMs: unixMs(span.startTimeUnixNano),
    endUnixMs: unixMs(span.endTimeUnixNano),
    attributes: listAttributes(attributes(span.attributes)),
    events: [],
    links: [],
    status: { code: span.status?.code ?? 0, message: span.status?.message ?? "" },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

describe("from one Worker in workerd to destinations with different dialects at once", () => {
  const bodies: Body[] = [];
  let server: Server;
  before(async () => {
    let arrived = () => {};
    const all = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      bodies.push({ path: request.url ?? "", bytes: Buffer.concat(chunks) });
      response.end();
      if (bodies.length === 4) arrived();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const to = (name: string, options: object) => ({
      endpoint: `${url}/${name}`,
      signals: ["traces"],
      compression: "none",
      ...options,
    });
    const backends = [
      to("langfuse", { backend: "langfuse", publicKey: "pk", secretKey: "sk" }),
      to("plain", { backend: "custom" }),
      to("phoenix", { backend: "phoenix", project: "shop" }),
      to("json", { backend: "custom", format: "json" }),
    ];
    const app = await startApp("otlp", {
      tail: "none",
      config: {
        compatibility_flags: ["nodejs_compat", "service_binding_extra_handlers"],
        services: [{ binding: "SELF", service: "otlp" }],
        durable_objects: { bindings: [{ name: "ROOM", class_name: "Room" }] },
        migrations: [{ tag: "v1", new_sqlite_classes: ["Room"] }],
        vars: { OTLP: JSON.stringify({ backends, serviceName: "shop" }) },
      },
    });
    try {
      assert.equal((await app.fetch("/ask")).status, 200);
      await all;
    } finally {
      await app.close();
    }
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const bodyOf = (name: string): Buffer => {
    const [body, ...others] = bodies.filter(({ path }) => path === `/${name}/v1/traces`);
    assert.deepEqual(others, []);
    return body?.bytes ?? assert.fail(name);
  };
  const chatOf = (name: string): ReceivedItem => {
    const { items } = readRequest(bodyOf(name), false, false);
    const chat = items.find((item) => item.attributes["gen_ai.operation.name"] === "chat");
    return chat ?? assert.fail(name);
  };

  test("each has its own dialect, and no other's", () => {
    const keys = {
      langfuse: "langfuse.observation.type",
      phoenix: "openinference.span.kind",
      plain: "",
    };
    for (const name of Object.keys(keys)) {
      const { attributes, resource } = chatOf(name);
      for (const [other, key] of Object.entries(keys)) {
        if (key !== "") assert.equal(key in attributes, other === name, `${name}: ${key}`);
      }
      assert.equal("openinference.project.name" in resource, name === "phoenix");
    }
  });

  test("the plain ones get, byte for byte, what they get without any dialect", () => {
    const json = bodyOf("json");
    const { resourceSpans } = JSON.parse(json.toString());
    const [{ resource, scopeSpans }] = resourceSpans;
    const [{ scope, spans }] = scopeSpans;
    const named = { version: "", ...scope };
    assert.ok(spans.length >= 3, `${spans.length} spans`);
    const encode = (format: "json" | "protobuf") =>
      Buffer.from(
        encodeTraces(spans.map(finished), attributes(resource.attributes), named, format),
      ).toString("latin1");
    assert.equal(json.toString("latin1"), encode("json"));
    assert.equal(bodyOf("plain").toString("latin1"), encode("protobuf"));
  });
});
