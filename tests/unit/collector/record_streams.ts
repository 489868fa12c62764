// Records the streams of tail events in data/ anew: node tests/unit/collector/record_streams.ts
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startWorkers } from "../../harness/start.ts";

process.env["X_LOCAL_OBSERVABILITY"] = "true";

const app = await startWorkers([
  {
    name: "shop",
    main: "tests/workerd/apps/collector_streams/index.ts",
    compatibility_flags: ["nodejs_compat"],
    streaming_tail_consumers: [{ service: "keeper" }],
    durable_objects: { bindings: [{ name: "ROOM", class_name: "Room" }] },
    migrations: [{ tag: "v1", new_sqlite_classes: ["Room"] }],
    queues: {
      producers: [{ binding: "JOBS", queue: "jobs" }],
      consumers: [{ queue: "jobs", max_batch_timeout: 0, max_batch_size: 1 }],
    },
  },
  { name: "keeper", main: "tests/workerd/apps/collector_streams/keeper.ts" },
]);
/** What the simulator fills in of a request is of no use to anybody here. */
const kept = ["colo", "httpProtocol"];

function slim(key: string, value: unknown): unknown {
  if (key === "stack") return String(value).replaceAll(/file:[^\s()]*\//g, "file:///");
  if (key !== "cfJson") return value;
  return Object.fromEntries(
    Object.entries(value as object).filter(([name]) => kept.includes(name)),
  );
}
try {
  for (const name of ["spans", "object", "queue", "exception", "ai"]) {
    await (await app.fetch(`/${name}?token=secret`)).text();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const events = (await (await app.fetchFrom("keeper", "/")).json()) as unknown[];
    const lines = events.map((event) => JSON.stringify(event, slim)).join(",\n");
    writeFileSync(join(import.meta.dirname, `data/${name}.json`), `[\n${lines}\n]\n`);
    console.log(name, events.length);
  }
} finally {
  await app.close();
}
