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

/** The hash of src/abi/fingerprint.h over the rows of the tables. */
function fingerprint(tables) {
  const text = tables
    .flat()
    .map((row) => `${row[0]},${unquote(row[1])}\n`)
    .join("");
  let hash = 2166136261;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 16777619) >>> 0;
  return hash;
}

/** The constants and the exported functions of a header. */
function readHeader(path) {
  const header = readFileSync(path, "utf8");
  const defines = header.matchAll(/^#define ISOTEL_(\w+) (\d+|0x[0-9A-Fa-f]+)(?:\s|$)/gm);
  const exported = header.matchAll(/^ISOTEL_EXPORT\([^,]+,\s*(\w+),/gm);
  return {
    defines: Array.from(defines, ([, name, value]) => [
      name.toLowerCase().replace(/_(\w)/g, (_, letter) => letter.toUpperCase()),
      value,
    ]),
    exported: Array.from(exported, (match) => match[1]),
  };
}

const codes = (table) => table.map((row) => [nameOf(row), row[1]]);
const names = (table) => table.map((row) => unquote(row[1]));
const madeFrom = (header) =>
  `// Made by scripts/generate_abi.mjs from ${header} and the .def tables. Do not edit.\n`;

/** src/trace/status.h SpanKind. */
const spanKinds = { kInternal: 1, kServer: 2, kClient: 3, kProducer: 4, kConsumer: 5 };

function generateCore() {
  const path = "src/abi/isotel_abi.h";
  const { defines, exported } = readHeader(path);
  const fields = rows("src/genai/fields.def", "ISOTEL_FIELD");
  const operations = rows("src/genai/operations.def", "ISOTEL_OPERATION");
  const profiles = rows("src/genai/profiles.def", "ISOTEL_PROFILE");
  const outcomes = rows("src/trace/outcomes.def", "ISOTEL_OUTCOME");
  const errors = rows("src/base/errors.def", "ISOTEL_ERROR");
  const counters = rows("src/base/counters.def", "ISOTEL_COUNTER");
  const kinds = rows("src/metrics/kinds.def", "ISOTEL_METRIC_KIND");
  const tables = [fields, operations, profiles, outcomes, errors, counters, kinds];
  return [
    madeFrom(path),
    object("Abi", "Constants of isotel_abi.h, and the hash of the tables.", [
      ...defines,
      ["fingerprint", fingerprint(tables)],
    ]),
    list("exportNames", "The functions a module has to export.", exported),
    object(
      "Field",
      "Identifiers of src/genai/fields.def.",
      fields.map((row, i) => [nameOf(row), i]),
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
  const path = "src/abi/aggregate/isotel_aggregate.h";
  const { defines, exported } = readHeader(path);
  const errors = rows("src/base/errors.def", "ISOTEL_ERROR");
  const formats = rows("src/export/formats.def", "ISOTEL_FORMAT");
  const counters = rows("src/metrics/aggregator_counters.def", "ISOTEL_AGGREGATOR_COUNTER");
  return [
    madeFrom(path),
    object("AggregateAbi", "Constants of isotel_aggregate.h, and the hash of the tables.", [
      ...defines,
      ["fingerprint", fingerprint([errors, formats, counters])],
    ]),
    list("aggregateExportNames", "The functions a module has to export.", exported),
    object("MetricsFormat", "Codes of src/export/formats.def.", codes(formats)),
    list(
      "aggregatorCounterNames",
      "Metrics of src/metrics/aggregator_counters.def, in the order of isotel_snapshot_info().",
      counters.map((row) => unquote(row[2])),
    ),
  ].join("\n");
}

function generateOtlp() {
  const path = "src/abi/otlp/isotel_otlp.h";
  const { defines, exported } = readHeader(path);
  const errors = rows("src/base/errors.def", "ISOTEL_ERROR");
  return [
    madeFrom(path),
    object("OtlpAbi", "Constants of isotel_otlp.h, and the hash of the tables.", [
      ...defines,
      ["fingerprint", fingerprint([errors])],
    ]),
    list("otlpExportNames", "The functions a module has to export.", exported),
  ].join("\n");
}

/** In the order of isotel_flue_event(). */
const flueIds = [
  "run",
  "instance",
  "session",
  "operation",
  "task",
  "turn",
  "toolCall",
  "submission",
];

/** Names as bits by their positions in `all`. */
function setOf(names, all) {
  return names.reduce((set, name) => {
    if (!all.includes(name)) throw new Error(`There is no ${name} among ${all.join(", ")}.`);
    return set | (1 << all.indexOf(name));
  }, 0);
}

function generateFlue() {
  const path = "src/abi/flue/isotel_flue.h";
  const { defines, exported } = readHeader(path);
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
    madeFrom(path),
    object("FlueAbi", "Constants of isotel_flue.h, and the hash of the tables.", [
      ...defines,
      ["fingerprint", fingerprint(tables)],
    ]),
    list("flueExportNames", "The functions a module has to export.", exported),
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
