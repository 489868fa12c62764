import type { Addition } from "./additions.ts";
import { type Json, record } from "./sections.ts";

/**
 * Returns additions as lines of `cloudflare.config.ts`, which is code and has other names: bindings are in `env`,
 * consumers are triggers, and a Durable Object is an export.
 */
export function codeLines(additions: readonly Addition[]): string {
  const env: Record<string, unknown> = {};
  const config: Record<string, unknown> = {};
  for (const { path, value, item } of additions) {
    const fields: Json = record(item) ?? {};
    const binding = fields["binding"];
    switch (path.join(".")) {
      case "compatibility_flags":
        config["compatibilityFlags"] = [item];
        break;
      case "observability":
        config["observability"] = value;
        break;
      case "queues.producers":
        env[`${binding}`] = { type: "queue", name: fields["queue"] };
        break;
      case "kv_namespaces":
        env[`${binding}`] = { type: "kv" };
        break;
      case "durable_objects.bindings": {
        const { name, class_name: exportName, script_name: worker } = fields;
        env[`${name}`] = { type: "durable-object", exportName, ...(worker ? { worker } : {}) };
        break;
      }
      case "migrations": {
        const [name] = fields["new_sqlite_classes"] as readonly string[];
        config["exports"] = { [`${name}`]: { type: "durable-object", storage: "sqlite" } };
        break;
      }
      case "queues.consumers":
        config["triggers"] = [
          {
            type: "queue",
            name: fields["queue"],
            maxBatchSize: fields["max_batch_size"],
            maxBatchTimeout: fields["max_batch_timeout"],
            maxRetries: fields["max_retries"],
            deadLetterQueue: fields["dead_letter_queue"],
          },
        ];
        break;
      case "streaming_tail_consumers":
        config["experimental"] = { streamingTailConsumers: [{ worker: fields["service"] }] };
        break;
      default:
        throw new Error(`no lines for ${path.join(".")}`);
    }
  }
  if (Object.keys(env).length > 0) config["env"] = env;
  return Object.entries(config)
    .map(([key, value]) => `${key}: ${code(value, "")},\n`)
    .join("");
}

/** Formats a value as code. Members that are objects have lines of their own. */
function code(value: unknown, indent: string): string {
  if (Array.isArray(value)) return `[${value.map((item) => code(item, indent)).join(", ")}]`;
  const members = record(value);
  if (members === undefined) return JSON.stringify(value);
  const isFlat = Object.values(members).every((member) => record(member) === undefined);
  const parts = Object.entries(members).map(
    ([key, member]) => `${keyOf(key)}: ${code(member, `${indent}  `)}`,
  );
  if (isFlat) return `{ ${parts.join(", ")} }`;
  return `{\n${parts.map((part) => `${indent}  ${part},\n`).join("")}${indent}}`;
}

function keyOf(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
}
