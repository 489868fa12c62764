// Writes the abi.gen.ts files of the bindings from the ABI headers and the .def tables, which are the only source of
// codes and layouts. `--check` fails if a file is out of date.

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, relative } from "node:path";

const camel = (name) => name.charAt(0).toLowerCase() + name.slice(1);

function rows(path, macro) {
  const text = readFileSync(path, "utf8");
  const found = text.matchAll(new RegExp(`^${macro}\\(([^]*?)\\)[ \\t]*(?://.*)?$`, "gm"));
  return Array.from(found, (match) => match[1].split(/,\s*/).map((cell) => cell.trim()));
}

const nameOf = (row) => camel(row[0].replace(/^k/, ""));
const unquote = (cell) => cell.replace(/^"|"$/g, "");

function object(name, doc, entries) {
  const lines = entries.map(([key, value]) => `  ${key}: ${value},`);
  return `/** ${doc} */\nexport const ${name} = {\n${lines.join("\n")}\n} as const;\n`;
}

function list(name, doc, values) {
  const lines = values.map((value) => `  ${JSON.stringify(value)},`);
  return `/** ${doc} */\nexport const ${name} = [\n${lines.join("\n")}\n] as const;\n`;
}

/** Returns the hash of src/abi/shared/fingerprint.h for the rows of the tables. */
function fingerprint(tables) {
  const text = tables
    .flat()
    .map((row) => `${row[0]},${unquote(row[1])}\n`)
    .join("");
  let hash = 2166136261;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 16777619) >>> 0;
  return hash;
}

const camelOfSnake = (name) =>
  name.toLowerCase().replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

/** Returns the parameters of a C function in TypeScript. Pointers, integers and doubles are numbers. */
function parameters(list) {
  if (list.trim() === "void") return "";
  const cells = list.split(",").map((cell) => /(\w+)\s*$/.exec(cell)[1]);
  return cells.map((name) => `${camelOfSnake(name)}: number`).join(", ");
}

/** The name of a constant, without the name of its module: ISOTEL_FLUE_OP_SIZE of flue is opSize. */
function constantName(define, module) {
  const own = `${module.toUpperCase()}_`;
  return camelOfSnake(define.startsWith(own) ? define.slice(own.length) : define);
}

/**
 * Returns the ABI of a module as TypeScript: its constants, the types of its exports, and the data for the check of the
 * loader.
 *
 * @param name Name of the module: `core` for core.wasm.
 * @param constants Name of the object with the constants.
 * @param tables Hashed into the fingerprint, as in the header's source file.
 */
function moduleAbi(name, path, constants, tables) {
  const header = readFileSync(path, "utf8");
  const prefix = name === "core" ? "isotel" : `isotel_${name}`;
  const defines = Array.from(
    header.matchAll(/^#define ISOTEL_(\w+) (\d+|0x[0-9A-Fa-f]+)(?:\s|$)/gm),
    ([, define, value]) => [constantName(define, name), value],
  );
  const version = "abiVersion";
  const functions = Array.from(
    header.matchAll(/^ISOTEL_EXPORT\(([^,]+),\s*(\w+),\s*\(([^)]*)\)\)/gm),
    ([, result, exported, list]) => [
      exported,
      parameters(list),
      result.trim() === "void" ? "void" : "number",
    ],
  );
  const exportsType = `${name.charAt(0).toUpperCase()}${name.slice(1)}Exports`;
  const headerName = path.split("/").at(-1);
  return [
    `// Made by scripts/generate_abi.mjs from ${path} and the .def tables. Do not edit.`,
    `import type { ModuleAbi, ModuleExports } from "${moduleTypes}";\n`,
    object(
      constants,
      `Constants of ${headerName}.`,
      defines.filter(([define]) => define !== version),
    ),
    `/** The functions of ${headerName}. */`,
    `export interface ${exportsType} extends ModuleExports {`,
    ...functions.map(([exported, list, result]) => `  ${exported}(${list}): ${result};`),
    "}\n",
    `/** The identity of the ${name}.wasm that fits this file. */`,
    `export const ${name}Abi: ModuleAbi<${exportsType}> = {`,
    `  file: "${name}.wasm",`,
    `  prefix: "${prefix}",`,
    `  version: ${defines.find(([define]) => define === version)[1]},`,
    `  fingerprint: ${fingerprint(tables)},`,
    "  exportNames: [",
    ...functions.map(([exported]) => `    "${exported}",`),
    "  ],",
    "};\n",
  ].join("\n");
}

