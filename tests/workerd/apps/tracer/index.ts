import { hidden } from "./hide.ts";

// Above all others, because isotel looks at the runtime when it is evaluated.

import { exports, WorkerEntrypoint } from "cloudflare:workers";
import { tracer, withInvocationScope } from "isotel";
import { routes } from "../../harness/routes.ts";

export class Upstream extends WorkerEntrypoint {
  override fetch(): Response {
    return tracer.withSpan("upstream_work", {}, () => new Response("upstream"));
  }
}

async function callUpstream(): Promise<string> {
  const { Upstream } = exports as unknown as Record<"Upstream", Fetcher>;
  return (await Upstream.fetch("https://upstream/")).text();
}

function nested() {
  return tracer.withSpan("outer", { "app.outer": true }, async () => {
    await scheduler.wait(1);
    const text = await tracer.withSpan("requesting", {}, callUpstream);
    tracer.withSpan("after", {}, () => {});
    return text;
  });
}

function siblings() {
  const sibling = (name: string, ms: number) =>
    tracer.withSpan(name, {}, async () => {
      await scheduler.wait(ms);
      tracer.withSpan(`under_${name}`, {}, () => {});
    });
  return tracer.withSpan("parent", {}, () => Promise.all([sibling("slow", 6), sibling("fast", 2)]));
}

function attributes() {
  const getter = {
    get "app.throws"(): string {
      throw new Error("a getter of the caller's");
    },
  };
  const odd = { "app.bigint": 1n, "app.symbol": Symbol("s"), "app.nan": Number.NaN };
  return tracer.withSpan("attributes", { "app.text": "x", "app.absent": undefined }, (span) => {
    span.setAttributes({ "app.number": 2, "app.flag": false });
    span.setAttributes(odd as unknown as Record<string, string>);
    span.setAttributes(getter);
    span.setAttribute("app.last", "written");
    return { isTraced: span.isTraced, context: span.spanContext(), sent: tracer.inject({}) };
  });
}

function openedThenFinished() {
  const span = tracer.openSpan("opened", { "app.start": 1 }, (opened) => {
    tracer.withSpan("while_active", {}, () => {});
    return opened;
  });
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await scheduler.wait(2);
      controller.enqueue(new TextEncoder().encode("body"));
      controller.close();
      span.finish({ "app.end": 2 });
      span.finish({ "app.late": 3 });
      span.setAttribute("app.later", 4);
    },
  });
  return new Response(body);
}

class Unlucky extends Error {
  override readonly name = "Unlucky";
}

/** What the caller saw, so that a test can tell that telemetry changed none of it. */
async function failures() {
  const cause = new Unlucky("a secret");
  const seen: boolean[] = [];
  try {
    tracer.withSpan("throws", {}, () => {
      throw cause;
    });
  } catch (error) {
    seen.push(error === cause);
  }
  await tracer
    .withSpan("rejects", {}, () => Promise.reject(cause))
    .catch((error: unknown) => seen.push(error === cause));
  await tracer
    .withSpan("rejects_with_text", {}, () => Promise.reject("a secret"))
    .catch((error: unknown) => seen.push(error === "a secret"));
  await tracer
    .withSpan("aborted", {}, () => Promise.reject(new DOMException("a secret", "AbortError")))
    .catch((error: unknown) => seen.push((error as Error).name === "AbortError"));
  tracer.openSpan("opened_and_failed", {}, (span) => span.fail(cause));
  tracer.withSpan("ok_is_final", {}, (span) => {
    span.setStatus("ok");
    span.setStatus("error");
  });
  return seen;
}

async function scope() {
  const bounded = { boundToInvocation: true } as const;
  await withInvocationScope(async () => {
    tracer.openSpan("bounded", {}, () => {}, bounded);
    tracer.openSpan("bounded_and_finished", {}, (span) => span.finish(), bounded);
    await scheduler.wait(1);
  });
  tracer.withSpan("after_scope", {}, () => {});
}

export default routes({
  "/nested": nested,
  "/siblings": siblings,
  "/attributes": attributes,
  "/opened": openedThenFinished,
  "/failures": failures,
  "/scope": scope,
  "/hidden": () => hidden,
  "/diagnostics": () => tracer.diagnostics(),
});
