import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { receiverOfFile } from "../../otlp_receiver/receiver.ts";
import { assertAccounted, collectingTo, MadeInvocation, play } from "../support/collecting.ts";
import { received } from "../support/exporting.ts";

const receiver = await receiverOfFile();

const address =
  "https://user:SECRETPW@shop.example:8443/users/7?token=SECRETQ&page=2#id_token=SECRETF";

/** Has the address wherever an event can have one. */
function secretive(): MadeInvocation {
  const headers = [{ name: "user-agent", value: address }];
  const made = new MadeInvocation({
    info: { type: "fetch", method: "GET", url: address, headers },
    attributes: [{ name: "app.onset", value: address }],
  });
  const fetched = made.open(`GET ${address}`);
  made.attributes(
    { "url.full": address, "app.links": [address], "url.query": "token=SECRETQ" },
    fetched,
  );
  const status = { code: "error", message: `cannot reach ${address}` } as const;
  made.event({ type: "spanUpdate", info: { type: "status", status } }, fetched);
  made.event({ type: "spanUpdate", info: { type: "name", name: address } }, fetched);
  const error = {
    name: `E ${address}`,
    message: address,
    stack: `E: ${address}\n  at run (${address})`,
  };
  made.event({ type: "exception", ...error }, fetched);
  made.event({ type: "spanClose", outcome: "ok" }, fetched);
  const asked = "a5ced00000000000";
  const info = { type: "fetch", method: "GET", url: address } as TailStream.FetchEventInfo;
  made.event({ type: "spanOpen", name: "fetch", spanId: asked, info });
  made.event({ type: "spanClose", outcome: "ok" }, asked);
  made.event({ type: "log", level: "log", message: [address, { address }] });
  made.event({ type: "log", level: "error", message: [address], errorInfo: [error] });
  return made.outcome();
}

describe("addresses", () => {
  test("have no secrets when `redact` sees them, nor when they leave", async () => {
    const seen: string[] = [];
    const redact = (key: string, value: string) => {
      seen.push(`${key}: ${value}`);
      return value;
    };
    for (const options of [{}, { redact }]) {
      const to = collectingTo(receiver, options);
      play(to.collecting, secretive().events);
      assertAccounted(to);
      const spans = await to.spans();
      const logs = await to.logs();
      assert.equal(spans.length, 3);
      assert.equal(logs.length, 2);
      assert.doesNotMatch(JSON.stringify([spans, logs]), /SECRET/);
      const clean = "https://shop.example:8443/users/7";
      assert.equal(received(spans, "fetch").attributes["url.full"], clean);
      assert.equal(received(spans, "GET").attributes["url.path"], "/users/7");
    }
    assert.ok(seen.some((text) => text.startsWith("exception.stacktrace: E: https://REDACTED:")));
    assert.doesNotMatch(seen.join(), /SECRET/);
  });

  test("keep the parameters of `keepQueryParameters`, but for the values of secrets", async () => {
    const to = collectingTo(receiver, { otlp: { keepQueryParameters: ["page", "token"] } });
    play(to.collecting, secretive().events);
    const spans = await to.spans();
    assert.doesNotMatch(JSON.stringify([spans, await to.logs()]), /SECRET/);
    const { attributes } = received(spans, "fetch");
    assert.equal(attributes["url.full"], "https://shop.example:8443/users/7?token=REDACTED&page=2");
    assert.equal(received(spans, "GET").attributes["url.query"], "token=REDACTED&page=2");
  });

  test("are no route: one that `route` answers loses its query", async () => {
    const route = ({ url }: Request) => url;
    const to = collectingTo(receiver, { otlp: { route } });
    const made = new MadeInvocation({
      info: {
        type: "fetch",
        method: "GET",
        url: "https://shop.example/a?token=SECRETQ",
        headers: [],
      },
    });
    play(to.collecting, made.outcome().events);
    const [span] = await to.spans();
    assert.equal(span?.name, "GET https://shop.example/a");
    assert.equal(span?.attributes["http.route"], "https://shop.example/a");
  });

  test("are no route where `route` answers with a promise, whose rejection is handled", async () => {
    const route = () => Promise.reject(new Error("no"));
    const to = collectingTo(receiver, { otlp: { route: route as never } });
    const info = { type: "fetch", method: "GET", url: "https://shop.example/a", headers: [] };
    const made = new MadeInvocation({ info: info as unknown as TailStream.FetchEventInfo });
    play(to.collecting, made.outcome().events);
    const root = received(await to.spans(), "GET");
    assert.equal("http.route" in root.attributes, false);
  });

  test("a list of names that is none is refused, with its shape", () => {
    for (const [keepQueryParameters, shape] of [
      ["page", "string"],
      [["page", 7], "list"],
    ] as const) {
      assert.throws(
        () =>
          collectingTo(receiver, { otlp: { keepQueryParameters: keepQueryParameters as never } }),
        new RegExp(`keepQueryParameters is .*${shape}.*; it has to be a list of names`),
      );
    }
  });
});
