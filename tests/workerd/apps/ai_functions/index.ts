import * as aiV7 from "ai";
import * as aiV6 from "ai-v6";
import { tracer } from "isotel";
import { wrapAISDK } from "isotel/ai";
import { type Route, routes } from "../../harness/routes.ts";
import { type Cases, runAllForms, runWithoutGateway } from "./forms.ts";
import type { Major, Outcome } from "./outcomes.ts";
import { run } from "./run.ts";
import { scenarios } from "./scenarios.ts";
import { type Namespace, subjects, takesGateway } from "./subjects.ts";
import { observeUntraced, observeUntracedAgent } from "./untraced.ts";

const plain: Readonly<Record<Major, Namespace>> = {
  v6: aiV6 as unknown as Namespace,
  v7: aiV7 as unknown as Namespace,
};
const wrapped: Readonly<Record<Major, Namespace>> = {
  v6: wrapAISDK(plain.v6),
  v7: wrapAISDK(plain.v7),
};

const compare: Route = async (url) => {
  const major = url.searchParams.get("major") as Major;
  const outcome = url.searchParams.get("outcome") as Outcome;
  const subject = subjects.find(({ name }) => name === url.searchParams.get("function"));
  if (subject === undefined) throw new Error(`no such function: ${url.search}`);
  const expected = await tracer.withSpan("plain", {}, () =>
    run(plain[major], subject, major, outcome),
  );
  const actual = await tracer.withSpan("wrapped", {}, () =>
    run(wrapped[major], subject, major, outcome),
  );
  return { expected, actual };
};

const forms: Route = async ({ searchParams }, request) => {
  const major = searchParams.get("major") as Major;
  const cases: Cases = await request.json();
  return runAllForms(plain[major], major, cases, searchParams.has("registered"));
};

export default routes({
  "/compare": compare,
  "/forms": forms,
  "/gateway_missing": () => runWithoutGateway(plain.v7),
  "/subjects": () =>
    subjects.map((subject) => ({
      name: subject.name,
      majors: subject.majors,
      isStream: subject.stream !== undefined,
      takesGateway: takesGateway(subject) !== undefined,
    })),
  "/untraced": () =>
    Promise.all(
      (["v6", "v7"] as const).flatMap((major) => [
        ...subjects
          .filter(({ name, majors }) => majors.includes(major) && !name.includes("."))
          .map(({ name }) => observeUntraced(plain[major], name)),
        ...observeUntracedAgent(plain[major]),
      ]),
    ),
  "/diagnostics": () => tracer.diagnostics(),
  ...Object.fromEntries(
    Object.entries(scenarios).map(([name, scenario]): [string, Route] => [
      `/${name}`,
      (url) => {
        const major = (url.searchParams.get("major") ?? "v7") as Major;
        return scenario(wrapped[major], major, plain[major]);
      },
    ]),
  ),
});
