/** A JSON Schema, as far as those of the GenAI conventions go. */
export interface Schema {
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly $ref?: string;
  readonly anyOf?: readonly Schema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: boolean | Schema;
}

export interface SchemaError {
  /** As in `$[0].parts`. */
  readonly path: string;
  readonly keyword: string;
}

const known = new Set([
  ...["$defs", "$ref", "$schema", "anyOf", "const", "enum", "type", "properties", "required"],
  ...["items", "additionalProperties", "title", "description", "default", "format", "examples"],
  "deprecated",
]);

/** The meta-schema, to which tool parameters refer: any object will do. */
const metaSchema = "http://json-schema.org/draft-07/schema#";

/**
 * What is wrong with a value. Where no alternative of an `anyOf` fits, the errors of all of them are given and, where
 * they agree on nothing deeper, `anyOf` itself.
 *
 * @throws Error for a keyword it does not know, so that none is passed over.
 */
export function schemaErrors(root: Schema, value: unknown): SchemaError[] {
  return check(root, root, value, "$");
}

function check(root: Schema, schema: Schema, value: unknown, path: string): SchemaError[] {
  const unknown = Object.keys(schema).filter((keyword) => !known.has(keyword));
  if (unknown.length > 0) throw new Error(`unknown keywords at ${path}: ${unknown.join(", ")}`);
  if (schema.$ref !== undefined) return check(root, resolve(root, schema.$ref), value, path);
  const errors: SchemaError[] = [];
  const fail = (keyword: string) => void errors.push({ path, keyword });
  if (schema.type !== undefined && !isOfType(schema.type, value)) fail("type");
  if (schema.const !== undefined && schema.const !== value) fail("const");
  if (schema.enum !== undefined && !schema.enum.includes(value)) fail("enum");
  if (schema.anyOf !== undefined) {
    const tried = schema.anyOf.map((alternative) => check(root, alternative, value, path));
    if (!tried.some((found) => found.length === 0)) {
      fail("anyOf");
      errors.push(...tried.flat());
    }
  }
  if (isObject(value)) errors.push(...checkObject(root, schema, value, path));
  if (Array.isArray(value) && schema.items !== undefined) {
    const { items } = schema;
    errors.push(...value.flatMap((item, index) => check(root, items, item, `${path}[${index}]`)));
  }
  return errors;
}

function checkObject(
  root: Schema,
  { properties = {}, required = [], additionalProperties = true }: Schema,
  value: Readonly<Record<string, unknown>>,
  path: string,
): SchemaError[] {
  const missing = required.filter((name) => !Object.hasOwn(value, name));
  return [
    ...missing.map(() => ({ path, keyword: "required" })),
    ...Object.entries(value).flatMap(([name, item]) => {
      const own = properties[name];
      if (own !== undefined) return check(root, own, item, `${path}.${name}`);
      if (additionalProperties === false) return [{ path, keyword: "additionalProperties" }];
      if (additionalProperties === true) return [];
      return check(root, additionalProperties, item, `${path}.${name}`);
    }),
  ];
}

function resolve(root: Schema, ref: string): Schema {
  if (ref === metaSchema) return { type: "object" };
  const found = root.$defs?.[ref.replace(/^#\/\$defs\//, "")];
  if (found === undefined) throw new Error(`unresolved ${ref}`);
  return found;
}

function isOfType(type: string, value: unknown): boolean {
  switch (type) {
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    case "null":
      return value === null;
    case "integer":
      return Number.isInteger(value);
    case "string":
    case "number":
    case "boolean":
      return typeof value === type;
    default:
      throw new Error(`unknown type ${type}`);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
