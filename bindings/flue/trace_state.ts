import type { OtelTraceState } from "./otel_types.ts";

/** The limits of the W3C's recommendation. */
const maxMembers = 32;
const maxUnits = 512;
const keyPattern = /^[a-z0-9][a-z0-9_\-*/@]{0,255}$/;
const valuePattern = /^[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;

/** What a header says, as far as it can be read; undefined where nothing can. */
export function readTraceState(header: string): OtelTraceState | undefined {
  if (header.length > maxUnits) return undefined;
  const members = new Map<string, string>();
  for (const member of header.split(",")) {
    const [key = "", ...rest] = member.trim().split("=");
    const value = rest.join("=");
    if (isMember(key, value) && !members.has(key)) members.set(key, value);
  }
  return members.size === 0 || members.size > maxMembers ? undefined : new TraceState(members);
}

class TraceState implements OtelTraceState {
  readonly #members: ReadonlyMap<string, string>;

  constructor(members: ReadonlyMap<string, string>) {
    this.#members = members;
  }

  set(key: string, value: string): OtelTraceState {
    if (!isMember(key, value)) return this;
    const others = [...this.#members].filter(([other]) => other !== key);
    return new TraceState(
      new Map([[key, value], ...others].slice(0, maxMembers) as [string, string][]),
    );
  }

  unset(key: string): OtelTraceState {
    const members = new Map(this.#members);
    members.delete(key);
    return new TraceState(members);
  }

  get(key: string): string | undefined {
    return this.#members.get(key);
  }

  serialize(): string {
    return Array.from(this.#members, ([key, value]) => `${key}=${value}`).join(",");
  }
}

function isMember(key: string, value: string): boolean {
  return keyPattern.test(key) && valuePattern.test(value);
}
