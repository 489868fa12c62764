import { maskSecrets } from "../core/address.ts";
import type { Core } from "../core/core.ts";

/** Names shorter than this fit into 64 bytes whatever their characters. */
const alwaysFits = 21;
const maxEntries = 1000;
/** More of a name or target never matters: both are cut or left out at 64 bytes. */
const maxUnits = 256;

/** A map that is emptied when it is full: a cache of what the core can compute again. */
class BoundedMap<V> {
  readonly #entries = new Map<string, V>();

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): V {
    if (this.#entries.size >= maxEntries) this.#entries.clear();
    this.#entries.set(key, value);
    return value;
  }
}

/** Keeps what a core answered, unless it trapped: then the answer only stands in for one. */
function keep(core: Core, map: BoundedMap<string>, key: string, answer: string): string {
  return core.isAlive ? map.set(key, answer) : answer;
}

/** Texts the core builds from others, kept so that each crosses once: span names, providers, metadata keys. */
export class NameCache {
  readonly #customNames = new BoundedMap<string>();
  readonly #operationNames: BoundedMap<string>[] = [];
  readonly #providers = new BoundedMap<string>();
  readonly #metadataKeys: BoundedMap<string>[] = [];

  /** A span name of the user's own, cut to what the runtime keeps. */
  custom(core: Core, name: string): string {
    // Before it is cut: of half an address nobody can tell what is secret.
    const shown = maskSecrets(name);
    if (shown.length <= alwaysFits) return shown;
    const head = shown.slice(0, maxUnits);
    return this.#customNames.get(head) ?? keep(core, this.#customNames, head, core.cutName(head));
  }

  /** `{operation} {target}`. */
  operation(core: Core, operation: number, target: string): string {
    this.#operationNames[operation] ??= new BoundedMap();
    const names = this.#operationNames[operation];
    const shown = maskSecrets(target);
    const head = shown.length > maxUnits ? shown.slice(0, maxUnits) : shown;
    return names.get(head) ?? keep(core, names, head, core.spanName(operation, head));
  }

  /** gen_ai.provider.name of a provider identifier. */
  provider(core: Core, provider: string): string {
    if (provider.length > maxUnits) return core.providerName(provider);
    return (
      this.#providers.get(provider) ??
      keep(core, this.#providers, provider, core.providerName(provider))
    );
  }

  /** The attribute key of a metadata entry; empty when the entry is consumed. */
  metadataKey(core: Core, source: number, key: string): string {
    if (key.length > maxUnits) return core.metadataKey(source, key);
    this.#metadataKeys[source] ??= new BoundedMap();
    const keys = this.#metadataKeys[source];
    return keys.get(key) ?? keep(core, keys, key, core.metadataKey(source, key));
  }
}
