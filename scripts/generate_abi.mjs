// Writes bindings/core/abi.gen.ts from the ABI header and the .def tables, the only source of codes and
// layouts. `--check` fails instead when the file is out of date.
import { readFileSync, writeFileSync } from "node:fs";

const target = "bindings/core/abi.gen.ts";

const camel = (name) => name.charAt(0).toLowerCase() + name.slice(1);

function rows(path, macro) {
  const text = readFileSync(path, "utf8");
  const found = text.matchAll(new RegExp(`^${macro}\\((.*)\\)\\s*(?://.*)?$`, "gm"));
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

function generate() {
  const header = readFileSync("src/abi/isotel_abi.h", "utf8");
  const defines = Array.from(header.matchAll(/^#define ISOTEL_(\w+) (\d+|0x[0-9A-Fa-f]+)(?:\s|$)/gm), (match) => [
    match[1].toLowerCase().replace(/_(\w)/g, (_, letter) => letter.toUpperCase()),
    match[2],
  ]);
  const exported = Array.from(header.matchAll(/^ISOTEL_EXPORT\([^,]+,\s*(\w+),/gm), (match) => match[1]);
  const fields = rows("src/genai/fields.def", "ISOTEL_FIELD");
  return [
    "// Made by scripts/generate_abi.mjs from src/abi/isotel_abi.h and the .def tables. Do not edit.\n",
    object("Abi", "Constants of isotel_abi.h.", defines),
    list("exportNames", "The functions a module has to export.", exported),
    object("Field", "Identifiers of src/genai/fields.def.", fields.map((row, index) => [nameOf(row), index])),
    object("Operation", "Codes of src/genai/operations.def.", rows("src/genai/operations.def", "ISOTEL_OPERATION").map((row) => [nameOf(row), row[1]])),
    object("Profile", "Codes of src/genai/profiles.def.", rows("src/genai/profiles.def", "ISOTEL_PROFILE").map((row) => [nameOf(row), row[1]])),
    object("Outcome", "Codes of src/trace/outcomes.def.", rows("src/trace/outcomes.def", "ISOTEL_OUTCOME").map((row) => [nameOf(row), row[1]])),
    object("ErrorCode", "Codes of src/base/errors.def.", rows("src/base/errors.def", "ISOTEL_ERROR").map((row) => [nameOf(row), row[1]])),
    list("counterNames", "Counters of src/base/counters.def, in the order of isotel_counters().", rows("src/base/counters.def", "ISOTEL_COUNTER").map((row) => unquote(row[1]))),
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
