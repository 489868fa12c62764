import { deadLetterQueueOf, maxQueueName } from "../../metrics/telemetry_queue.ts";
import { CliError } from "../command.ts";
import type { Addition } from "./additions.ts";
import { type Json, record, type Sections, text } from "./sections.ts";

/** Names that the user can choose. */
export interface Names {
  readonly queueBinding: string;
  readonly aggregatorBinding: string;
  readonly kvBinding: string;
  readonly className: string;
  /** Name of the queue. Default: derived from the Worker's name. */
  readonly queue: string | undefined;
}

export const defaultNames: Names = {
  queueBinding: "TELEMETRY_QUEUE",
  aggregatorBinding: "TELEMETRY",
  kvBinding: "TELEMETRY_KV",
  className: "TelemetryAggregator",
  queue: undefined,
};

/** The additions to a configuration for metrics and traces. */
export interface BindingsPlan {
  readonly additions: readonly Addition[];
  /** Descriptions of existing bindings. */
  readonly kept: readonly string[];
  /** Warnings about existing settings that differ from the recommended ones. */
  readonly hints: readonly string[];
}

/** Characters reserved at the end of a queue's name for the suffix of its dead letter queue. */
const suffixRoom = 5;
const consumerSettings = { max_batch_size: 100, max_batch_timeout: 1, max_retries: 20 };
const nodeFlags: readonly unknown[] = ["nodejs_compat", "nodejs_compat_v2"];
/** Lists of bindings, and the key in each item for the name of the binding. */
const bindingLists: readonly (readonly [path: readonly string[], key: string])[] = [
  [["kv_namespaces"], "binding"],
  [["queues", "producers"], "binding"],
  [["durable_objects", "bindings"], "name"],
  [["r2_buckets"], "binding"],
  [["d1_databases"], "binding"],
  [["services"], "binding"],
  [["vectorize"], "binding"],
  [["hyperdrive"], "binding"],
  [["workflows"], "binding"],
  [["analytics_engine_datasets"], "binding"],
];

/**
 * Returns the missing bindings for metrics and tracing, and the missing flags. Does not change existing settings.
 *
 * @throws CliError if another binding has a required name.
 */
export function planBindings(sections: Sections, names: Names): BindingsPlan {
  const plan = new Plan(sections, names);
  plan.runtime();
  plan.observability();
  plan.queue();
  plan.aggregator();
  plan.kv();
  return plan;
}

class Plan implements BindingsPlan {
  readonly additions: Addition[] = [];
  readonly kept: string[] = [];
  readonly hints: string[] = [];
  readonly #sections: Sections;
  readonly #names: Names;

  constructor(sections: Sections, names: Names) {
    this.#sections = sections;
    this.#names = names;
  }

  runtime(): void {
    const path = this.#sections.inherited("compatibility_flags");
    const flags = this.#sections.value(path);
    const found = Array.isArray(flags) && flags.find((flag) => nodeFlags.includes(flag));
    if (typeof found === "string") this.kept.push(`compatibility flag ${found}`);
    else this.additions.push({ path, item: "nodejs_compat" });
  }