/** Placeholder for the path of bindings/wasm/module.ts. The path depends on the generated file. */
const moduleTypes = "{module.ts}";

/** The names of codes that count down from 0. */
function namesByCode(table) {
  table.forEach(([name, code], index) => {
    if (Number(code) !== -index) throw new Error(`${name} is ${code}, expected ${-index}.`);
  });
  return table.map(nameOf);
}

const codes = (table) => table.map((row) => [nameOf(row), row[1]]);
const names = (table) => table.map((row) => unquote(row[1]));

/** Returns the values of an enum in a header, by name. */
function enumerators(path, name) {
  const [, body] = new RegExp(`enum class ${name}[^{]*{([^}]*)}`).exec(readFileSync(path, "utf8"));
  return Object.fromEntries(
    Array.from(body.matchAll(/(\w+) = (\d+)/g), ([, key, value]) => [key, Number(value)]),
  );
}

const spanKinds = enumerators("src/trace/status.h", "SpanKind");

function generateCore() {
  const fields = rows("src/genai/fields.def", "ISOTEL_FIELD");
  const operations = rows("src/genai/operations.def", "ISOTEL_OPERATION");
  const profiles = rows("src/genai/profiles.def", "ISOTEL_PROFILE");
  const outcomes = rows("src/trace/outcomes.def", "ISOTEL_OUTCOME");
  const errors = rows("src/base/errors.def", "ISOTEL_ERROR");
  const counters = rows("src/base/counters.def", "ISOTEL_COUNTER");
  const kinds = rows("src/metrics/kinds.def", "ISOTEL_METRIC_KIND");
  const labels = rows("src/genai/labels.def", "ISOTEL_GENAI_LABEL");
  const limits = rows("src/base/host_limits.def", "ISOTEL_HOST_LIMIT");
  const units = rows("src/exposition/units.def", "ISOTEL_UNIT");
  const tables = [fields, operations, profiles, outcomes, errors, counters, kinds, labels, limits];
  return [
    moduleAbi("core", "src/abi/core/isotel_abi.h", "Abi", tables),
    object("Limits", "The limits of src/base/host_limits.def.", codes(limits)),
    object(
      "Field",
      "Identifiers of src/genai/fields.def.",
      fields.map((row, i) => [nameOf(row), i]),
    ),
    list(
      "labelFields",
      "The fields whose texts are labels of GenAI metrics, of src/genai/labels.def.",
      labels.map(([, field]) => fields.findIndex(([name]) => name === field)),
    ),
    object("Operation", "Codes of src/genai/operations.def.", codes(operations)),
    list(
      "operationNames",
      "Values of gen_ai.operation.name by operation; empty for an operation without one.",
      operations.map((row) => unquote(row[4])),
    ),
    list(
      "operationKinds",
      "Kinds of spans by operation, as OTLP codes them.",
      operations.map((row) => spanKinds[row[5].trim()]),
    ),
    object("Profile", "Codes of src/genai/profiles.def.", codes(profiles)),
    object("Outcome", "Codes of src/trace/outcomes.def.", codes(outcomes)),
    object("MetricKind", "Codes of src/metrics/kinds.def.", codes(kinds)),
    list(
      "gaugeCodes",
      "The codes of the gauges in src/metrics/kinds.def.",
      kinds.filter(([, , , type]) => unquote(type) === "gauge").map(([, code]) => Number(code)),
    ),
    object("ErrorCode", "Codes of src/base/errors.def.", codes(errors)),
    list("errorNames", "Their names, by the code without its sign.", namesByCode(errors)),
    list(
      "counterNames",
      "Counters of src/base/counters.def, in the order of isotel_counters().",
      names(counters),
    ),
    object(
      "unitWords",
      "The words of src/exposition/units.def, by their units.",
      units.map(([unit, word]) => [/^"\w+"$/.test(unit) ? unquote(unit) : unit, word]),
    ),
  ].join("\n");
}

function generateAggregate() {
  const errors = rows("src/base/errors.def", "ISOTEL_ERROR");
  const formats = rows("src/exposition/formats.def", "ISOTEL_FORMAT");
  const counters = rows("src/metrics/aggregator_counters.def", "ISOTEL_AGGREGATOR_COUNTER");
  const path = "src/abi/aggregate/isotel_aggregate.h";
  return [
    moduleAbi("aggregate", path, "AggregateAbi", [errors, formats, counters]),
    object("MetricsFormat", "Codes of src/exposition/formats.def.", codes(formats)),
    list(
      "aggregatorCounterNames",
      "Metrics of src/metrics/aggregator_counters.def, in the order of isotel_aggregate_totals_count().",
      counters.map((row) => unquote(row[2])),
    ),
  ].join("\n");
}

