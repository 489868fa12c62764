import type { LocalWorker } from "../../harness/start.ts";
import { startApp } from "../harness/app.ts";

const classes = [
  "PlainTalker",
  "TracedTalker",
  "OutsideTalker",
  "InsideTalker",
  "PlainChat",
  "TracedChat",
  "BeatingChat",
  "LastingChat",
] as const;

export type AgentClass = (typeof classes)[number];

/** Starts the Worker with every agent of this folder. */
export function startAgents(name: string): Promise<LocalWorker> {
  return startApp(name, {
    config: {
      main: "tests/workerd/agents/index.ts",
      durable_objects: { bindings: classes.map((name) => ({ name, class_name: name })) },
      migrations: [{ tag: "v1", new_sqlite_classes: [...classes] }],
    },
  });
}

/** Where the package's router expects a client of an agent. */
export function pathOf(agent: AgentClass, name: string, user = "ada"): string {
  const kebab = agent.replace(/(?<=.)[A-Z]/g, "-$&").toLowerCase();
  return `/agents/${kebab}/${name}?user=${user}`;
}
