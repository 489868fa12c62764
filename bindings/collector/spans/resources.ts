import type { ResourceAttributes } from "../../otlp/core/encoder.ts";
import { limits } from "./counts.ts";

type Onset = TailStream.Onset;

/** The resources of the followed Workers. Each version of a Worker has one object. */
export class Resources {
  readonly #base: ResourceAttributes;
  #known = new Map<string, ResourceAttributes>();

  /** @param base Attributes of all resources. Its `service.name` is used for a Worker without a name. */
  constructor(base: ResourceAttributes) {
    this.#base = base;
  }

  of({ scriptName, scriptVersion, dispatchNamespace, scriptTags }: Onset): ResourceAttributes {
    const key = `${scriptName ?? ""}\n${scriptVersion?.id ?? ""}\n${dispatchNamespace ?? ""}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    // A forgotten resource gets a new object. The only effect is that a request may have two groups for it.
    if (this.#known.size >= limits.resources) this.#known = new Map();
    const resource: Record<string, unknown> = { ...this.#base };
    const version = scriptVersion?.tag || scriptVersion?.id;
    put(resource, "service.name", scriptName);
    put(resource, "service.version", version);
    put(resource, "faas.name", scriptName);
    put(resource, "faas.version", version);
    put(resource, "cloudflare.script_name", scriptName);
    put(resource, "cloudflare.script_version.id", scriptVersion?.id);
    put(resource, "cloudflare.script_version.tag", scriptVersion?.tag);
    put(resource, "cloudflare.dispatch_namespace", dispatchNamespace);
    if (scriptTags !== undefined && scriptTags.length > 0) {
      resource["cloudflare.script_tags"] = [...scriptTags];
    }
    this.#known.set(key, resource);
    return resource;
  }
}

function put(resource: Record<string, unknown>, key: string, value: string | undefined): void {
  if (value !== undefined && value !== "") resource[key] = value;
}
