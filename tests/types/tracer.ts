import {
  type Attributes,
  type AttributeValue,
  type SpanContext,
  type SpanLifetime,
  type Tracer,
  type TracerSpan,
  tracer,
} from "isotel";
import { expectTrue, type Same } from "./expect.ts";

// withSpan and openSpan return what their callback returns, promises included.
const text = tracer.withSpan("work", {}, () => "text");
expectTrue<Same<typeof text, string>>();
const later = tracer.withSpan("work", { "app.key": 1 }, async (span) => span.isTraced);
expectTrue<Same<typeof later, Promise<boolean>>>();
const nothing = tracer.withSpan("work", {}, () => {});
expectTrue<Same<typeof nothing, void>>();
const span = tracer.openSpan("work", {}, (opened) => opened);
expectTrue<Same<typeof span, TracerSpan>>();
const either = tracer.withSpan("work", {}, () => (span.isTraced ? "text" : undefined));
expectTrue<Same<typeof either, "text" | undefined>>();

// Attributes are scalars and lists of one kind of them; undefined leaves one out.
const attributes: Attributes = {
  text: "a",
  number: 1,
  flag: true,
  texts: ["a"],
  numbers: [1],
  flags: [true],
  absent: undefined,
};
tracer.withSpan("work", attributes, () => {});
tracer.withSpan("work", { readonly: ["a"] as const }, () => {});
// @ts-expect-error null is no value
tracer.withSpan("work", { bad: null }, () => {});
// @ts-expect-error objects are no values
tracer.withSpan("work", { bad: { nested: 1 } }, () => {});
// @ts-expect-error bigints are no values
tracer.withSpan("work", { bad: 1n }, () => {});
// @ts-expect-error lists have items of one kind
tracer.withSpan("work", { bad: ["a", 1] as const }, () => {});
// @ts-expect-error symbols are no values
tracer.withSpan("work", { bad: Symbol("s") }, () => {});
// @ts-expect-error attributes may be empty, not left out
tracer.withSpan("work", undefined, () => {});
// @ts-expect-error a name is a text
tracer.withSpan(1, {}, () => {});
// @ts-expect-error there has to be a body
tracer.withSpan("work", {});

expectTrue<
  Same<
    AttributeValue,
    string | number | boolean | readonly string[] | readonly number[] | readonly boolean[]
  >
>();

// The third argument of both is how long the span may last.
const lifetime: SpanLifetime = { boundToInvocation: true };
tracer.withSpan("work", {}, () => {}, lifetime);
tracer.openSpan("work", {}, () => {}, { boundToInvocation: false });
tracer.openSpan("work", {}, () => {}, {});
// @ts-expect-error it is a flag
tracer.withSpan("work", {}, () => {}, { boundToInvocation: 1 });
// @ts-expect-error there is no such option
tracer.withSpan("work", {}, () => {}, { bound: true });
// @ts-expect-error what is absent is left out, not undefined
tracer.withSpan("work", {}, () => {}, { boundToInvocation: undefined });

// A span's methods.
span.setAttribute("key", "value");
span.setAttribute("key", undefined);
span.setAttributes({ key: 1 });
span.setStatus("ok");
span.setStatus("error");
span.finish();
span.finish({ key: 1 });
span.fail(new Error("any cause"));
span.fail(undefined);
expectTrue<Same<ReturnType<typeof span.spanContext>, SpanContext | undefined>>();
expectTrue<Same<ReturnType<typeof span.finish>, void>>();
// @ts-expect-error unset is no status to set
span.setStatus("unset");
// @ts-expect-error a cause has to be given
span.fail();
// @ts-expect-error a key is a text
span.setAttribute(1, "value");
// @ts-expect-error it is only read
span.isTraced = false;

const context: SpanContext = { traceId: "a", spanId: "b", traceFlags: 1 };
// @ts-expect-error it is only read
context.traceId = "c";

// Counts by name; the tracer is no place to put things.
expectTrue<Same<ReturnType<Tracer["diagnostics"]>, Readonly<Record<string, number>>>>();
// @ts-expect-error what it counts is only read
tracer.diagnostics()["traps"] = 0;

// A span can be made up for a test of the user's own.
const double: TracerSpan = {
  isTraced: false,
  setAttribute() {},
  setAttributes() {},
  setStatus() {},
  spanContext: () => undefined,
  finish() {},
  fail() {},
};
double.finish();
