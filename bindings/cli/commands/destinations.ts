import type { Destination, Signal } from "../../otlp/backends/backend.ts";
import { backendDestinations, backendOptions } from "../api/backend.ts";
import { type Api, allPages, apiOptions, ask, change, openApi } from "../api/client.ts";
import { runSteps, type Step } from "../api/steps.ts";
import { applyOption, CliError, type Command, option, usageError } from "../command.ts";

type Found = Awaited<ReturnType<typeof listDestinations>>[number];
type Dataset = Found["configuration"]["logpushDataset"];

const datasets = {
  traces: "opentelemetry-traces",
  logs: "opentelemetry-logs",
} as const satisfies Partial<Record<Signal, Dataset>>;
type Exported = keyof typeof datasets;

const permission = "Workers Observability: Edit";

/** `isotel destinations list` */
export const listCommand: Command = {
  usage: "destinations list",
  summary: "List the destinations to which Cloudflare exports traces and logs of Workers",
  options: apiOptions,
  positionals: [0, 0],
  async run(invocation) {
    const found = await listDestinations(openApi(invocation));
    const shown = found.map(describe);
    const lines = shown.map(
      ({ name, enabled, dataset, url, scripts }) =>
        `${name}  ${dataset}  ${url}${enabled ? "" : "  disabled"}${scripts.length > 0 ? `  used by ${scripts.join(", ")}` : ""}\n`,
    );
    return { json: { destinations: shown }, text: lines.join("") || "There are none.\n" };
  },
};

/** `isotel destinations add` */
export const addCommand: Command = {
  usage: "destinations add BACKEND",
  summary: "Export traces and logs of Workers to a backend",
  options: {
    ...apiOptions,
    ...backendOptions,
    name: option(
      "PREFIX",
      "Beginning of the destinations' names. Default: the name of the backend",
    ),
    signals: option("LIST", "traces, logs or both, separated by a comma. Default: traces,logs"),
    apply: applyOption,
  },
  positionals: [1, 1],
  async run(invocation) {
    const backend = invocation.positionals[0] as string;
    const signals = wantedSignals(invocation.text("signals"));
    const wanted = backendDestinations(invocation, backend, signals);
    const api = openApi(invocation);
    const existing = await listDestinations(api);
    const prefix = invocation.text("name") ?? backend;
    const steps = Array.from(wanted, ([signal, destination]) =>
      addStep(api, existing, `${prefix}-${signal}`, signal as Exported, destination),
    );
    const names = Object.fromEntries(
      signals.map((signal) => [signal, { enabled: true, destinations: [`${prefix}-${signal}`] }]),
    );
    const note = `In wrangler.jsonc: "observability": ${JSON.stringify(names)}`;
    return runSteps(steps, invocation.flag("apply"), [note]);
  },
};

/** `isotel destinations remove` */
export const removeCommand: Command = {
  usage: "destinations remove NAME",
  summary: "Remove a destination by its name",
  options: { ...apiOptions, apply: applyOption },
  positionals: [1, 1],
  async run(invocation) {
    const name = invocation.positionals[0] as string;
    const api = openApi(invocation);
    const existing = await listDestinations(api);
    const found = existing.find((item) => item.name === name || item.slug === name);
    if (found === undefined) {
      const names = existing.map((item) => item.name).join(", ") || "none";
      throw new CliError(`there is no destination "${name}": there is ${names}`);
    }
    const notes = found.scripts.map(
      (script) => `${script} names it in observability: remove it there too`,
    );
    return runSteps([removeStep(api, found)], invocation.flag("apply"), notes);
  },
};

function wantedSignals(list: string | undefined): Exported[] {
  const names = (list ?? "traces,logs").split(",").map((name) => name.trim());
  const unknown = names.find((name) => !Object.hasOwn(datasets, name));
  if (unknown !== undefined) {
    throw usageError(
      `--signals has "${unknown}": it has to be traces, logs or both, separated by a comma`,
    );
  }
  return [...new Set(names)] as Exported[];
}

async function listDestinations({ client, account }: Api) {
  const asked = { to: "read the destinations", permission, subject: "the account" };
  return await allPages(
    (page, perPage) =>
      ask(asked, () =>
        client.workers.observability.destinations.list({ account_id: account, page, perPage }),
      ),
    ({ slug }) => slug,
  );
}

/** Returns the data to show. Contains names of headers, but not their values. */
function describe({ name, slug, enabled, scripts, configuration }: Found) {
  const { url, logpushDataset, headers, jobStatus } = configuration;
  return {
    name,
    slug,
    enabled,
    dataset: logpushDataset,
    url,
    headers: Object.keys(headers ?? {}),
    scripts: scripts ?? [],
    lastError: jobStatus?.error_message || undefined,
  };
}

function addStep(
  api: Api,
  existing: readonly Found[],
  name: string,
  signal: Exported,
  { url, headers }: Destination,
): Step {
  const { client, account } = api;
  const { destinations } = client.workers.observability;
  const found = existing.find((item) => item.name === name);
  const what = `destination ${name}`;
  const detail = { url, headers: Object.keys(headers) };
  const subject = `the destination ${name}`;
  if (found === undefined) {
    const configuration = {
      type: "logpush",
      logpushDataset: datasets[signal],
      url,
      headers,
    } as const;
    const apply = async () => {
      await change({ to: `create ${subject}`, permission, subject }, (once) =>
        destinations.create({ account_id: account, name, enabled: true, configuration }, once),
      );
    };
    return { action: "create", what, detail, apply };
  }
  if (found.configuration.logpushDataset !== datasets[signal]) {
    throw new CliError(
      `${subject} already exists for ${found.configuration.logpushDataset}: choose another name with --name`,
    );
  }
  const isSame =
    found.enabled &&
    found.configuration.url === url &&
    areEqual(found.configuration.headers, headers);
  if (isSame) return { action: "keep", what, detail };
  const apply = async () => {
    await change({ to: `update ${subject}`, permission, subject }, (once) =>
      destinations.update(
        found.slug,
        { account_id: account, enabled: true, configuration: { type: "logpush", url, headers } },
        once,
      ),
    );
  };
  return { action: "update", what, detail, apply };
}

function removeStep({ client, account }: Api, { name, slug }: Found): Step {
  const subject = `the destination ${name}`;
  const apply = async () => {
    await change({ to: `delete ${subject}`, permission, subject }, (once) =>
      client.workers.observability.destinations.delete(slug, { account_id: account }, once),
    );
  };
  return { action: "delete", what: `destination ${name}`, apply };
}

type Headers = Readonly<Record<string, string>>;

/** Returns whether two sets of headers are equal. Names are case-insensitive. */
export function areEqual(first: Headers | null | undefined, second: Headers): boolean {
  const normal = (headers: Headers) =>
    JSON.stringify(
      Object.entries(headers)
        .map(([name, value]) => [name.toLowerCase(), value] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  return normal(first ?? {}) === normal(second);
}
