// The size of the modules, and of minimal Workers that use one entry of the package.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { root } from "../harness/start.ts";
import { againstBudget, type Benchmark, type Result } from "./benchmark.ts";
import { type UploadedWorker, upload, uploadedWorkers } from "./uploads.ts";

/** Budgets of each module in bytes, before and after gzip. */
const modules = {
  core: { raw: 54_000, gzip: 25_000 },
  aggregate: { raw: 93_000, gzip: 42_000 },
  otlp: { raw: 32_000, gzip: 14_500 },
  flue: { raw: 26_000, gzip: 11_000 },
} as const;

async function sizesOf(name: string, worker: UploadedWorker): Promise<readonly Result[]> {
  const ours = (await upload(name, worker.code)).gzipKiB;
  const results = [againstBudget(ours, worker.gzipKiB)];
  for (const [peerName, code] of Object.entries(worker.peers ?? {})) {
    const peer = (await upload(`${name} ${peerName}`, code, true)).gzipKiB;
    results.push({ peerName, ours, peer, ratio: ours / peer });
  }
  return results;
}

export const benchmarks: readonly Benchmark[] = [
  ...Object.entries(modules).flatMap(([name, { raw, gzip }]): Benchmark[] => {
    const read = () => readFileSync(join(root, `dist/wasm/${name}.wasm`));
    const gzipBytes = () => gzipSync(read(), { level: 9 }).length;
    return [
      sizeOf(`size.${name}.raw`, "bytes", raw, async () => [againstBudget(read().length, raw)]),
      sizeOf(`size.${name}.gzip`, "bytes", gzip, async () => [againstBudget(gzipBytes(), gzip)]),
    ];
  }),
  ...Object.entries(uploadedWorkers).map(([name, worker]) =>
    sizeOf(`size.worker.${name}`, "KiB", worker.gzipKiB, () => sizesOf(name, worker)),
  ),
];

function sizeOf(
  id: string,
  unit: Benchmark["unit"],
  budget: number,
  run: () => Promise<readonly Result[]>,
): Benchmark {
  return { id, unit, goal: { peer: "budget", ours: budget }, run };
}
