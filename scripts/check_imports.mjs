// Checks the layers of bindings/. A file imports from its own layer and from lower layers, and imports form no cycle.
// Type imports count too.
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/**
 * The layers from the bottom to the top. A folder does not include the folders and files that are listed separately.
 */
const layers = [
  "base",
  "wasm",
  "core",
  "trace",
  "metrics",
  "otlp/core",
  "otlp/backends",
  "otlp/exporter",
  "otlp/pipeline",
  "otlp/capture",
  "otlp/console",
  "aggregate/totals",
  "slots",
  "metrics_export",
  "otlp",
  "aggregate",
  "metrics/recording.ts",
  "metrics/index.ts",
  "ai/options.ts",
  "ai/content",
  "ai/calls",
  "ai/hooks",
  "ai/sdk",
  "ai",
  "gateway",
  "mcp",
  "flue/abi.gen.ts",
  "flue/events",
  "flue/core",
  "flue/sinks",
  "flue",
  "opentelemetry",
  "opentelemetry/metrics",
  "invocation",
  "collector/spans",
  "collector/metrics",
  "collector",
  "cli/command.ts",
  "cli/read_file.ts",
  "cli/wrangler",
  "cli/api",
  "cli/commands",
  "cli",
  ".",
];

const specifiers = /^(?:import|export)\b[^;"]*?(?:from\s+)?"(\.[^"]+)"|\bimport\(\s*"(\.[^"]+)"/gms;

/** Returns the files under `folder` that each file imports, by path from `folder`. */
function importsOf(folder) {
  const files = globSync("**/*.ts", { cwd: folder }).sort();
  return new Map(
    files.map((file) => {
      const source = readFileSync(join(folder, file), "utf8");
      const found = [...source.matchAll(specifiers)].map(([, first, second]) => first ?? second);
      return [file, found.map((specifier) => normalize(join(dirname(file), specifier)))];
    }),
  );
}

/** Returns the index of a file's layer. Returns -1 if it has none. */
function layerOf(file) {
  const own = layers.indexOf(file);
  return own >= 0 ? own : layers.indexOf(dirname(file));
}

/** Returns a cycle of imports as a list of files. Returns undefined if there is none. */
function circleIn(imports) {
  const done = new Set();
  const path = [];
  const visit = (file) => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    path.push(file);
    for (const imported of imports.get(file) ?? []) {
      const circle = visit(imported);
      if (circle !== undefined) return circle;
    }
    path.pop();
    done.add(file);
    return undefined;
  };
  for (const file of imports.keys()) {
    const circle = visit(file);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

/** Returns the faults in the imports of the files under `folder`, one line each. */
export function importFaults(folder) {
  const imports = importsOf(folder);
  const faults = [];
  for (const [file, imported] of imports) {
    if (layerOf(file) < 0) faults.push(`${file}: its folder has no layer in check_imports.mjs`);
    for (const target of imported) {
      if (!target.endsWith(".ts")) continue;
      if (!imports.has(target)) faults.push(`${file}: ${target} does not exist`);
      else if (layerOf(target) > layerOf(file))
        faults.push(`${file} imports ${target}, a higher layer`);
    }
  }
  const circle = circleIn(imports);
  if (circle !== undefined) faults.push(`a circle: ${circle.join(" -> ")}`);
  return faults;
}
