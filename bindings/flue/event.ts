/**
 * An event of Flue's `observe()`, as far as every one of them is alike. What else it has depends on its type and on the
 * version; it is read by the paths of src/flue/fields.def and may be missing or of another kind.
 */
export interface FlueEvent {
  /** The version of the format: 1, or 3 for today's packages. */
  readonly v?: number | undefined;
  readonly type: string;
  /** ISO 8601. */
  readonly timestamp?: string | undefined;
}

/** The context Flue hands out with an event, as far as a root's context may be found by it. */
export interface FlueContext {
  readonly id?: string | undefined;
  readonly runId?: string | undefined;
  readonly payload?: unknown;
  readonly env?: unknown;
  /** Of processing that began with a request; of durable processing it is made up. */
  readonly req?: Request | undefined;
  readonly log?: unknown;
}

/** The value at the end of a path of property names; undefined where a step is missing. */
export function readPath(from: unknown, path: readonly string[]): unknown {
  let value = from;
  for (const name of path) {
    if (value === null || typeof value !== "object") return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}

/** The string at a property; empty for anything else. */
export function readText(from: unknown, name: string): string {
  const value = (from as Readonly<Record<string, unknown>>)[name];
  return typeof value === "string" ? value : "";
}
