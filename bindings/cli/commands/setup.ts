import { writeFileSync } from "node:fs";
import { type Api, allPages, apiOptions, ask, change, openApi } from "../api/client.ts";
import { runSteps, type Step } from "../api/steps.ts";
import {
  applyOption,
  CliError,
  type Command,
  configOptions,
  flag,
  option,
  usageError,
} from "../command.ts";
import { type ConfigFile, openConfig, parseConfig } from "../wrangler/config_file.ts";
import { insertMember } from "../wrangler/insert.ts";
import { defaultNames } from "../wrangler/plan_bindings.ts";
import { type Json, Sections, text as textOf } from "../wrangler/sections.ts";

/** `isotel setup`: creates the resources of the configuration that wrangler does not create. */
export const setup: Command = {
  usage: "setup",
  summary: "Create the telemetry queue, its dead letter queue and, with --kv, the KV namespace",
  options: {
    ...apiOptions,
    ...configOptions,
    kv: flag("Also find or create the KV namespace and write its id into the configuration"),
    apply: applyOption,
    "queue-binding": option("NAME", `Binding of the queue. Default: ${defaultNames.queueBinding}`),
    "kv-binding": option("NAME", `Binding of the KV namespace. Default: ${defaultNames.kvBinding}`),
  },
  positionals: [0, 0],
  async run(invocation) {
    const { io, text } = invocation;
    const file = openConfig(io, text("config"));
    const sections = new Sections(parseConfig(file), text("env"), file.shownPath);
    const queueBinding = text("queue-binding") ?? defaultNames.queueBinding;
    const queues = queueNames(sections, queueBinding, file);
    const api = openApi(invocation, textOf(sections.value(sections.inherited("account_id"))));
    const steps = await queueSteps(api, queues);
    const kvBinding = text("kv-binding") ?? defaultNames.kvBinding;
    const kv = await kvStep(api, sections, file, {
      binding: kvBinding,
      isWanted: invocation.flag("kv"),
    });
    return runSteps([...steps, ...kv.steps], invocation.flag("apply"), kv.notes);
  },
};

/** Returns the names of the queue of a binding and of its dead letter queue, if the consumer has one. */
function queueNames(sections: Sections, binding: string, { shownPath }: ConfigFile): string[] {
  const producers = sections.list(sections.own("queues", "producers"));
  const queue = textOf(producers.find((item) => item["binding"] === binding)?.["queue"]);
  if (queue === undefined) {
    throw new CliError(
      `${shownPath} has no queue bound as ${binding}: run npx isotel init --write`,
    );
  }
  const consumers = sections.list(sections.own("queues", "consumers"));
  const dead = consumers.find((item) => item["queue"] === queue)?.["dead_letter_queue"];
  return [queue, textOf(dead)].filter((name) => name !== undefined);
}

const queuePermission = "Queues: Edit";

async function queueSteps({ client, account }: Api, names: readonly string[]): Promise<Step[]> {
  const asked = {
    to: "read the queues",
    permission: "Queues: Read",
    subject: "the account",
  };
  const existing = await allPages(
    (page, per_page) =>
      ask(asked, () => client.queues.list({ account_id: account }, { query: { page, per_page } })),
    ({ queue_id }) => queue_id,
  );
  const known = new Set(existing.map(({ queue_name }) => queue_name));
  return names.map((name) => {
    const what = `queue ${name}`;
    if (known.has(name)) return { action: "keep", what };
    const apply = async () => {
      await change(
        {
          to: `create the queue ${name}`,
          permission: queuePermission,
          subject: `the queue ${name}`,
        },
        (once) => client.queues.create({ account_id: account, queue_name: name }, once),
      );
    };
    return { action: "create", what, apply };
  });
}

interface KvWish {
  readonly binding: string;
  /** Whether to create it now. Otherwise wrangler creates it. */
  readonly isWanted: boolean;
}

async function kvStep(
  api: Api,
  sections: Sections,
  file: ConfigFile,
  { binding, isWanted }: KvWish,
): Promise<{ readonly steps: readonly Step[]; readonly notes: readonly string[] }> {
  const path = sections.own("kv_namespaces");
  const namespaces = sections.list(path);
  const index = namespaces.findIndex((item) => item["binding"] === binding);
  const bound: Json | undefined = namespaces[index];
  if (bound === undefined) {
    const missing =
      `${file.shownPath} binds no KV namespace as ${binding}, so that snapshots are not ` +
      "published: npx isotel init adds it";
    return { steps: [], notes: [missing] };
  }
  const id = textOf(bound["id"]);
  if (id === undefined && !isWanted) {
    const left = `the KV namespace ${binding} has no id: wrangler creates it with the next deploy, --kv creates it now`;
    return { steps: [], notes: [left] };
  }
  if (id === undefined && file.format !== "json") {
    throw usageError(
      `--kv cannot write the id into ${file.shownPath}: leave --kv away, and wrangler creates the KV namespace ${binding} with the next deploy`,
    );
  }
  const existing = await listNamespaces(api);
  if (id !== undefined) {
    if (existing.some((namespace) => namespace.id === id)) {
      return {
        steps: [{ action: "keep", what: `KV namespace ${binding}`, detail: { id } }],
        notes: [],
      };
    }
    throw new CliError(
      `the KV namespace ${binding} of ${file.shownPath} is not in this account: check its id ` +
        "and CLOUDFLARE_ACCOUNT_ID, or remove the id",
    );
  }
  const title = `${sections.workerName ?? "worker"}-telemetry`;
  const found = existing.find((namespace) => namespace.title === title);
  const writeId = (namespaceId: string) => {
    const after = insertMember(file.text, [...path, index], "id", namespaceId);
    writeFileSync(file.path, after);
  };
  const step: Step = {
    action: found === undefined ? "create" : "update",
    what:
      found === undefined
        ? `KV namespace ${title}, its id in ${file.shownPath}`
        : `${file.shownPath}: the id of the KV namespace ${title}`,
    apply: async () => writeId(found?.id ?? (await createNamespace(api, title))),
  };
  return { steps: [step], notes: [] };
}

async function listNamespaces({ client, account }: Api) {
  const asked = {
    to: "read the KV namespaces",
    permission: "Workers KV Storage: Read",
    subject: "the account",
  };
  return await ask(asked, async () => {
    const namespaces: { readonly id: string; readonly title: string }[] = [];
    const list = client.kv.namespaces.list({ account_id: account, per_page: 100 });
    for await (const namespace of list) namespaces.push(namespace);
    return namespaces;
  });
}

async function createNamespace({ client, account }: Api, title: string): Promise<string> {
  const asked = {
    to: `create the KV namespace ${title}`,
    permission: "Workers KV Storage: Edit",
    subject: `the KV namespace ${title}`,
  };
  const { id } = await change(asked, (once) =>
    client.kv.namespaces.create({ account_id: account, title }, once),
  );
  return id;
}
