import { Abi, ErrorCode, Field, Operation } from "../../../bindings/core/abi.gen.ts";
import { Core } from "../../../bindings/core/core.ts";
import { SpanFields } from "../../../bindings/core/span_fields.ts";
import { Random } from "./random.ts";
import { fitEntries, RawCore } from "./raw_core.ts";

const operationCodes = Object.values(Operation);
const fieldCodes = Object.values(Field);
const operations = [...operationCodes, operationCodes.length, 0xffffffff];
const profiles = [0, 1, 0, 1, 2, 255];
const sizes = [
  0,
  1,
  7,
  63,
  64,
  65,
  200,
  9_556,
  28_672,
  28_673,
  61_440,
  65_536,
  1 << 20,
  0x55555556,
];
const wildSizes = [...sizes, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
const numbers = [0, 1, -1, 0.1, 1e-7, 1e21, 2 ** 53, -0.5, Number.MAX_VALUE, Number.MIN_VALUE];
const wildNumbers = [...numbers, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const times = [0, 1, 999.5, 1000, 1e12, -1e12, Number.NaN, Number.POSITIVE_INFINITY];
const texts = [
  "",
  "stop",
  "tool-calls",
  "openai.chat",
  "google.vertex.x",
  "GOOGLE-vertex",
  "amazon-bedrock",
  "azure",
  "azure-openai.responses",
  "xai",
  "agentId",
  "gen_ai.agent.name",
  "userId",
  "cloudflare.agents.turn.trigger",
  "tenant",
  "größer",
  "日本語のとても長いモデル名で六十四バイトを超えるもの",
  "\u{1f389}".repeat(16),
  "é".repeat(29),
  "n".repeat(64),
  "n".repeat(3000),
  "\ud83c lone \udf89",
  "a\0b\nc",
];
const badBytes = [
  [0xff],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  new Array<number>(90).fill(0x80),
  new Array<number>(70).fill(0xf0),
];

/**
 * Drives all of the ABI by seeded choices, hostile ones among them, and tells of every answer: results, plans, texts,
 * decisions and counters. The transcript of two builds is the same, line by line.
 */
export function transcribe(module: WebAssembly.Module, seed: number, steps: number): string[] {
  return new Session(module, seed).run(steps);
}

class Session {
  readonly #raw: RawCore;
  readonly #random: Random;
  readonly #lines: string[] = [];
  readonly #spans: number[] = [0];
  readonly #scopes: number[] = [0];
  readonly #texts: number[] = [0];

  constructor(module: WebAssembly.Module, seed: number) {
    this.#raw = new RawCore(module);
    this.#random = new Random(seed);
  }

  run(steps: number): string[] {
    for (let step = 0; step < steps; step += 1) this.#step();
    this.#tell("counters", JSON.stringify(this.#raw.counters()));
    return this.#lines;
  }

  #step(): void {
    const random = this.#random;
    const choice = random.below(100);
    if (choice < 22) this.#openAndStart();
    else if (choice < 42) this.#end();
    else if (choice < 48) this.#charge();
    else if (choice < 54) this.#fit();
    else if (choice < 60) this.#write();
    else if (choice < 68) this.#scope();
    else this.#text();
    if (random.once(50)) this.#tell("counters", JSON.stringify(this.#raw.counters()));
  }

  #openAndStart(): void {
    const { exports, context } = this.#raw;
    const random = this.#random;
    const operation = random.once(12) ? random.pick(operations) : 1 + random.below(3);
    const profile = random.once(10) ? random.pick(profiles) : random.below(2);
    const flags = random.below(4) | (profile << Abi.spanProfileShift);
    const [parent, scope] = [random.pick(this.#spans), random.pick(this.#scopes)];
    const start = random.pick(times);
    const span = exports.isotel_span_open(context, operation, parent, scope, flags, start) >>> 0;
    this.#keep(this.#spans, span, 40);
    this.#tell("open", operation, profile, span);
    this.#fillFields();
    this.#planned("start", exports.isotel_span_start(context, span, 0), () =>
      exports.isotel_span_start(context, span, Abi.sizesExact),
    );
  }

  #end(): void {
    const { exports, context } = this.#raw;
    const random = this.#random;
    const span = random.pick(this.#spans);
    const outcome = random.once(20) ? 4 + random.below(9) : random.below(4);
    const flags = random.pick([0, Abi.statusAsAttribute]);
    const [count, bytes, invalid] = [random.below(4), random.pick(sizes), random.below(3)];
    const end = random.pick(times);
    this.#fillFields();
    const answer = exports.isotel_span_end(
      context,
      span,
      outcome,
      flags,
      end,
      count,
      bytes,
      invalid,
    );
    this.#planned("end", answer, () =>
      exports.isotel_span_end(context, span, outcome, flags | Abi.sizesExact, end, 0, 0, 0),
    );
    if (answer >= 0) this.#tell("status", this.#raw.result());
  }

  #charge(): void {
    const { exports, context } = this.#raw;
    const random = this.#random;
    const answer = exports.isotel_span_reserve(
      context,
      random.pick(this.#spans),
      random.pick([0, 1, 20, 127, 128, 129, 0xffffffff]),
      random.pick(wildSizes),
      random.below(3),
    );
    this.#tell("charge", answer, answer < 0 ? "" : this.#raw.result());
  }

  #fit(): void {
    const { exports, context } = this.#raw;
    const random = this.#random;
    const entries = Array.from({ length: random.pick([0, 1, 2, 5, 30, 128, 140]) }, () => ({
      key: random.once(20) ? random.pick(wildSizes) : random.below(60),
      value: random.once(3) ? random.pick(sizes) : random.below(500),
      cuttable: random.once(2),
    }));
    this.#raw.putBytes(fitEntries(entries));
    const span = random.pick(this.#spans);
    const answer = exports.isotel_span_fit(context, span, entries.length, random.below(2));
    this.#tell("fit", answer, answer < 0 ? "" : this.#raw.words(answer).join());
  }

  #write(): void {
    const { exports, context } = this.#raw;
    const random = this.#random;
    const span = random.pick(this.#spans);
    this.#tell("first chunk", exports.isotel_span_first_chunk(context, span, random.pick(times)));
    const status = random.pick([0, 1, 2, 2, 3, 0xffffffff]);
    this.#tell("status", exports.isotel_span_status(context, span, status));
  }

  #scope(): void {
    const { exports, context } = this.#raw;
    const random = this.#random;
    const scope = random.pick(this.#scopes);
    const found = exports.isotel_scope_spans(context, scope, random.below(2));
    this.#tell("spans of scope", found, found < 0 ? "" : this.#raw.words(found).join());
    if (random.once(2)) this.#tell("close scope", exports.isotel_scope_close(context, scope));
    else this.#keep(this.#scopes, exports.isotel_scope_open(context) >>> 0, 8);
    this.#tell("scopes", this.#scopes.join());
  }

  #text(): void {
    const { exports, context } = this.#raw;
    const random = this.#random;
    const length = this.#putText();
    const operation = random.pick(operations);
    switch (random.below(7)) {
      case 0: {
        const id = exports.isotel_intern(context, length, Abi.maxFields) >>> 0;
        this.#keep(this.#texts, id, 30);
        this.#tell("intern", id);
        break;
      }
      case 1:
        this.#answered("text", exports.isotel_text(context, random.pick(this.#texts)));
        break;
      case 2:
        this.#answered("name", exports.isotel_span_name(context, operation, length));
        break;
      case 3:
        this.#answered("cut name", exports.isotel_cut_name(context, length));
        break;
      case 4:
        this.#answered("provider", exports.isotel_provider_name(context, length));
        break;
      case 5:
        this.#answered("metadata", exports.isotel_metadata_key(context, random.below(3), length));
        break;
      default:
        this.#answered("keys", exports.isotel_keys(context, random.pick(profiles)));
    }
  }

  #putText(): number {
    const random = this.#random;
    if (random.once(10)) return this.#raw.putBytes(new Uint8Array(random.pick(badBytes)));
    const text = random.once(4) ? `text ${random.below(1000)}` : random.pick(texts);
    return this.#raw.put(text);
  }

  #fillFields(): void {
    const random = this.#random;
    this.#raw.clearFields();
    for (let left = random.pick([0, 3, 12, 40]); left > 0; left -= 1) {
      const field = random.once(30) ? random.below(Abi.maxFields) : random.pick(fieldCodes);
      if (random.once(2)) {
        this.#raw.number(field, random.pick(random.once(8) ? wildNumbers : numbers));
      }
      const size = random.once(3) ? random.pick(wildSizes) : random.below(300);
      this.#raw.textField(field, size, random.once(2) ? random.pick(this.#texts) : 0);
    }
  }

  #planned(what: string, answer: number, again: () => number): void {
    this.#tell(what, answer);
    const entries = answer === ErrorCode.needExactSizes ? again() : answer;
    if (entries !== answer) this.#tell(`${what} exactly`, entries);
    for (const { field, source, argument } of this.#raw.plan(entries)) {
      const number = source === Abi.sourceNumber ? this.#raw.numberAt(field) : "";
      this.#tell(" ", field, source, argument, number);
    }
  }

  #answered(what: string, length: number): void {
    const bytes = length < 0 ? "" : Buffer.from(this.#raw.answerBytes(length)).toString("hex");
    this.#tell(what, length, bytes);
  }

  #keep(handles: number[], handle: number, most: number): void {
    if (handles.length < most) handles.push(handle);
    else handles[this.#random.below(most)] = handle;
  }

  #tell(...what: readonly (string | number)[]): void {
    this.#lines.push(what.join(" "));
  }
}

