// Modules made by hand: small ones with the exports a test asks for, and real ones with a function replaced. See the
// binary format of the WebAssembly core specification.
import { compile } from "./module.ts";

const magic = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const i32 = 0x7f;
const section = { type: 1, import: 2, function: 3, memory: 5, export: 7, code: 10 } as const;
const kind = { function: 0x00, memory: 0x02 } as const;

/** What a made module has. */
export interface MadeModule {
  /** Functions without parameters that answer a constant of 32 bits, by name. */
  readonly functions: Readonly<Record<string, number>>;
  /** Whether it exports a memory of one page. */
  readonly memory?: boolean;
  /** A function it imports, as [module, name]. */
  readonly imported?: readonly [string, string];
}

export function makeModule({ functions, memory = true, imported }: MadeModule): WebAssembly.Module {
  const names = Object.keys(functions);
  const importCount = imported === undefined ? 0 : 1;
  const exports = names.map((name, index) => [
    ...text(name),
    kind.function,
    ...leb(index + importCount),
  ]);
  if (memory) exports.push([...text("memory"), kind.memory, 0]);
  const bodies = Object.values(functions).map((answer) =>
    sized([0, 0x41, ...signedLeb(answer), 0x0b]),
  );
  return compile(
    new Uint8Array([
      ...magic,
      ...made(section.type, vector([[0x60, 0, 1, i32]])),
      ...(imported === undefined
        ? []
        : made(
            section.import,
            vector([[...text(imported[0]), ...text(imported[1]), kind.function, 0]]),
          )),
      ...made(section.function, vector(names.map(() => [0]))),
      ...made(section.memory, vector([[0, 1]])),
      ...made(section.export, vector(exports)),
      ...made(section.code, vector(bodies)),
    ]),
  );
}

/** How a replaced function traps. */
export type Trap = "unreachable" | "out_of_bounds";

const traps: Readonly<Record<Trap, readonly number[]>> = {
  unreachable: [0x00],
  // i32.const -4, i32.load, drop, unreachable: the load is past the end of any memory there is here.
  out_of_bounds: [0x41, 0x7c, 0x28, 0x02, 0x00, 0x1a, 0x00],
};

/** A module like `bytes`, which imports nothing, in which the function exported as `name` traps when it is called. */
export function withTrapIn(
  bytes: Uint8Array,
  name: string,
  trap: Trap = "unreachable",
): Uint8Array {
  return withBody(bytes, name, () => [0, ...traps[trap], 0x0b]);
}

/**
 * A module like `bytes` in which the function exported as `name` grows the memory by a page at each call, before it does
 * what it does.
 */
export function withGrowthIn(bytes: Uint8Array, name: string): Uint8Array {
  // i32.const 1, memory.grow, drop.
  const growth = [0x41, 0x01, 0x40, 0x00, 0x1a];
  return withBody(bytes, name, (body) => {
    const start = endOfLocals(body);
    return [...body.slice(0, start), ...growth, ...body.slice(start)];
  });
}

/** A module like `bytes` with another body of the function exported as `name`. */
function withBody(
  bytes: Uint8Array,
  name: string,
  change: (body: readonly number[]) => number[],
): Uint8Array {
  const sections = parse(bytes);
  const index = exportedFunction(sections, name);
  return new Uint8Array([
    ...magic,
    ...sections.flatMap(({ id, content }) =>
      made(id, id === section.code ? mapBody(content, index, change) : [...content]),
    ),
  ]);
}

/** Where the instructions of a function's body begin: after its declarations of locals. */
function endOfLocals(body: readonly number[]): number {
  const reader = new Reader(Uint8Array.from(body));
  for (let left = reader.leb(); left > 0; left -= 1) {
    reader.leb();
    reader.byte();
  }
  return reader.at;
}

interface Section {
  readonly id: number;
  readonly content: Uint8Array;
}

function parse(bytes: Uint8Array): Section[] {
  const sections: Section[] = [];
  const reader = new Reader(bytes.subarray(magic.length));
  while (!reader.isAtEnd) {
    const id = reader.byte();
    sections.push({ id, content: reader.bytes(reader.leb()) });
  }
  return sections;
}

function exportedFunction(sections: readonly Section[], wanted: string): number {
  const found = sections.find(({ id }) => id === section.export);
  const reader = new Reader(found?.content ?? new Uint8Array());
  for (let left = reader.leb(); left > 0; left -= 1) {
    const name = new TextDecoder().decode(reader.bytes(reader.leb()));
    const what = reader.byte();
    const index = reader.leb();
    if (name === wanted && what === kind.function) return index;
  }
  throw new Error(`The module exports no function ${wanted}.`);
}

function mapBody(
  content: Uint8Array,
  index: number,
  change: (body: readonly number[]) => number[],
): number[] {
  const reader = new Reader(content);
  const bodies = Array.from({ length: reader.leb() }, () => [...reader.bytes(reader.leb())]);
  bodies[index] = change(bodies[index] ?? []);
  return vector(bodies.map(sized));
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get at(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new Error("The module is cut.");
    this.#at += 1;
    return byte;
  }

  bytes(count: number): Uint8Array {
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  /** An unsigned LEB128 number. */
  leb(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }
}

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

function signedLeb(value: number): number[] {
  const signed = value | 0;
  const isLast = signed >= -64 && signed < 64;
  return isLast ? [signed & 0x7f] : [(signed & 0x7f) | 0x80, ...signedLeb(signed >> 7)];
}

function sized(content: readonly number[]): number[] {
  return [...leb(content.length), ...content];
}

function made(id: number, content: readonly number[]): number[] {
  return [id, ...sized(content)];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...leb(items.length), ...items.flat()];
}

function text(value: string): number[] {
  return sized([...new TextEncoder().encode(value)]);
}
