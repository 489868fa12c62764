import type { Report } from "../command.ts";
import { CliError } from "../command.ts";

/** One thing a command would do to an account, or finds done. */
export interface Step {
  readonly action: "create" | "update" | "delete" | "keep";
  /** Such as `queue shop-telemetry`. */
  readonly what: string;
  /** What there is to say of it, without secrets. */
  readonly detail?: object;
  /** Does it. Of what is kept there is nothing to do. */
  readonly apply?: () => Promise<void>;
}

const done = { create: "created", update: "updated", delete: "deleted", keep: "kept" } as const;

/**
 * Does the steps in their order, or only tells of them.
 *
 * @param notes what to do next, line by line.
 * @throws CliError where one fails, with what was done before it.
 */
export async function runSteps(
  steps: readonly Step[],
  isApplied: boolean,
  notes: readonly string[] = [],
): Promise<Report> {
  const finished: Step[] = [];
  for (const step of isApplied ? steps : []) {
    try {
      await step.apply?.();
    } catch (cause) {
      throw withDone(cause, finished);
    }
    if (step.action !== "keep") finished.push(step);
  }
  const hasChanges = steps.some(({ action }) => action !== "keep");
  const isDry = hasChanges && !isApplied;
  const lines = steps.map(({ action, what }) =>
    action === "keep" ? `kept: ${what}` : `${isDry ? `would ${action}` : done[action]}: ${what}`,
  );
  const end = isDry ? ["Nothing was changed: add --apply to do it."] : [];
  const nothing = hasChanges ? [] : ["There is nothing to do."];
  return {
    json: {
      applied: isApplied,
      changed: hasChanges,
      steps: steps.map(({ action, what, detail }) => ({ action, what, ...detail })),
      notes,
    },
    text: [...lines, ...nothing, ...notes, ...end].map((line) => `${line}\n`).join(""),
  };
}

function withDone(cause: unknown, finished: readonly Step[]): unknown {
  if (!(cause instanceof CliError) || finished.length === 0) return cause;
  const list = finished.map(({ action, what }) => `${done[action]} ${what}`).join(", ");
  return new CliError(`${cause.message}; done before: ${list}`, cause.exitCode);
}
