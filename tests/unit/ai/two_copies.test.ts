import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { execPath } from "node:process";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import {
  copyPackage,
  firstVersion,
  type SecondCopy,
  secondVersion,
  versionsMessage,
} from "../../harness/second_copy.ts";
import { Totals } from "../support/metering.ts";
import type { TwoCopiesInput, TwoCopiesOutput } from "../support/two_copies_app.ts";

const execute = promisify(execFile);
const app = join(import.meta.dirname, "../support/two_copies_app.ts");

type Case = Omit<TwoCopiesInput, "entries" | "setUp">;

const combinations: readonly (readonly [first: string, second: string, isNested: boolean])[] = [
  ["wrap", "wrap", true],
  ["wrap", "wrap", false],
  ["wrap", "register", true],
  ["register", "wrap", true],
  ["register", "register", true],
  ["channel", "wrap", true],
  ["wrap", "channel", true],
  ["channel", "register", true],
  ["channel", "channel", true],
];
const cases: readonly Case[] = [
  ...combinations.map(
    ([first, second, isNested]): Case => ({ major: "v7", first, second, isNested }),
  ),
  { major: "v6", first: "wrap", second: "wrap", isNested: true },
  { major: "v6", first: "wrap", second: "wrap", isNested: false },
];

describe("two copies of the package in one program", () => {
  let copy: SecondCopy;
  before(() => {
    copy = copyPackage();
  });
  after(() => copy.remove());

  async function run(input: Omit<TwoCopiesInput, "entries">): Promise<TwoCopiesOutput> {
    const names = ["", "ai", "metrics", "otlp"];
    const entries = Object.fromEntries(names.map((name) => [name, copy.entry(name)]));
    const { stdout } = await execute(execPath, [app, JSON.stringify({ ...input, entries })]);
    return JSON.parse(stdout) as TwoCopiesOutput;
  }

  for (const { major, first, second, isNested } of cases) {
    const what = `${first} and ${second}${isNested ? "" : " of the same namespace"}, ${major}`;
    for (const setUp of ["first", "second"] as const) {
      test(`trace and measure each call once, in the ${setUp} copy, which is set up: ${what}`, async () => {
        const output = await run({ major, first, second, isNested, setUp });
        const ways = isNested ? 1 : 2;
        const once = ["generated", "streamed", "worked"];
        assert.deepEqual(output.texts, isNested ? once : [...once, ...once]);
        const calls = 3 * ways;
        assert.deepEqual(
          output.spans
            .filter(({ name }) => /^(?:invoke_agent|chat)/.test(name))
            .map(({ name, parent }) => `${parent?.replace(/ .*/, "")} > ${name}`)
            .sort(),
          [
            ...Array.from({ length: calls }, () => "GET > invoke_agent"),
            ...Array.from({ length: calls }, () => "invoke_agent > chat model-1"),
          ],
        );
        const totals = new Totals();
        totals.apply(output.frames.map((frame) => Buffer.from(frame, "base64")));
        const inputTokens = /^gen_ai_client_inference_usage_input_tokens_total\{.*\} (\d+)$/gm;
        assert.deepEqual(
          [...totals.text.matchAll(inputTokens)].map(([, tokens]) => Number(tokens)),
          [100 * calls],
        );
        assert.equal(output.opened[setUp === "first" ? 1 : 0], 0);
        assert.deepEqual(
          output.console.filter((line) => line.includes("Versions")),
          [versionsMessage(firstVersion, secondVersion)],
        );
      });
    }
  }

  test("say that versions differ even if only one of them traces the SDK", async () => {
    const input = { major: "v7", first: "wrap", second: "nothing", isNested: true } as const;
    const { console, spans } = await run({ ...input, setUp: "first" });
    assert.deepEqual(
      console.filter((line) => line.includes("Versions")),
      [versionsMessage(firstVersion, secondVersion)],
    );
    assert.equal(spans.filter(({ name }) => name === "invoke_agent").length, 3);
  });
});
