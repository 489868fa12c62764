import type { ResolveReason } from "isotel/metrics";

/** A feature flag: its segment, and the share of each variant in it. */
interface Flag {
  readonly countries: readonly string[];
  /** Variants with their shares in percent. The rest of the segment gets no variant. */
  readonly variants: readonly (readonly [variant: string, percent: number])[];
  readonly isArchived?: boolean;
}

export interface Resolution {
  readonly flag: string;
  readonly variant: string | null;
  readonly reason: ResolveReason;
}

export interface ResolveRequest {
  readonly flag: string;
  readonly targetingKey: string;
  readonly country: string;
}

const flags: ReadonlyMap<string, Flag> = new Map([
  [
    "new-checkout",
    {
      countries: ["PT", "SE"],
      variants: [
        ["on", 50],
        ["off", 40],
      ],
    },
  ],
  ["old-banner", { countries: [], variants: [["on", 100]], isArchived: true }],
]);

/** Returns a number from 0 to 99 that is always the same for a key. */
function bucketOf(key: string): number {
  let hash = 2166136261;
  for (const char of key) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619);
  return (hash >>> 0) % 100;
}

/** Decides which variant of a flag a visitor gets. */
export function resolveFlag({ flag: name, targetingKey, country }: ResolveRequest): Resolution {
  const none = (reason: ResolveReason): Resolution => ({ flag: name, variant: null, reason });
  const flag = flags.get(name);
  if (flag === undefined) return none("FLAG_NOT_FOUND");
  if (flag.isArchived === true) return none("FLAG_ARCHIVED");
  if (targetingKey === "") return none("TARGETING_KEY_ERROR");
  if (!flag.countries.includes(country)) return none("NO_SEGMENT_MATCH");
  let bucket = bucketOf(`${name}:${targetingKey}`);
  for (const [variant, percent] of flag.variants) {
    if (bucket < percent) return { flag: name, variant, reason: "MATCH" };
    bucket -= percent;
  }
  return none("NO_TREATMENT_MATCH");
}
