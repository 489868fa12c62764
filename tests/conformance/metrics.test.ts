import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as ai from "ai";
import { MockEmbeddingModelV4, MockImageModelV4 } from "ai/test";
import { wrapNamespace } from "../../bindings/ai/sdk/wrap.ts";
import { sdks, textAnswer, textParts, toolAnswer, toolParts } from "../unit/support/ai_sdk.ts";
import { measuring, runtimes } from "../unit/support/measuring.ts";
import { documentedUnconfirmed } from "./support/latest.ts";
import {
  conventionalName,
  metricViolations,
  type SeenFamily,
  standingOf,
} from "./support/metrics.ts";

/** Every metric there is, by calls with every outcome. */
async function familiesOf(options: object): Promise<SeenFamily[]> {
  const own = measuring(runtimes.untraced(), options);
  for (const sdk of sdks) {
    const { generateText, streamText } = wrapNamespace(own.telemetry, sdk.namespace, undefined);
    const settings = {
      prompt: "p",
      maxRetries: 0,
      stopWhen: sdk.stopAfter(5),
      tools: { weather: sdk.tool(() => "sun") },
      experimental_telemetry: { functionId: "helper" },
    };
    const model = sdk.model({
      generate: [toolAnswer("weather"), textAnswer()],
      stream: [toolParts("weather"), textParts("Hel", "lo")],
    });
    await generateText({ ...settings, model });
    for await (const _ of streamText({ ...settings, model }).textStream);
    for await (const _ of streamText({ ...settings, model }).textStream) break;
    await generateText({ ...settings, experimental_telemetry: {}, model });
    const failing = sdk.model({ generate: [() => Promise.reject(new RangeError("no"))] });
    await assert.rejects(generateText({ ...settings, model: failing }), {
      name: "RangeError",
      message: "no",
    });
  }
  const { embed, generateImage } = wrapNamespace(own.telemetry, ai, undefined);
  const embedding = { embeddings: [[1]], usage: { tokens: 5 }, warnings: [] };
  await embed({
    model: new MockEmbeddingModelV4({ doEmbed: async () => embedding }),
    value: "v",
  });
  const image = {
    images: [new Uint8Array([137, 80, 78, 71])],
    warnings: [],
    response: { timestamp: new Date(0), modelId: "image-1", headers: undefined },
    usage: { inputTokens: 3, outputTokens: 4, totalTokens: 7 },
  };
  await generateImage({
    model: new MockImageModelV4({ doGenerate: async () => image }) as never,
    prompt: "p",
  });
  return own.collect().families;
}

const isGenAi = ({ name }: SeenFamily) => name.startsWith("gen_ai.");

describe("GenAI metrics against the conventions", () => {
  test("every family that is recorded is one of theirs, with its unit, bounds and labels", async () => {
    const families = (await familiesOf({})).filter(isGenAi);
    // All but those of former names and costs.
    assert.equal(families.length, 16, families.map(({ name }) => name).join(", "));
    for (const family of families) {
      assert.deepEqual(metricViolations(family, false), [], family.name);
    }
    const unconfirmed = families.filter((family) => standingOf(family)?.status === "unconfirmed");
    assert.deepEqual(unconfirmed.map(conventionalName).sort(), documentedUnconfirmed("metric"));
  });

  test("former names are as they were", async () => {
    const families = (await familiesOf({ formerNames: true })).filter(isGenAi);
    assert.equal(families.length, 20, families.map(({ name }) => name).join(", "));
    for (const family of families) {
      assert.deepEqual(metricViolations(family, true), [], family.name);
    }
  });

  test("names of the project's own are in its own name space", async () => {
    const prices = { "model-1": { input: 1, output: 1 } };
    const families = await familiesOf({ prices });
    const others = families.filter((family) => !isGenAi(family));
    assert.deepEqual(
      others.map(conventionalName).filter((name) => !name.startsWith("isotel_")),
      ["isotel.gen_ai.cost"],
    );
  });
});

describe("the check itself finds", () => {
  const good: SeenFamily = {
    name: "gen_ai.invoke_agent.tool_calls",
    type: "histogram",
    unit: "",
    series: [
      { labels: {}, buckets: [1, 2, 4, 8, 16, 32, 64, 128, "+Inf"].map((b) => [b as number, 0]) },
    ],
  };
  const [series] = good.series;
  for (const [what, fault, finds] of [
    ["nothing wrong with a right one", {}, undefined],
    ["an unknown name", { name: "gen_ai.invoke_agent.cost" }, /no such/],
    ["a name that was given up", { name: "gen_ai.workflow.duration" }, /status removed/],
    ["another unit", { unit: "bytes" }, /unit bytes/],
    ["another instrument", { type: "counter" }, /a counter/],
    ["other bounds", { series: [{ labels: {}, buckets: [[1, 0]] }] }, /bounds 1/],
    ["a label of its own", { series: [{ ...series, labels: { user: "u" } }] }, /label user/],
    [
      "a required label that is missing",
      { name: "gen_ai.execute_tool.duration" },
      /no gen_ai.tool/,
    ],
  ] as const) {
    test(what, () => {
      const found = metricViolations({ ...good, ...fault } as SeenFamily, false).join("\n");
      if (finds === undefined) assert.equal(found, "");
      else assert.match(found, finds);
    });
  }
});
