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

/** Those started by this one, and those started by them. */
function* descendants(): Generator<readonly [id: string, process: Process]> {
  const processes = new Map<number, Process>();
  const ids = readdirSync("/proc").filter((id) => /^\d+$/.test(id));
  for (const id of ids) {
    const found = read(id);
    if (found !== undefined) processes.set(Number(id), found);
  }
  for (const [id, found] of processes) {
    let ancestor: number | undefined = found.parent;
    while (ancestor !== undefined && ancestor !== process.pid) {
      ancestor = processes.get(ancestor)?.parent;
    }
    if (ancestor === process.pid) yield [String(id), found];
  }
}

/**
 * Milliseconds the processes started by this one, and those started by them, have been running on a processor so far.
 *
 * @throws where there is no /proc.
 */
export function childrenCpuMs(): number {
  let sum = 0;
  for (const [, { cpuMs }] of descendants()) sum += cpuMs;
  return sum;
}

/**
 * The same of the threads that still run, in nanoseconds' steps: for what takes less than a second, in processes that end
 * no thread meanwhile.
 *
 * @throws where there is no /proc, or its kernel keeps no such times.
 */
export function childrenThreadsMs(): number {
  let nanoseconds = 0;
  for (const [id] of descendants()) {
    for (const thread of readdirSync(`/proc/${id}/task`)) {
      const times = readFileSync(`/proc/${id}/task/${thread}/schedstat`, "latin1");
      nanoseconds += Number(times.split(" ")[0]);
    }
  }
  return nanoseconds / 1e6;
}
