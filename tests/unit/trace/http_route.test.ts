import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { httpRoute } from "../../../bindings/base/http.ts";
import { labelText } from "../../../bindings/metrics/labels.ts";

describe("http.route", () => {
  test("is the answer of the option, without a query and user info", () => {
    assert.equal(
      httpRoute(() => "/users/:id"),
      "/users/:id",
    );
    assert.equal(
      httpRoute(() => "https://user:password@shop.example/a?token=secret"),
      "https://shop.example/a",
    );
  });

  test("is none without a word where the option answers undefined", (t) => {
    const { mock } = t.mock.method(console, "error", () => {});
    assert.equal(
      httpRoute(() => undefined),
      undefined,
    );
    assert.equal(mock.callCount(), 0);
  });

  test("is none where the option throws, and the console says so once", (t) => {
    const { mock } = t.mock.method(console, "error", () => {});
    class NoRoute extends Error {
      override readonly name = "NoRoute";
    }
    for (let times = 0; times < 3; times += 1) {
      const ask = () => {
        throw new NoRoute("not to be said");
      };
      assert.equal(httpRoute(ask), undefined);
    }
    assert.deepEqual(
      mock.calls.map(({ arguments: said }) => said),
      [["isotel: the option route failed (NoRoute); http.route is left out."]],
    );
  });

  test("is only a string, unless other answers have a text too", (t) => {
    const { mock } = t.mock.method(console, "error", () => {});
    assert.equal(
      httpRoute(() => 7),
      undefined,
    );
    assert.match(String(mock.calls[0]?.arguments[0]), /^isotel: route returned .*7/);
    assert.equal(
      httpRoute(() => 7, labelText),
      "7",
    );
    assert.equal(mock.callCount(), 1);
  });
});
