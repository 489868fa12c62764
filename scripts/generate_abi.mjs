// Writes bindings/core/abi.gen.ts from the ABI header and the .def tables, the only source of codes and
// layouts. `--check` fails instead when the file is out of date.
import { readFileSync, writeFileSync } from "node:fs";

const target = "bindings/core/abi.gen.ts";

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

function generate() {
  const header = readFileSync("src/abi/isotel_abi.h", "utf8");
  const defines = Array.from(
    header.matchAll(/^#define ISOTEL_(\w+) (\d+|0x[0-9A-Fa-f]+)(?:\s|$)/gm),
    (match) => [
      match[1].toLowerCase().replace(/_(\w)/g, (_, letter) => letter.toUpperCase()),
      match[2],
    ],
  );
  const exported = Array.from(
    header.matchAll(/^ISOTEL_EXPORT\([^,]+,\s*(\w+),/gm),
    (match) => match[1],
  );
  const fields = rows("src/genai/fields.def", "ISOTEL_FIELD");
  const operations = rows("src/genai/operations.def", "ISOTEL_OPERATION");
  const profiles = rows("src/genai/profiles.def", "ISOTEL_PROFILE");
  const outcomes = rows("src/trace/outcomes.def", "ISOTEL_OUTCOME");
  const errors = rows("src/base/errors.def", "ISOTEL_ERROR");
  const counters = rows("src/base/counters.def", "ISOTEL_COUNTER");
  const tables = [fields, operations, profiles, outcomes, errors, counters];
  const codes = (table) => table.map((row) => [nameOf(row), row[1]]);
  return [
    "// Made by scripts/generate_abi.mjs from src/abi/isotel_abi.h and the .def tables. Do not edit.\n",
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
    object("Profile", "Codes of src/genai/profiles.def.", codes(profiles)),
    object("Outcome", "Codes of src/trace/outcomes.def.", codes(outcomes)),
    object("ErrorCode", "Codes of src/base/errors.def.", codes(errors)),
    list(
      "counterNames",
      "Counters of src/base/counters.def, in the order of isotel_counters().",
      counters.map((row) => unquote(row[1])),
    ),
  ].join("\n");
}

const text = generate();
if (process.argv.includes("--check")) {
  if (readFileSync(target, "utf8") !== text) {
    console.error(`${target} is out of date: run "node scripts/generate_abi.mjs"`);
    process.exit(1);
  }
} else {
  writeFileSync(target, text);
}
