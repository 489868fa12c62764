import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { interceptModel, originalModel } from "../../../bindings/ai/calls/substitutes.ts";

const model = { modelId: "m", doGenerate: () => "generated" };
const nothing = () => undefined;

describe("an intercepted model", () => {
  test("tells its original, also when it is intercepted again", () => {
    const once = interceptModel(model, nothing);
    assert.equal(originalModel(once), model);
    assert.equal(originalModel(interceptModel(once, nothing)), model);
  });

  test("shows nothing of what it knows", () => {
    const intercepted = interceptModel(model, nothing);
    assert.deepEqual(Reflect.ownKeys(intercepted), []);
    assert.equal((intercepted as typeof model).doGenerate(), "generated");
  });

  test("is not the original of what a caller has put around it", () => {
    const intercepted = interceptModel(model, nothing);
    for (const around of [new Proxy(intercepted, {}), Object.create(intercepted) as object]) {
      assert.equal(originalModel(around), around);
    }
  });
});

describe("a model that nobody has intercepted", () => {
  test("is its own original, also when it throws at what it does not know", () => {
    const strict = new Proxy(model, {
      get(target, key) {
        if (key in target) return Reflect.get(target, key) as unknown;
        throw new TypeError(`no ${String(key)}`);
      },
    });
    assert.equal(originalModel(model), model);
    assert.equal(originalModel(strict), strict);
  });
});