/** Drives the binding's Core, texts and all, and tells what it writes. */
export function transcribeCore(module: WebAssembly.Module, seed: number, spans: number): string[] {
  const random = new Random(seed);
  const lines: string[] = [];
  const core = new Core(module, (cause) => lines.push(`trap ${cause}`));
  const sink = { write: (key: string, value: unknown) => lines.push(`  ${key}=${show(value)}`) };
  const fill = () => {
    const fields = new SpanFields();
    for (let left = random.below(12); left > 0; left -= 1) {
      const field = random.pick(fieldCodes);
      if (random.once(2)) fields.number(field, random.pick(wildNumbers));
      else fields.text(field, random.pick(texts).repeat(random.pick([1, 1, 3, 900])));
    }
    if (random.once(4)) {
      const reason = random.pick(texts);
      fields.verbatim(Field.finishReason, reason);
    }
    return fields;
  };
  let parent = 0;
  for (let i = 0; i < spans; i += 1) {
    const profile = random.below(2);
    const operation = random.pick(operationCodes);
    const flags = random.below(4) | (profile << Abi.spanProfileShift);
    const target = random.pick(texts);
    lines.push(core.spanName(operation, target), core.cutName(target), core.providerName(target));
    lines.push(core.metadataKey(random.below(2), target));
    const span = core.openSpan(operation, parent, 0, flags, random.pick(times));
    lines.push(`span ${span}`);
    core.startSpan(span, profile, fill(), sink);
    if (random.once(3)) core.firstChunk(span, random.pick(times));
    if (random.once(3)) core.setStatus(span, random.below(3));
    if (random.once(3)) {
      parent = span;
      continue;
    }
    const fields = fill();
    const flagsAtEnd = random.pick([0, Abi.statusAsAttribute]);
    const end = random.pick(times);
    const outcome = random.below(4);
    lines.push(
      `end ${core.endSpan(span, outcome, flagsAtEnd, end, profile, random.below(3), 50, 0, fields, sink)}`,
    );
  }
  lines.push(JSON.stringify(core.counters()));
  return lines;
}

function show(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 300 ? `${text.slice(0, 100)}...${text.length}` : text;
}
