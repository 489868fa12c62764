import { Field, Profile } from "../../core/abi.gen.ts";
import type { FieldSet } from "../../core/field_set.ts";
import { isFunction, ownValue, text } from "../read.ts";

const defaultPorts: Readonly<Record<string, number>> = { "https:": 443, "http:": 80 };

/**
 * Puts host and port of a model's provider into the start fields, nothing else of its URL. Models of provider packages
 * keep it in their `config`; of any other it is not known. Profile agents has no names for it.
 */
export function addServer(fields: FieldSet, profile: number, model: unknown): void {
  if (profile !== Profile.latest) return;
  const url = baseUrl(model);
  const port = url && (url.port === "" ? defaultPorts[url.protocol] : Number(url.port));
  // An address of version 6 is written in brackets in a URL only.
  fields
    .text(Field.serverAddress, url?.hostname.replace(/^\[(.*)\]$/, "$1"))
    .number(Field.serverPort, port);
}

/** `baseURL` of a model's config, a text or what gives one, or else what its `url` makes of an empty path. */
function baseUrl(model: unknown): URL | undefined {
  const config = ownValue(model, "config");
  const base = ownValue(config, "baseURL") ?? ownValue(config, "baseUrl");
  const url = ownValue(config, "url");
  try {
    if (typeof base === "string") return new URL(base);
    if (isFunction(base)) return new URL(String(base.call(config)));
    if (!isFunction(url)) return undefined;
    return new URL(
      String(url.call(config, { path: "", modelId: text(ownValue(model, "modelId")) })),
    );
  } catch {
    // A setting that is missing, or no URL: the request will tell.
    return undefined;
  }
}
