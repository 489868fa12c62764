import type { BackendOptions, Destination, Signal } from "../../otlp/backends/backend.ts";
import { presets } from "../../otlp/backends/presets.ts";
import { resolveBackend } from "../../otlp/backends/resolve_backend.ts";
import { type CommandCall, option, usageError } from "../command.ts";

/** Options of every command with a backend. Keys are read from the backend's variables only. */
export const backendOptions = {
  endpoint: option("URL", "Base URL of the backend. Default: the one of the backend"),
  dataset: option("NAME", "Dataset of Axiom or Honeycomb"),
  region: option(
    "REGION",
    "Region of an AI backend or Honeycomb, such as eu. Default: that of the backend",
  ),
  site: option("SITE", "Site of Datadog. Default: DD_SITE, or datadoghq.com"),
  zone: option("ZONE", "Zone of Grafana Cloud, such as prod-eu-west-2"),
  edge: option("DOMAIN", "Edge deployment of Axiom: us-east-1 or eu-central-1. Default: none"),
} as const;

const notSecret = /dataset|source|version|parent|project|workspace/;
const names = Object.keys(presets).sort();

/**
 * Resolves the destinations of a backend from options and variables.
 *
 * @throws CliError if a setting is missing or the backend does not accept a signal.
 */
export function backendDestinations(
  invocation: CommandCall,
  backend: string,
  signals: readonly Signal[],
): ReadonlyMap<Signal, Destination> {
  if (!names.includes(backend)) {
    throw usageError(`there is no backend "${backend}": it has to be one of ${names.join(", ")}`);
  }
  const { io, secrets, text } = invocation;
  const settings = Object.keys(backendOptions).flatMap((option) => {
    const value = text(option);
    return value === undefined ? [] : [[option, value]];
  });
  // Datadog has a separate intake for data that Cloudflare sends.
  const intake = backend === "datadog" ? { intake: "cloudflare" } : {};
  const options = { backend, signals, ...intake, ...Object.fromEntries(settings) };
  try {
    const { destinations } = resolveBackend(options as BackendOptions, io.env);
    const found = new Map<Signal, Destination>();
    for (const signal of signals) {
      const destination = destinations[signal];
      if (destination === undefined) continue;
      for (const [name, value] of Object.entries(destination.headers)) {
        if (!notSecret.test(name)) secrets.add(value);
      }
      found.set(signal, destination);
    }
    return found;
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw usageError(cause.message.replace(/^isotel: /, ""));
  }
}
