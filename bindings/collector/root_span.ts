import { otherMethod } from "../trace/http_method.ts";
import type { CollectedSpan } from "./collected_span.ts";
import type { OnsetSpan } from "./onset_span.ts";

/** What the span of an invocation says from its start. */
export function rootAttributes(
  onset: TailStream.Onset,
  { trigger, handler, keys, values }: OnsetSpan,
  invocationId: string,
): TailStream.Attribute[] {
  const list: TailStream.Attribute[] = [
    { name: "faas.trigger", value: trigger },
    { name: "faas.invocation_id", value: invocationId },
    { name: "cloudflare.handler_type", value: handler },
  ];
  const put = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) list.push({ name, value });
  };
  put("cloudflare.execution_model", onset.executionModel);
  put("cloudflare.entrypoint", onset.entrypoint);
  put("cloudflare.durable_object.id", onset.durableObjectId);
  for (let i = 0; i < keys.length; i += 1) put(keys[i] as string, values[i]);
  return list;
}

/** Its name at its end: what it is called may become known only with what the invocation sets on it. */
export function rootName({ name, attributes }: CollectedSpan, onset: OnsetSpan): string {
  const { keys, values } = attributes;
  if (onset.handler === "fetch") {
    const route = values[keys.lastIndexOf("http.route")];
    const method = onset.method === otherMethod ? "HTTP" : onset.method;
    return typeof route === "string" && route !== "" ? `${method} ${route}` : name;
  }
  if (onset.handler !== "jsrpc") return name;
  const method = values[keys.lastIndexOf("jsrpc.method")];
  return typeof method === "string" ? `${onset.name}/${method}` : name;
}
