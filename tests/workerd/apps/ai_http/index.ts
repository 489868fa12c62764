import * as aiV7 from "ai";
import * as aiV6 from "ai-v6";
import { tracer } from "isotel";
import { wrapAISDK } from "isotel/ai";
import { type Route, routes } from "../../harness/routes.ts";
import type { Api, HttpOutcome, HttpSubject, Major } from "../../http_provider/scripts.ts";
import { callOf, type Run, run } from "./run.ts";
import { type Namespace, type Subject, subjects } from "./subjects.ts";

const plain: Readonly<Record<Major, Namespace>> = {
  v6: aiV6 as unknown as Namespace,
  v7: aiV7 as unknown as Namespace,
};
const wrapped: Readonly<Record<Major, Namespace>> = {
  v6: wrapAISDK(plain.v6),
  v7: wrapAISDK(plain.v7),
};

function read({ searchParams }: URL): { subject: Subject; options: Run } {
  const text = (key: string) => searchParams.get(key) ?? "";
  const subject = subjects.find(({ name }) => name === text("function"));
  if (subject === undefined) throw new Error(`no such function: ${searchParams}`);
  return {
    subject,
    options: {
      major: text("major") as Major,
      api: text("api") as Api,
      outcome: text("outcome") as HttpOutcome,
      provider: text("provider"),
      run: text("run"),
    },
  };
}

const compare: Route = async (url) => {
  const { subject, options } = read(url);
  const { major } = options;
  const expected = await tracer.withSpan("plain", {}, () =>
    run(plain[major], subject, { ...options, run: `${options.run}-plain` }),
  );
  const actual = await tracer.withSpan("wrapped", {}, () =>
    run(wrapped[major], subject, { ...options, run: `${options.run}-wrapped` }),
  );
  return { expected, actual };
};

/** The stream of a call as the response. */
const respond: Route = async (url) => {
  const { subject, options } = read(url);
  const result = await subject.call(callOf(wrapped[options.major], options));
  return (result as { toTextStreamResponse(): Response }).toTextStreamResponse();
};

export default routes({
  "/compare": compare,
  "/respond": respond,
  "/subjects": (): HttpSubject[] =>
    subjects.map(({ name, majors, apis, stream }) => ({
      name,
      majors,
      apis,
      isStream: stream !== undefined,
    })),
  "/diagnostics": () => tracer.diagnostics(),
});
