import {
  applyOption,
  CliError,
  type Command,
  type CommandCall,
  option,
  usageError,
  variable,
} from "../command.ts";

const timeoutMs = 30_000;

const options = {
  url: option("URL", "Address of the endpoint. Default: ISOTEL_METRICS_URL"),
  scheme: option("SCHEME", "Scheme of the Authorization header. Default: Bearer"),
} as const;
const changeOptions = { ...options, apply: applyOption } as const;

/** The time of totals that were stored before times were. */
const oldestUnixMs = 1;

/** A family of the JSON exposition. */
interface Family {
  readonly name: string;
  readonly declared_name: string;
  readonly type: string;
  readonly definition?: string;
  readonly superseded?: true;
  readonly conflict?: true;
  readonly since_unix_ms?: number;
  readonly written_unix_ms?: number;
  readonly series: readonly { readonly labels: Readonly<Record<string, string>> }[];
}

/** A line of `metrics list`. */
interface Metric {
  readonly name: string;
  readonly declaredName: string;
  readonly type: string;
  readonly series: number;
  /** ISO 8601. Undefined if it is not known. */
  readonly lastWritten: string | undefined;
  /** Value of the label isotel_definition. */
  readonly definition: string | undefined;
  readonly hasConflict: boolean;
  readonly hasOverflowed: boolean;
}

/** `isotel metrics list` */
export const listCommand: Command = {
  usage: "metrics list",
  summary: "List the metrics of an endpoint, with conflicts and overflows",
  options,
  positionals: [0, 0],
  async run(invocation) {
    const metrics = await readMetrics(invocation);
    return { json: { metrics }, text: metrics.map(lineOf).join("") || "There are none.\n" };
  },
};

/** `isotel metrics drop NAME` */
export const dropCommand: Command = {
  usage: "metrics drop NAME",
  summary: "Remove a metric from the totals",
  options: changeOptions,
  positionals: [1, 1],
  run: (invocation) => remove(invocation, invocation.positionals[0]),
};

/** `isotel metrics reset` */
export const resetCommand: Command = {
  usage: "metrics reset",
  summary: "Remove all metrics from the totals",
  options: changeOptions,
  positionals: [0, 0],
  run: (invocation) => remove(invocation, undefined),
};

async function remove(invocation: CommandCall, name: string | undefined) {
  const what = name === undefined ? "all metrics" : `the metric ${name}`;
  if (!invocation.flag("apply")) {
    return {
      json: { applied: false, name },
      text: `would remove: ${what}\nNothing was changed: add --apply to make this change.\n`,
    };
  }
  const query = name === undefined ? { all: "" } : { name };
  const response = await request(invocation, "DELETE", "ISOTEL_ADMIN_TOKEN", query);
  const { removed } = (await response.json()) as { removed: number };
  return {
    json: { applied: true, name, removed },
    text:
      removed === 0
        ? `There is no series of ${what}.\n`
        : `removed: ${what} (${removed} series). /metrics shows it within a minute.\n`,
  };
}

async function readMetrics(invocation: CommandCall): Promise<Metric[]> {
  const response = await request(invocation, "GET", "ISOTEL_SCRAPE_TOKEN", {});
  const { families } = (await response.json()) as { families: readonly Family[] };
  // The metrics of the aggregator itself cannot be removed. They are not written either.
  return families.filter(({ written_unix_ms }) => written_unix_ms !== undefined).map(metricOf);
}

function metricOf(family: Family): Metric {
  const written = family.written_unix_ms ?? 0;
  return {
    name: family.name,
    declaredName: family.declared_name,
    type: family.type,
    series: family.series.length,
    lastWritten: written <= oldestUnixMs ? undefined : new Date(written).toISOString(),
    definition: family.definition,
    hasConflict: family.conflict === true,
    hasOverflowed: family.series.some(({ labels }) => labels["otel_metric_overflow"] === "true"),
  };
}

function lineOf(metric: Metric): string {
  const notes = [
    metric.definition === undefined ? "" : `definition ${metric.definition}`,
    metric.hasConflict ? "shares a name" : "",
    metric.hasOverflowed ? "overflows" : "",
  ].filter((note) => note !== "");
  const cells = [
    metric.name,
    metric.type,
    `${metric.series} series`,
    `last written ${metric.lastWritten ?? "unknown"}`,
    ...notes,
  ];
  return `${cells.join("  ")}\n`;
}

async function request(
  { io, secrets, text }: CommandCall,
  method: string,
  tokenVariable: string,
  query: Readonly<Record<string, string>>,
): Promise<Response> {
  const url = endpointOf(text("url") ?? variable(io, "ISOTEL_METRICS_URL"));
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  const token = variable(io, tokenVariable);
  secrets.add(token);
  const headers = new Headers({ accept: "application/json" });
  if (token !== undefined) headers.set("authorization", `${text("scheme") ?? "Bearer"} ${token}`);
  const response = await send(url, { method, headers });
  if (response.ok) return response;
  const [reason = ""] = (await response.text()).split("\n");
  const isRefused = response.status === 401 || response.status === 403;
  const hint = isRefused && token === undefined ? `: ${tokenVariable} is not set` : "";
  const needsOption =
    method === "DELETE" && response.status === 405
      ? ": set the option adminToken of metrics in the Worker"
      : "";
  throw new CliError(`${url.origin} answered ${response.status}${hint}${needsOption}. ${reason}`);
}

async function send(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: "error", signal: AbortSignal.timeout(timeoutMs) });
  } catch (cause) {
    const { name, message } = cause as Error;
    const unsure = init.method === "DELETE" && name === "TimeoutError";
    const advice = unsure ? ": it may have been done; check with npx isotel metrics list" : "";
    throw new CliError(`${url.origin} cannot be reached (${name}: ${message})${advice}`);
  }
}

/** Returns the URL of the endpoint. An address without a path gets the default path. */
function endpointOf(address: string | undefined): URL {
  if (address === undefined) {
    throw usageError(
      "--url is missing: give the address of the endpoint, such as https://shop.example/metrics, or set ISOTEL_METRICS_URL",
    );
  }
  if (!URL.canParse(address) || !/^https?:/.test(address)) {
    throw usageError("--url has to be an http or https address");
  }
  const url = new URL(address);
  if (url.pathname === "/") url.pathname = "/metrics";
  return url;
}
