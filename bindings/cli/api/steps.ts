import type { Report } from "../command.ts";
import { CliError } from "../command.ts";

/** One change to an account, or an object that needs no change. */
export interface Step {
  readonly action: "create" | "update" | "delete" | "keep";
  /** The object, such as `queue shop-telemetry`. */
  readonly what: string;
  /** Details for the JSON output. Must not contain secrets. */
  readonly detail?: object;
  /** Makes the change. Undefined or without effect for "keep". */
  readonly apply?: () => Promise<void>;
}

const done = { create: "created", update: "updated", delete: "deleted", keep: "kept" } as const;

/**
 * Applies the steps in their order, or only reports them.
 *
 * @param notes Next steps for the user, one line each.
 * @throws CliError if a step fails. The message lists the finished steps.
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
  const end = isDry ? ["Nothing was changed: add --apply to make these changes."] : [];
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
