import {
  type LocalWorker,
  startWorkers,
  streamingTailConsumers,
  type WorkerConfig,
} from "../../harness/start.ts";

export interface AppOptions {
  /** "collector" keeps every span, "sink" makes spans real and keeps none, "none" leaves the Worker untraced. */
  readonly tail?: "collector" | "sink" | "none";
  readonly config?: WorkerConfig;
}

const tails = {
  collector: streamingTailConsumers,
  sink: [{ service: "sink" }],
  none: [],
} as const;

/** Starts tests/workerd/apps/NAME/index.ts. Await its `close()` when done. */
export function startApp(
  name: string,
  { tail = "collector", config = {} }: AppOptions = {},
): Promise<LocalWorker> {
  const app: WorkerConfig = {
    name,
    main: `tests/workerd/apps/${name}/index.ts`,
    streaming_tail_consumers: [...tails[tail]],
    ...config,
  };
  const sink: WorkerConfig = { name: "sink", main: "tests/workerd/harness/sink.ts" };
  // Local development counts as an observer too.
  process.env["X_LOCAL_OBSERVABILITY"] = String(tail !== "none");
  return startWorkers(tail === "sink" ? [app, sink] : [app]);
}
