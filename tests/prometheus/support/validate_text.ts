/** One sample line. */
interface Sample {
  readonly name: string;
  /** As written, sorted by name, without `le`. */
  readonly labels: string;
  readonly le: string | undefined;
  readonly value: number;
}

interface Family {
  readonly name: string;
  type: string;
  hasHelp: boolean;
  readonly samples: Sample[];
}

const suffixes: Readonly<Record<string, readonly string[]>> = {
  counter: ["_total", "_created"],
  histogram: ["_bucket", "_sum", "_count", "_created"],
  gauge: [""],
};

/**
 * What is wrong with an exposition in Prometheus text or OpenMetrics: families that are not contiguous, series given
 * twice, samples that do not belong to their family, buckets that shrink, lack +Inf or do not end with the count.
 */
export function problemsOf(text: string, isOpenMetrics: boolean): string[] {
  const problems: string[] = [];
  const families = readFamilies(text, isOpenMetrics, problems);
  const seen = new Set<string>();
  for (const family of families) {
    if (!family.hasHelp) problems.push(`${family.name} has no HELP`);
    for (const { name, labels, le, value } of family.samples) {
      const series = `${name}{${labels},le=${le}}`;
      if (seen.has(series)) problems.push(`${series} is given twice`);
      seen.add(series);
      if (Number.isNaN(value)) problems.push(`${series} is no number`);
    }
    checkNames(family, isOpenMetrics, problems);
    if (family.type === "histogram") checkBuckets(family, problems);
  }
  if (families.length === 0) problems.push("there are no families");
  return problems;
}

function readFamilies(text: string, isOpenMetrics: boolean, problems: string[]): Family[] {
  const families = new Map<string, Family>();
  let current: Family | undefined;
  const lines = text.split("\n");
  if (lines.pop() !== "") problems.push("the last line does not end");
  if (isOpenMetrics && lines.pop() !== "# EOF") problems.push("there is no # EOF at the end");
  for (const line of lines) {
    const comment = /^# (HELP|TYPE|UNIT) (\S+) ?(.*)$/.exec(line);
    if (comment !== null) {
      const [, keyword, name = "", rest = ""] = comment;
      if (current?.name !== name) {
        if (families.has(name)) problems.push(`${name} is in more than one place`);
        current = { name, type: "untyped", hasHelp: false, samples: [] };
        families.set(name, current);
      } else if (current.samples.length > 0) {
        problems.push(`${name} has a ${keyword} after its samples`);
      }
      if (keyword === "TYPE") current.type = rest;
      if (keyword === "HELP") current.hasHelp = true;
      continue;
    }
    const sample = readSample(line);
    if (sample === undefined) problems.push(`cannot be read: ${line}`);
    else if (current === undefined) problems.push(`before any family: ${line}`);
    else current.samples.push(sample);
  }
  return [...families.values()];
}

function readSample(line: string): Sample | undefined {
  const [, name, braces = "", value = ""] =
    /^([a-zA-Z_:][\w:]*)(\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})? (\S+)(?: # .*)?$/.exec(line) ?? [];
  if (name === undefined) return undefined;
  const labels = Array.from(braces.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g));
  const le = labels.find(([, key]) => key === "le")?.[2];
  const own = labels.filter(([, key]) => key !== "le").map(([label]) => label);
  return { name, labels: own.sort().join(), le, value: numberOf(value) };
}

function numberOf(text: string): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  return text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text === "" ? Number.NaN : text);
}

function checkNames({ name, type, samples }: Family, isOpenMetrics: boolean, problems: string[]) {
  // Text 0.0.4 has the suffix in the name of the family.
  const base = !isOpenMetrics && type === "counter" ? name.replace(/_total$/, "") : name;
  const allowed = suffixes[type];
  if (allowed === undefined) problems.push(`${name} has the type ${type}`);
  if (samples.length === 0) problems.push(`${name} has no samples`);
  for (const sample of samples) {
    if (allowed?.some((suffix) => sample.name === base + suffix) === true) continue;
    problems.push(`${sample.name} is no sample of the ${type} ${name}`);
  }
}

function checkBuckets({ name, samples }: Family, problems: string[]): void {
  for (const labels of new Set(samples.map((sample) => sample.labels))) {
    const own = samples.filter((sample) => sample.labels === labels);
    const buckets = own.filter((sample) => sample.name === `${name}_bucket`);
    const series = `${name}{${labels}}`;
    for (const [index, bucket] of buckets.entries()) {
      const before = buckets[index - 1];
      if (before === undefined) continue;
      if (bucket.value < before.value) problems.push(`${series} shrinks at le=${bucket.le}`);
      if (!(numberOf(bucket.le ?? "") > numberOf(before.le ?? ""))) {
        problems.push(`${series} has le=${bucket.le} after le=${before.le}`);
      }
    }
    const last = buckets.at(-1);
    const count = own.find((sample) => sample.name === `${name}_count`);
    if (last?.le !== "+Inf") problems.push(`${series} has no bucket +Inf at its end`);
    if (count === undefined || last?.value !== count.value) {
      problems.push(`${series} has ${last?.value} values in buckets and ${count?.value} in all`);
    }
  }
}
