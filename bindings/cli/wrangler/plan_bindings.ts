import { deadLetterQueueOf, maxQueueName } from "../../metrics/telemetry_queue.ts";
import { CliError, usageError } from "../command.ts";
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
  /** Another Worker that defines the class and consumes the queue. Default: this Worker does. */
  readonly script: string | undefined;
}

/** The parts that a configuration gets. */
export interface Parts {
  /** "asked": also where the configuration switches tracing off. */
  readonly traces: boolean | "asked";
  readonly metrics: boolean;
  /** Name of the collector. */
  readonly collector: string | undefined;
}

export const defaultNames: Names = {
  queueBinding: "TELEMETRY_QUEUE",
  aggregatorBinding: "TELEMETRY",
  kvBinding: "TELEMETRY_KV",
  className: "TelemetryAggregator",
  queue: undefined,
  script: undefined,
};

/** The additions to a configuration for metrics and traces. */
export interface BindingsPlan {
  readonly additions: readonly Addition[];
  /** Descriptions of existing bindings. */
  readonly kept: readonly string[];
  /** Warnings about existing settings that differ from the recommended ones. */
  readonly hints: readonly string[];
  /** Class that the plan adds and that the Worker's main module has to export. */
  readonly exported: string | undefined;
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
 * Returns what is missing for the parts. Does not change existing settings. A Pages project gets only what Pages accepts.
 *
 * @throws CliError if another binding has a required name, or if Pages does not accept a part.
 */
export function planBindings(sections: Sections, names: Names, parts: Parts): BindingsPlan {
  const plan = new Plan(sections, names);
  if (sections.isPages && parts.collector !== undefined) {
    throw usageError(
      "--collector: a Pages project cannot have streaming_tail_consumers; it can export spans itself with isotel/otlp",
    );
  }
  plan.runtime();
  if (parts.traces !== false) plan.observability(parts.traces === "asked");
  if (parts.collector !== undefined) plan.collector(parts.collector);
  if (!parts.metrics) return plan;
  plan.queue();
  plan.aggregator();
  if (!sections.isPages) plan.kv();
  return plan;
}

class Plan implements BindingsPlan {
  readonly additions: Addition[] = [];
  readonly kept: string[] = [];
  readonly hints: string[] = [];
  exported: string | undefined;
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

  observability(isAsked: boolean): void {
    const sections = this.#sections;
    if (sections.isPages) {
      this.hints.push(
        "Pages has no observability setting: spans leave a Pages project only with isotel/otlp",
      );
      return;
    }
    const path = sections.inherited("observability");
    const present = sections.object(path);
    if (present === undefined) {
      this.additions.push({ path, value: { enabled: true, traces: { enabled: true } } });
      return;
    }
    const traces = sections.object([...path, "traces"]);
    // The nested setting wins over observability.enabled.
    const own = sections.boolean([...path, "traces", "enabled"]);
    const all = sections.boolean([...path, "enabled"]);
    const name = path.join(".");
    if (own === true) this.kept.push(`${name}.traces`);
    else if (own === false) {
      this.hints.push(
        `tracing is switched off: set ${name}.traces.enabled to true to switch it on`,
      );
    } else if (all === false && !isAsked) {
      this.hints.push(
        `tracing is switched off by ${name}.enabled: npx isotel init --traces switches it on, and nothing else`,
      );
    } else if (traces === undefined) {
      this.additions.push({ path: [...path, "traces"], value: { enabled: true } });
    } else this.additions.push({ path: [...path, "traces", "enabled"], value: true });
  }

  collector(service: string): void {
    const path = this.#sections.own("streaming_tail_consumers");
    const known = this.#sections.list(path).some((item) => item["service"] === service);
    if (known) this.kept.push(`collector ${service}`);
    else this.additions.push({ path, item: { service } });
  }

  queue(): void {
    const sections = this.#sections;
    const binding = this.#names.queueBinding;
    const producers = sections.own("queues", "producers");
    const known = sections.list(producers).find((item) => item["binding"] === binding);
    const { script } = this.#names;
    const queue =
      text(known?.["queue"]) ?? this.#names.queue ?? queueNameOf(script ?? sections.workerName);
    if (known === undefined) {
      this.#assertFree(binding, "--queue-binding");
      this.additions.push({ path: producers, item: { binding, queue } });
    } else this.kept.push(`queue ${queue} as ${binding}`);
    if (sections.isPages || script !== undefined) {
      const other = script === undefined ? "a Worker" : `the Worker ${script}`;
      this.hints.push(
        `${other} has to consume ${queue}: run npx isotel init --metrics --queue ${queue} there`,
      );
      return;
    }

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
    const { aggregatorBinding: name, className, script } = this.#names;
    const bindings = sections.own("durable_objects", "bindings");
    const known = sections.list(bindings).find((item) => item["class_name"] === className);
    if (known === undefined) {
      if (sections.isPages && script === undefined) {
        this.hints.push(
          "Pages cannot define a Durable Object: --script-name WORKER binds the one of another Worker, to serve /metrics here",
        );
        return;
      }
      this.#assertFree(name, "--aggregator-binding");
      const other = script === undefined ? {} : { script_name: script };
      this.additions.push({ path: bindings, item: { name, class_name: className, ...other } });
    } else this.kept.push(`Durable Object ${className} as ${String(known["name"])}`);
    // The Worker that defines the class has the migration.
    if (text(known?.["script_name"]) !== undefined) return;
    if (known === undefined && script !== undefined) return;
    if (sections.isPages) {
      this.hints.push(
        `Pages needs script_name in the Durable Object ${String(known?.["name"])}: the Worker that defines ${className}`,
      );
      return;
    }
    if (known === undefined) this.exported = className;
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