  observability(): void {
    const path = this.#sections.inherited("observability");
    const present = record(this.#sections.value(path));
    if (present === undefined) {
      this.additions.push({ path, value: { enabled: true, traces: { enabled: true } } });
      return;
    }
    const traces = record(present["traces"]);
    if (traces === undefined) {
      this.additions.push({ path: [...path, "traces"], value: { enabled: true } });
    } else this.kept.push("observability.traces");
    if (present["enabled"] === false || traces?.["enabled"] === false) {
      this.hints.push(`${path.join(".")} is disabled: nothing is traced until you enable it`);
    }
  }

  queue(): void {
    const sections = this.#sections;
    const binding = this.#names.queueBinding;
    const producers = sections.own("queues", "producers");
    const known = sections.list(producers).find((item) => item["binding"] === binding);
    const queue = text(known?.["queue"]) ?? this.#names.queue ?? queueNameOf(sections.workerName);
    if (known === undefined) {
      this.#assertFree(binding, "--queue-binding");
      this.additions.push({ path: producers, item: { binding, queue } });
    } else this.kept.push(`queue ${queue} as ${binding}`);

    const consumers = sections.own("queues", "consumers");
    const consumer = sections.list(consumers).find((item) => item["queue"] === queue);
    if (consumer === undefined) {
      const item = { queue, ...consumerSettings, dead_letter_queue: deadLetterQueueOf(queue) };
      this.additions.push({ path: consumers, item });
      return;
    }
    this.kept.push(`consumer of ${queue}`);
    if (text(consumer["dead_letter_queue"]) === undefined) {
      this.hints.push(
        `the consumer of ${queue} has no dead_letter_queue: messages that fail too often are lost`,
      );
    }
  }

  aggregator(): void {
    const sections = this.#sections;
    const { aggregatorBinding: name, className } = this.#names;
    const bindings = sections.own("durable_objects", "bindings");
    const known = sections.list(bindings).find((item) => item["class_name"] === className);
    if (known === undefined) {
      this.#assertFree(name, "--aggregator-binding");
      this.additions.push({ path: bindings, item: { name, class_name: className } });
    } else this.kept.push(`Durable Object ${className} as ${String(known["name"])}`);
    // The Worker that defines the class has the migration.
    if (text(known?.["script_name"]) !== undefined) return;
    this.#migration(className);
  }

  #migration(className: string): void {
    const path = this.#sections.inherited("migrations");
    const migrations = this.#sections.list(path);
    if (migrations.some((item) => createsClass(item, className))) {
      this.kept.push(`migration of ${className}`);
      return;
    }
    const tags = new Set(migrations.map((item) => item["tag"]));
    let tag = "telemetry";
    for (let number = 2; tags.has(tag); number += 1) tag = `telemetry-${number}`;
    this.additions.push({ path, item: { tag, new_sqlite_classes: [className] } });
  }

  kv(): void {
    const binding = this.#names.kvBinding;
    const namespaces = this.#sections.own("kv_namespaces");
    const known = this.#sections.list(namespaces).find((item) => item["binding"] === binding);
    if (known !== undefined) {
      this.kept.push(`KV namespace as ${binding}`);
      return;
    }
    this.#assertFree(binding, "--kv-binding");
    this.additions.push({ path: namespaces, item: { binding } });
  }

  #assertFree(binding: string, option: string): void {
    const sections = this.#sections;
    const lists = bindingLists.filter(([path, key]) =>
      sections.list(sections.own(...path)).some((item) => item[key] === binding),
    );
    const isVariable = Object.hasOwn(record(sections.value(sections.own("vars"))) ?? {}, binding);
    const taken = isVariable ? "vars" : lists[0]?.[0].join(".");
    if (taken === undefined) return;
    throw new CliError(
      `the name ${binding} is taken in ${sections.own(taken).join(".")}: choose another with ${option} NAME`,
    );
  }
}

function createsClass(migration: Json, className: string): boolean {
  const lists = [migration["new_sqlite_classes"], migration["new_classes"]];
  if (lists.some((list) => Array.isArray(list) && list.includes(className))) return true;
  const renamed = [migration["renamed_classes"], migration["transferred_classes"]];
  return renamed.some(
    (list) => Array.isArray(list) && list.some((item) => record(item)?.["to"] === className),
  );
}

/** Returns the name of the queue. Queue names have lower-case letters, digits and hyphens. */
function queueNameOf(worker: string | undefined): string {
  const suffix = "-telemetry";
  const base = (worker ?? "worker").toLowerCase().replace(/[^a-z0-9-]+/g, "-");
  return base.slice(0, maxQueueName - suffix.length - suffixRoom) + suffix;
}