function generateOtlp() {
  const errors = rows("src/base/errors.def", "ISOTEL_ERROR");
  return moduleAbi("otlp", "src/abi/otlp/isotel_otlp.h", "OtlpAbi", [errors]);
}

const flueIds = rows("src/flue/ids.def", "ISOTEL_FLUE_ID").map(([name]) => camelOfSnake(name));

/** Returns names as bits by their positions in `all`. */
function setOf(names, all) {
  return names.reduce((set, name) => {
    if (!all.includes(name)) throw new Error(`${name} is unknown; use one of ${all.join(", ")}.`);
    return set | (1 << all.indexOf(name));
  }, 0);
}

function generateFlue() {
  const errors = rows("src/base/errors.def", "ISOTEL_ERROR");
  const events = rows("src/flue/events.def", "ISOTEL_FLUE_EVENT");
  const spans = rows("src/flue/spans.def", "ISOTEL_FLUE_SPAN");
  const endings = rows("src/flue/endings.def", "ISOTEL_FLUE_ENDING");
  const fields = rows("src/flue/fields.def", "ISOTEL_FLUE_FIELD");
  const counters = rows("src/flue/counters.def", "ISOTEL_FLUE_COUNTER");
  const tables = [errors, events, spans, endings, fields, counters];
  const steps = (cell) => (unquote(cell) === "" ? [] : unquote(cell).split("."));
  const positions = (table) => table.map((row, i) => [nameOf(row), i]);
  const idSet = (cell) =>
    setOf(unquote(cell) === "*" ? flueIds : unquote(cell).split(" "), flueIds);
  const eventRows = events.map(([, type, role, span, asks, time, ids]) => ({
    type: unquote(type),
    role: nameOf([role]),
    span: spans.findIndex(([name]) => name === span),
    asksForContent: asks === "1",
    timePath: steps(time),
    ids: idSet(ids),
  }));
  const spanRows = spans.map(([, prefix, kind, as, target, targetV3, failure]) => ({
    prefix: unquote(prefix),
    isClient: kind === "kClient",
    as: spans.findIndex(([name]) => name === as),
    targets: [steps(target), steps(targetV3)],
    failure: unquote(failure),
  }));
  const fieldRows = fields.map(([, key, type, content, , , , where]) => ({
    key: unquote(key),
    type: nameOf([type]),
    isContent: content === "1",
    path: type === "kConstant" ? [unquote(where)] : steps(where),
  }));
  return [
    moduleAbi("flue", "src/abi/flue/isotel_flue.h", "FlueAbi", tables),
    object(
      "FlueIds",
      "The identifiers of an event, as bits of isotel_flue_event().",
      flueIds.map((name) => [name, setOf([name], flueIds)]),
    ),
    object("FlueEventType", "Positions of src/flue/events.def.", positions(events)),
    list("flueEvents", "The rows of src/flue/events.def.", eventRows),
    object("FlueSpanType", "Positions of src/flue/spans.def.", positions(spans)),
    list("flueSpans", "The rows of src/flue/spans.def; targets by format.", spanRows),
    object("FlueEnding", "Positions of src/flue/endings.def.", positions(endings)),
    list("flueEndings", "Messages of src/flue/endings.def.", names(endings)),
    list("flueFields", "The rows of src/flue/fields.def.", fieldRows),
    list("flueCounterNames", "Counters of src/flue/counters.def, in their order.", names(counters)),
  ].join("\n");
}

const targets = [
  ["bindings/core/abi.gen.ts", generateCore()],
  ["bindings/aggregate/totals/abi.gen.ts", generateAggregate()],
  ["bindings/otlp/core/abi.gen.ts", generateOtlp()],
  ["bindings/flue/abi.gen.ts", generateFlue()],
].map(([target, text]) => {
  const path = relative(dirname(target), "bindings/wasm/module.ts");
  return [target, text.replace(moduleTypes, path)];
});
if (process.argv.includes("--check")) {
  for (const [target, text] of targets) {
    if (readFileSync(target, "utf8") !== text) {
      console.error(`${target} is out of date: run "node scripts/generate_abi.mjs"`);
      process.exitCode = 1;
    }
  }
} else {
  for (const [target, text] of targets) writeFileSync(target, text);
}
