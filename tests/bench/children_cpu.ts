import { readdirSync, readFileSync } from "node:fs";

/** Linux counts the time of a process in hundredths of a second. */
const tickMs = 10;

interface Process {
  readonly parent: number;
  readonly cpuMs: number;
}

/** What /proc tells of a process; undefined when it has just ended. */
function read(id: string): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, "latin1");
    // The name in front may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [, parent, userTicks, systemTicks] = [0, 1, 11, 12].map((field) => Number(fields[field]));
    return { parent: parent ?? 0, cpuMs: tickMs * ((userTicks ?? 0) + (systemTicks ?? 0)) };
  } catch {
    return undefined;
  }
}

/**
 * Milliseconds the processes started by this one, and those started by them, have been running on a processor so far.
 *
 * @throws where there is no /proc.
 */
export function childrenCpuMs(): number {
  const processes = new Map<number, Process>();
  for (const id of readdirSync("/proc")) {
    const found = /^\d+$/.test(id) ? read(id) : undefined;
    if (found !== undefined) processes.set(Number(id), found);
  }
  let sum = 0;
  for (const { parent, cpuMs } of processes.values()) {
    let ancestor: number | undefined = parent;
    while (ancestor !== undefined && ancestor !== process.pid) {
      ancestor = processes.get(ancestor)?.parent;
    }
    if (ancestor === process.pid) sum += cpuMs;
  }
  return sum;
}
