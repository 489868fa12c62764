/** The version of the package and a hash of its sources, for example `1.2.3+0a1b2c3d`. The build replaces it. */
declare const ISOTEL_BUILD: string | undefined;

/** Undefined if the package is not built. */
const build = typeof ISOTEL_BUILD === "string" ? ISOTEL_BUILD : undefined;

/** The version of this copy. Two builds of one release, for example of a git branch, are two versions. */
export const version: string = build ?? "unknown";

/** The copies of one version of this package in the isolate. */
interface Version {
  /** The state that they share, by name. Other versions do not read it. */
  readonly values: Record<string, unknown>;
  /**
   * Returns what these copies record of the current invocation, as bits of `Recorded`. Copies of other versions call
   * it, so it may not change.
   */
  recorded?: () => number;
}

const key = Symbol.for("isotel.versions");

const versions = versionsOfIsolate();
const own = ownVersion();

function versionsOfIsolate(): Map<string, Version> {
  const known = (globalThis as { [key]?: Map<string, Version> })[key];
  if (known !== undefined) return known;
  const value = new Map<string, Version>();
  // Has no effect if a program has frozen the object. Each copy is then alone.
  Reflect.defineProperty(globalThis, key, { value });
  return value;
}

function ownVersion(): Version {
  const known = versions.get(version);
  if (known !== undefined && build !== undefined) return known;
  const made: Version = { values: {} };
  // Sources that are not built have no version to compare.
  if (build === undefined) return made;
  versions.set(version, made);
  if (versions.size > 1) warnOfVersions();
  return made;
}

function warnOfVersions(): void {
  try {
    console.error(
      `isotel: this Worker has isotel ${[...versions.keys()].join(" and isotel ")}. Versions share no metrics, spans ` +
        "and logs: each sends only what its own withTelemetry sets up. Install one version: run `npm dedupe`, or add " +
        '"overrides": { "isotel": "$isotel" } to package.json',
    );
  } catch {
    // A custom console threw. Telemetry must not fail the program.
  }
}

/**
 * Returns a value that all copies of this version in the isolate share. The first copy that asks makes it. So state of
 * an isolate is not kept in variables of a module: a second copy of the package has variables of its own.
 */
export function shared<T>(name: string, make: () => T): T {
  own.values[name] ??= make();
  return own.values[name] as T;
}

/** A variable that all copies of this version share. */
export interface Slot<T> {
  value: T | undefined;
}

export function sharedSlot<T>(name: string): Slot<T> {
  return shared(name, () => ({ value: undefined }));
}

/** Sets what {@link recordedByOthers} of another version reads. */
export function publishRecorded(recorded: () => number): void {
  own.recorded = recorded;
}

/** Returns what copies of other versions record of the current invocation, as bits of `Recorded`. Never throws. */
export function recordedByOthers(): number {
  let bits = 0;
  for (const other of versions.values()) {
    if (other === own) continue;
    try {
      bits |= other.recorded?.() ?? 0;
    } catch {
      // A version that cannot be asked counts as one that records nothing.
    }
  }
  return bits;
}
