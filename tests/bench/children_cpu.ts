import { readdirSync, readFileSync } from "node:fs";

/** Linux counts the time of a process in hundredths of a second. */
const tickMs = 10;

interface Process {
  readonly parent: number;
  readonly cpuMs: number;
}

/** Reads a process from /proc. Returns undefined if the process has just ended. */
function read(id: string): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, "latin1");
    // The name before it may contain any character.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [, parent, userTicks, systemTicks] = [0, 1, 11, 12].map((field) => Number(fields[field]));
    return { parent: parent ?? 0, cpuMs: tickMs * ((userTicks ?? 0) + (systemTicks ?? 0)) };
  } catch {
    return undefined;
  }
}

/** Returns the child processes of this process and their children. */
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
 * Returns the CPU time so far of the child processes of this process and their children, in milliseconds.
 *
 * @throws if there is no /proc.
 */
export function childrenCpuMs(): number {
  let sum = 0;
  for (const [, { cpuMs }] of descendants()) sum += cpuMs;
  return sum;
}

/**
 * Returns the same for the threads that are still running, with a resolution of nanoseconds. For work of less than a
 * second in processes that do not end a thread meanwhile.
 *
 * @throws if there is no /proc, or the kernel does not provide these times.
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
