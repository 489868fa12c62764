import { type Api, apiOptions, ask, change, openApi } from "../api/client.ts";
import { runSteps, type Step } from "../api/steps.ts";
import {
  applyOption,
  type Command,
  type CommandCall,
  option,
  usageError,
  variable,
} from "../command.ts";

type Job = Awaited<ReturnType<typeof listJobs>>[number];

const dataset = "workers_trace_events";
const fieldNames = [
  "Event",
  "EventTimestampMs",
  "Outcome",
  "Exceptions",
  "Logs",
  "ScriptName",
] as const;
const permission = "Logs: Edit";
const defaultName = "isotel-workers-trace-events";

const planOptions = {
  ...apiOptions,
  name: option("NAME", `Name of the job. Default: ${defaultName}`),
  bucket: option("NAME", "R2 bucket that receives the events"),
  path: option("PATH", "Path in the bucket. Default: {DATE}"),
  url: option("URL", "HTTPS address that receives the events, instead of a bucket"),
} as const;

/** `isotel logpush list` */
export const listCommand: Command = {
  usage: "logpush list",
  summary: "List the Logpush jobs of the account",
  options: apiOptions,
  positionals: [0, 0],
  async run(invocation) {
    const jobs = (await listJobs(openApi(invocation))).map(describe);
    const lines = jobs.map(
      ({ name, dataset: of, destination, enabled, lastError }) =>
        `${name ?? "(no name)"}  ${of}  ${destination}${enabled ? "" : "  disabled"}${lastError ? `  failed: ${lastError}` : ""}\n`,
    );
    return { json: { jobs }, text: lines.join("") || "There are none.\n" };
  },
};

/** `isotel logpush plan` */
export const planCommand: Command = {
  usage: "logpush plan",
  summary: "Show what apply would do",
  options: planOptions,
  positionals: [0, 0],
  run: (invocation) => pushWorkersEvents(invocation, false),
};

/** `isotel logpush apply` */
export const applyCommand: Command = {
  usage: "logpush apply",
  summary: "Push the events of Workers to R2 (--bucket) or over HTTPS (--url)",
  options: { ...planOptions, apply: applyOption },
  positionals: [0, 0],
  run: (invocation) => pushWorkersEvents(invocation, invocation.flag("apply")),
};

async function pushWorkersEvents(invocation: CommandCall, isApplied: boolean) {
  const api = openApi(invocation);
  const destination = destinationOf(invocation, api.account);
  const name = invocation.text("name") ?? defaultName;
  const jobs = await listJobs(api);
  const found = jobs.find((job) => job.name === name && job.dataset === dataset);
  const step = stepFor(api, found, name, destination);
  return runSteps([step], isApplied, ['In wrangler.jsonc: "logpush": true']);
}

/** Returns the destination in the form of Logpush. Secrets are read from variables. */
function destinationOf({ io, secrets, text }: CommandCall, account: string): string {
  const bucket = text("bucket");
  const url = text("url");
  if ((bucket === undefined) === (url === undefined)) {
    throw usageError("give --bucket NAME for R2, or --url https://HOST/PATH");
  }
  if (bucket !== undefined) {
    if (!/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket)) {
      throw usageError(
        "--bucket has to be an R2 bucket's name: 3 to 63 lower-case letters, digits and hyphens",
      );
    }
    const needed = (variableName: string) => {
      const value = variable(io, variableName);
      if (value === undefined) {
        throw usageError(
          `${variableName} is not set: create an R2 API token and export both of its keys`,
        );
      }
      secrets.add(value);
      return value;
    };
    const query = new URLSearchParams({
      "account-id": account,
      "access-key-id": needed("R2_ACCESS_KEY_ID"),
      "secret-access-key": needed("R2_SECRET_ACCESS_KEY"),
    });
    // Logpush replaces {DATE} by the date.
    return `r2://${bucket}/${text("path") ?? "{DATE}"}?${query}`;
  }
  if (!URL.canParse(url ?? "") || new URL(url ?? "").protocol !== "https:") {
    throw usageError("--url has to begin with https://");
  }
  const authorization = variable(io, "LOGPUSH_AUTHORIZATION");
  if (authorization === undefined) return `${url}`;
  secrets.add(authorization);
  const joint = new URL(url ?? "").search === "" ? "?" : "&";
  return `${url}${joint}header_Authorization=${encodeURIComponent(authorization)}`;
}

async function listJobs({ client, account }: Api) {
  const asked = { to: "read the Logpush jobs", permission: "Logs: Read", subject: "the account" };
  return await ask(asked, async () => {
    const jobs = [];
    for await (const job of client.logpush.jobs.list({ account_id: account })) {
      if (job !== null) jobs.push(job);
    }
    return jobs;
  });
}

function describe({ id, name, dataset: of, enabled, destination_conf, error_message }: Job) {
  return {
    id,
    name,
    dataset: of,
    enabled,
    destination: withoutSecrets(destination_conf ?? ""),
    lastError: error_message ?? undefined,
  };
}

/** Removes the values of query parameters, which contain keys. */
function withoutSecrets(destination: string): string {
  return destination.replace(/([?&][^=&]+)=[^&]*/g, "$1=***");
}

function stepFor(
  { client, account }: Api,
  found: Job | undefined,
  name: string,
  destination: string,
): Step {
  const settings = {
    destination_conf: destination,
    enabled: true,
    output_options: { ...found?.output_options, field_names: [...fieldNames] },
  };
  const what = `Logpush job ${name}`;
  const subject = `the Logpush job ${name}`;
  const detail = { dataset, destination: withoutSecrets(destination), fields: fieldNames };
  if (found?.id === undefined) {
    const apply = async () => {
      await change({ to: `create ${subject}`, permission, subject }, (once) =>
        client.logpush.jobs.create({ account_id: account, name, dataset, ...settings }, once),
      );
    };
    return { action: "create", what, detail, apply };
  }
  const { id } = found;
  const isSame =
    found.destination_conf === destination &&
    found.enabled === true &&
    JSON.stringify(found.output_options?.field_names) === JSON.stringify(fieldNames);
  if (isSame) return { action: "keep", what, detail };
  const apply = async () => {
    await change({ to: `update ${subject}`, permission, subject }, (once) =>
      client.logpush.jobs.update(id, { account_id: account, ...settings }, once),
    );
  };
  return { action: "update", what, detail, apply };
}
