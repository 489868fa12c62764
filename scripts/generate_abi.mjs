// Writes the abi.gen.ts files of the bindings from the ABI headers and the .def tables, the only source of codes and
// layouts. `--check` fails instead when a file is out of date.
import { readFileSync, writeFileSync } from "node:fs";

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

/** The hash of src/abi/shared/fingerprint.h over the rows of the tables. */
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

/** The parameters of a C function in TypeScript: pointers, integers and doubles are numbers. */
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
 * The ABI of a module as TypeScript: its constants, the types of its exports, and what the loader checks.
 *
 * @param name of the module: `core` is in core.wasm.
 * @param constants is the name of the object with the constants.
 * @param tables are hashed into the fingerprint, as in the header's source file.
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
    'import type { ModuleAbi } from "../wasm/module.ts";\n',
    object(
      constants,
      `Constants of ${headerName}.`,
      defines.filter(([define]) => define !== version),
    ),
    `/** The functions of ${headerName} and the memory they work on. */`,
    `export interface ${exportsType} {`,
    "  readonly memory: WebAssembly.Memory;",
    ...functions.map(([exported, list, result]) => `  ${exported}(${list}): ${result};`),
    "}\n",
    `/** What ${name}.wasm has to be to fit this file. */`,
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

const codes = (table) => table.map((row) => [nameOf(row), row[1]]);
const names = (table) => table.map((row) => unquote(row[1]));

/** The values of an enum in a header, by name. */
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
      "Values of gen_ai.operation.name by operation, empty where there is none of its own.",
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
    object("ErrorCode", "Codes of src/base/errors.def.", codes(errors)),
    list(
      "counterNames",
      "Counters of src/base/counters.def, in the order of isotel_counters().",
      names(counters),
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

/** Names as bits by their positions in `all`. */
function setOf(names, all) {
  return names.reduce((set, name) => {
    if (!all.includes(name)) throw new Error(`There is no ${name} among ${all.join(", ")}.`);
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
  ["bindings/aggregate/abi.gen.ts", generateAggregate()],
  ["bindings/otlp/abi.gen.ts", generateOtlp()],
  ["bindings/flue/abi.gen.ts", generateFlue()],
];
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
