import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type Profile = "agents" | "latest";
export type Value = string | number | boolean | readonly (string | number | boolean)[];

/** A span some suite produced. */
export interface SeenSpan {
  readonly name: string;
  readonly status: string;
  readonly attributes: Readonly<Record<string, Value>>;
}

/** The spans of one take of a suite's Worker. */
export interface SeenSpans {
  /** Names of the Workers. One that ends in `_latest` emits the conventions' names. */
  readonly workers: readonly string[];
  readonly spans: readonly SeenSpan[];
}

export function profileOf({ workers }: SeenSpans): Profile {
  return workers.some((name) => name.endsWith("_latest")) ? "latest" : "agents";
}

/** What suites left in a folder, file by file. */
export function readSpans(folder: string): SeenSpans[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".jsonl"))
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"))
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as SeenSpans);
}

/** Spans of ours that stand for work with a model. */
export function isOurs({ attributes }: SeenSpan): boolean {
  return attributes["cloudflare.agents.integration.name"] === "ai-sdk";
}
