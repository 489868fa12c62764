import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  copyPackage,
  firstVersion,
  type SecondCopy,
  secondVersion,
  versionsMessage,
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
  const copies = new Map<string, SecondCopy>();
  before(() => {
    for (const version of [firstVersion, secondVersion]) copies.set(version, copyPackage(version));
  });
  after(() => {
    for (const copy of copies.values()) copy.remove();
  });

  const inVersions = cases.flatMap((vars) =>
    [firstVersion, secondVersion].map((version) => ({ vars, version })),
  );
  for (const { vars, version } of inVersions) {
    const { MAJOR, FIRST, SECOND, NESTED } = vars;
    const nested = NESTED === "" ? " of the same namespace" : "";
    test(`trace each call once, in one of them: ${FIRST} and ${SECOND}${nested}, ${MAJOR}, isotel ${version}`, async () => {
      const copy = copies.get(version) as SecondCopy;
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
          lines: version === firstVersion ? [] : [versionsMessage(firstVersion, version)],
          // Copies of one version share the count.
          opened: [6 * ways, version === firstVersion ? 6 * ways : 0],
        });
      } finally {
        await worker.close();
      }
    });
  }
});
