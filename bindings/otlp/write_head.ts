import type { BatchWriter } from "./batch_writer.ts";
import type { AttributeList, InstrumentationScope } from "./model.ts";

const noAttributes: AttributeList = { keys: [], values: [] };

/** Writes what every batch begins with: the attributes of the resource, and the scope. */
export function writeHead(
  writer: BatchWriter,
  resource: AttributeList,
  { name, version, attributes }: InstrumentationScope,
): void {
  writer.attributes(resource);
  writer.reserve(2, 0);
  writer.word(name.length);
  writer.word(version.length);
  writer.chars(name);
  writer.chars(version);
  writer.attributes(attributes ?? noAttributes);
}
