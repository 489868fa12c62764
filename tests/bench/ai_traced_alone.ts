// ai_traced_alone.ts TASK: compares one observer of AI SDK calls with plain calls and sends the result to the parent
// process.
import "./runtime/hooks.ts";
import type { Task } from "./ai_traced.ts";
import { alternate, less } from "./measure.ts";
import { useSpans } from "./runtime/workers.ts";

// Imported later, so that the hooks resolve its imports.
const { callBy } = await import("./ai_sides.ts");
const { name, major, side, effort } = JSON.parse(process.argv[2] ?? "") as Task;
useSpans("array");
const subjects = [callBy("plain", name, major), callBy(side, name, major)];
const samples = await alternate(subjects, effort);
const overhead = less(samples.get(side) ?? [], samples.get("plain") ?? []);
process.send?.(overhead, () => process.disconnect());
