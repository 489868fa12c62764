import { globSync } from "node:fs";
import { join } from "node:path";

/** The part of the tracer of `agents` that isotel has too. */
export interface AgentsTracer {
  openSpan<T>(name: string, attributes: object, activate: (span: AgentsSpan) => T): T;
  withSpan<T>(name: string, attributes: object, run: (span: AgentsSpan) => T): T;
}

export interface AgentsSpan {
  finish(attributes?: object): void;
}

/** The tracer of `cloudflare:workers`, which the package does not export. */
export async function agentsTracer(): Promise<AgentsTracer> {
  const folder = join(import.meta.dirname, "../node_modules/agents/dist");
  const [file] = globSync("cloudflare-*.js", { cwd: folder });
  const exported: Record<string, unknown> = await import(join(folder, file ?? "is missing"));
  const tracer = Object.values(exported).find(isTracer);
  if (tracer === undefined) {
    throw new Error(`agents/dist/${file} exports no tracer.`);
  }
  return tracer;
}

function isTracer(value: unknown): value is AgentsTracer {
  const candidate = value as Partial<AgentsTracer> | undefined;
  return typeof candidate?.openSpan === "function" && typeof candidate.withSpan === "function";
}
