import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  copyPackage,
  firstVersion,
  type SecondCopy,
  secondVersion,
} from "../harness/second_copy.ts";
import { startWorkers } from "../harness/start.ts";
import { assertTree, type Shape } from "./harness/assertions.ts";

const cases: readonly Readonly<Record<"MAJOR" | "FIRST" | "SECOND" | "NESTED", string>>[] = [
  { MAJOR: "v7", FIRST: "wrap", SECOND: "wrap", NESTED: "nested" },
  { MAJOR: "v7", FIRST: "wrap", SECOND: "wrap", NESTED: "" },
  { MAJOR: "v6", FIRST: "wrap", SECOND: "wrap", NESTED: "nested" },
  { MAJOR: "v7", FIRST: "wrap", SECOND: "register", NESTED: "nested" },
  { MAJOR: "v7", FIRST: "register", SECOND: "register", NESTED: "nested" },
  { MAJOR: "v7", FIRST: "wrap", SECOND: "channel", NESTED: "nested" },
];

describe("two copies of the package in one Worker", () => {
  let copy: SecondCopy;
  before(() => {
    copy = copyPackage();
  });
  after(() => copy.remove());

  for (const vars of cases) {
    const { MAJOR, FIRST, SECOND, NESTED } = vars;
    const nested = NESTED === "" ? " of the same namespace" : "";
    test(`trace each call once, in one of them: ${FIRST} and ${SECOND}${nested}, ${MAJOR}`, async () => {
      const worker = await startWorkers([
        {
          name: "two-copies",
          main: "tests/workerd/apps/two_copies/index.ts",
          alias: { "isotel-second": copy.entry(""), "isotel-second/ai": copy.entry("ai") },
          streaming_tail_consumers: [{ service: "collector" }],
          vars,
        },
      ]);
      try {
        const ways = NESTED === "" ? 2 : 1;
        const answers = (await (await worker.fetch("/calls")).json()) as unknown[];
        assert.equal(answers.length, 3 * ways);
        assert.equal(new Set(answers).size, 1);
        const call: Shape = { invoke_agent: ["chat given-1"] };
        assertTree(await worker.takeSpans(), [
          { "GET /calls": Array.from({ length: 3 * ways }, () => call) },
        ]);
        const state = await (await worker.fetch("/state")).json();
        assert.deepEqual(state, {
          lines: [
            `isotel: this Worker has 2 copies of isotel, of the versions ${firstVersion} and ${secondVersion}. One of them ` +
              "traces the calls of the AI SDK for all: the first one whose metrics or export is set up, or else the first " +
              "one. Install one version",
          ],
          opened: [6 * ways, 0],
        });
      } finally {
        await worker.close();
      }
    });
  }
});
