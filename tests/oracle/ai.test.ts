import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { eventually } from "../workerd/harness/eventually.ts";
import { type Case, nameOf, names } from "./dimensions.ts";
import { Oracle, type Verdict } from "./oracle.ts";
import { sample, simplerCases } from "./sampler.ts";

// Runs calls of the AI SDK in workerd, plain and observed. The expected spans of the observed call follow from what the
// caller of the plain call saw. Without ISOTEL_ORACLE_CASES, the number of cases is enough to cover every pair of
// values.
const size = Number(process.env["ISOTEL_ORACLE_CASES"] ?? 0);
const seed = Number(process.env["ISOTEL_ORACLE_SEED"] ?? 1);
/** Disagreements that are reported in full. */
const maxReported = 5;

/** The part of a verdict that is kept. The logs and spans of 50,000 cases would fill the memory. */
type Judged = Pick<Verdict, "case" | "found" | "blindSpots">;

/** Returns the verdict of the simplest case found that disagrees too. */
async function minimise(oracle: Oracle, verdict: Verdict): Promise<Verdict> {
  let smallest = verdict;
  for (;;) {
    const found = await firstThatDisagrees(oracle, simplerCases(smallest.case));
    if (found === undefined) return smallest;
    smallest = found;
  }
}

async function firstThatDisagrees(
  oracle: Oracle,
  cases: readonly Case[],
): Promise<Verdict | undefined> {
  for (const value of cases) {
    const verdict = await oracle.judgeAlone(value);
    if (verdict.found.length > 0) return verdict;
  }
  return undefined;
}

function describeVerdict({ case: value, found, plain }: Verdict): string {
  const log = plain.map(({ lane, what, n, error, value: detail }) => {
    const more = [n, error && JSON.stringify(error), detail && JSON.stringify(detail)];
    return `    ${[lane, what, ...more].filter((one) => one !== undefined).join(" ")}`.slice(
      0,
      160,
    );
  });
  return [`  ${nameOf(value)}`, ...found.map((one) => `  - ${one}`), ...log].join("\n");
}

/** Cases and disagreements by the values of each dimension. */
function summary(verdicts: readonly Judged[]): string {
  const lines = names.map((name) => {
    const counts = new Map<unknown, [number, number]>();
    for (const { case: value, found } of verdicts) {
      const [all, bad] = counts.get(value[name]) ?? [0, 0];
      counts.set(value[name], [all + 1, bad + (found.length > 0 ? 1 : 0)]);
    }
    const shown = [...counts].map(
      ([value, [all, bad]]) => `${value} ${all}${bad > 0 ? ` (${bad} wrong)` : ""}`,
    );
    return `${name}: ${shown.join(", ")}`;
  });
  const spots = new Map<string, number>();
  for (const { blindSpots } of verdicts) {
    for (const name of blindSpots) spots.set(name, (spots.get(name) ?? 0) + 1);
  }
  const blind = [...spots].map(([name, count]) => `${name}: ${count}`);
  return [...lines, "not known to hooks:", ...blind].join("\n  ");
}

for (const major of [6, 7] as const) {
  describe(`spans of ai v${major} say what the caller saw`, () => {
    const { cases, pairs, covered } = sample(major, seed, size);
    const verdicts: Judged[] = [];
    let oracle: Oracle;
    before(async () => {
      oracle = await Oracle.start();
    });
    after(async () => {
      await oracle.close();
      console.log(`${verdicts.length} cases, ${covered} of ${pairs} pairs\n  ${summary(verdicts)}`);
    });

    test("the cases cover every pair of values", () => {
      assert.equal(covered, pairs);
    });

    for (const way of new Set(cases.map((value) => value.way))) {
      const own = cases.filter((value) => value.way === way);
      test(`through ${way}`, { timeout: 60_000 + 500 * own.length }, async () => {
        const wrong: Verdict[] = [];
        await oracle.judgeAll(own, (verdict) => {
          const { case: value, found, blindSpots } = verdict;
          verdicts.push({ case: value, found, blindSpots });
          if (verdict.found.length > 0) wrong.push(verdict);
        });
        const reported: string[] = [];
        for (const verdict of wrong.slice(0, maxReported)) {
          reported.push(describeVerdict(await minimise(oracle, verdict)));
        }
        const message = `${wrong.length} of ${own.length} cases disagree; the smallest ones:\n`;
        assert.ok(wrong.length === 0, message + reported.join("\n\n"));
      });
    }

    test("metrics of the calls agree with their spans", async () => {
      await eventually(async () => assert.deepEqual(await oracle.compareMetrics(), []));
    });
  });
}
