import { maskSecrets } from "../../base/address.ts";
import { backendDestinations, backendOptions } from "../api/backend.ts";
import { type Api, apiOptions, ask, change, openApi } from "../api/client.ts";
import { runSteps, type Step } from "../api/steps.ts";
import {
  applyOption,
  CliError,
  type Command,
  type CommandCall,
  option,
  usageError,
  variable,
} from "../command.ts";
import { areEqual } from "./destinations.ts";

type Gateway = Awaited<ReturnType<typeof readGateway>>;
type Exporter = NonNullable<Gateway["otel"]>[number];

/** Fields that the API returns and does not accept. */
const readOnly = new Set([
  "id",
  "account_id",
  "account_tag",
  "created_at",
  "internal_id",
  "is_default",
  "modified_at",
]);

const options = {
  ...apiOptions,
  gateway: option("ID", "The gateway. Default: CLOUDFLARE_GATEWAY_ID"),
} as const;
const edit = "AI Gateway: Edit";

/** `isotel gateway otel list` */
export const listCommand: Command = {
  usage: "gateway otel list",
  summary: "List the URLs to which an AI Gateway exports its traces",
  options,
  positionals: [0, 0],
  async run(invocation) {
    const gateway = await readGateway(openApi(invocation), gatewayOf(invocation));
    const shown = (gateway.otel ?? []).map(describe);
    const lines = shown.map(({ url, contentType }) => `${url}  ${contentType}\n`);
    return {
      json: { gateway: gateway.id, otel: shown },
      text: lines.join("") || "There are none.\n",
    };
  },
};

/** `isotel gateway otel add` */
export const addCommand: Command = {
  usage: "gateway otel add BACKEND",
  summary: "Export the traces of an AI Gateway to a backend",
  options: {
    ...options,
    ...backendOptions,
    format: option("FORMAT", "protobuf or json. Default: protobuf"),
    apply: applyOption,
  },
  positionals: [1, 1],
  async run(invocation) {
    const backend = invocation.positionals[0] as string;
    const format = invocation.text("format") ?? "protobuf";
    if (format !== "json" && format !== "protobuf") {
      throw usageError(`--format is ${format}; it has to be protobuf or json`);
    }
    const destination = backendDestinations(invocation, backend, ["traces"]).get("traces");
    if (destination === undefined) throw usageError(`${backend} has no address for traces`);
    const id = gatewayOf(invocation);
    const api = openApi(invocation);
    const gateway = await readGateway(api, id);
    const { url, headers } = destination;
    const wanted = { url, headers, content_type: format } as const;
    const present = gateway.otel ?? [];
    const found = present.find((exporter) => exporter.url === url);
    const isSame =
      found !== undefined &&
      areEqual(found.headers, headers) &&
      (found.content_type ?? "json") === format;
    const otel = found
      ? present.map((exporter) => (exporter === found ? { ...exporter, ...wanted } : exporter))
      : [...present, wanted as Exporter];
    const step: Step = {
      action: isSame ? "keep" : found ? "update" : "create",
      what: `export of the gateway ${id} to ${url}`,
      detail: { url, headers: Object.keys(headers), contentType: format },
      apply: isSame ? async () => {} : () => writeExporters(api, gateway, otel),
    };
    return runSteps([step], invocation.flag("apply"));
  },
};

/** `isotel gateway otel remove` */
export const removeCommand: Command = {
  usage: "gateway otel remove URL",
  summary: "Stop the export of an AI Gateway to a URL",
  options: { ...options, apply: applyOption },
  positionals: [1, 1],
  async run(invocation) {
    const url = invocation.positionals[0] as string;
    const id = gatewayOf(invocation);
    const api = openApi(invocation);
    const gateway = await readGateway(api, id);
    const present = gateway.otel ?? [];
    const named = present.filter((exporter) => exporter.url === url);
    // Also accepts the URL as the list shows it, without secrets.
    const shown = present.filter((exporter) => maskSecrets(exporter.url) === url);
    const found = named.length === 0 && shown.length === 1 ? shown : named;
    const rest = present.filter((exporter) => !found.includes(exporter));
    if (found.length === 0) {
      const urls = present.map((exporter) => exporter.url).join(", ") || "nowhere";
      throw new CliError(`the gateway ${id} does not export to ${url}: it exports to ${urls}`);
    }
    const step: Step = {
      action: "delete",
      what: `export of the gateway ${id} to ${url}`,
      apply: () => writeExporters(api, gateway, rest),
    };
    return runSteps([step], invocation.flag("apply"));
  },
};

function gatewayOf({ io, text }: CommandCall): string {
  const id = text("gateway") ?? variable(io, "CLOUDFLARE_GATEWAY_ID");
  if (id === undefined) {
    throw usageError(
      "CLOUDFLARE_GATEWAY_ID is not set: export it or give --gateway, the gateway's name",
    );
  }
  if (!/^(?!\.{1,2}$)[^\s/\\]{1,64}$/.test(id)) {
    throw usageError(
      "the gateway's name is invalid: it has to be at most 64 characters without slashes or spaces",
    );
  }
  return id;
}

async function readGateway({ client, account }: Api, id: string) {
  const asked = {
    to: `read the gateway ${id}`,
    permission: "AI Gateway: Read",
    subject: `the gateway ${id}`,
  };
  return await ask(asked, () => client.aiGateway.get(id, { account_id: account }));
}

/** Returns names of headers, but not their values. */
function describe({ url, headers, content_type }: Exporter) {
  return { url, headers: Object.keys(headers ?? {}), contentType: content_type ?? "json" };
}

/**
 * Replaces the exporters of a gateway. The API replaces all settings of the gateway. All other settings are therefore
 * sent as they were read.
 *
 * @throws CliError if another setting has changed afterwards.
 */
async function writeExporters(
  { client, account }: Api,
  gateway: Gateway,
  otel: readonly Exporter[],
): Promise<void> {
  const masked = otel.find(({ headers }) =>
    Object.values(headers ?? {}).some((value) => /^[*•]+$/.test(value)),
  );
  if (masked !== undefined) {
    throw new CliError(
      `the gateway's export to ${masked.url} was read with masked headers, and writing them ` +
        "would break it: change the exports in the dashboard",
    );
  }
  const settings = settingsOf(gateway);
  const subject = `the gateway ${gateway.id}`;
  const body = { ...settings, otel: [...otel], account_id: account };
  type Update = Parameters<typeof client.aiGateway.update>[1];
  const written = await change({ to: `update ${subject}`, permission: edit, subject }, (once) =>
    client.aiGateway.update(gateway.id, body as unknown as Update, once),
  );
  const after = settingsOf(written as unknown as Gateway);
  const changed = Object.keys(settings).filter(
    (key) => key !== "otel" && JSON.stringify(after[key]) !== JSON.stringify(settings[key]),
  );
  if (changed.length > 0) {
    throw new CliError(
      `${subject} was updated, but other settings changed too: check ${changed.join(", ")} in the dashboard`,
    );
  }
}

/** Returns all settings that the API accepts. */
function settingsOf(gateway: Gateway): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(gateway).filter(([key]) => !readOnly.has(key)));
}
