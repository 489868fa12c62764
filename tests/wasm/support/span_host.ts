import assert from "node:assert/strict";
import { Abi, Field } from "../../../bindings/core/abi.gen.ts";
import { type AttributeValue, Core } from "../../../bindings/core/core.ts";
import { SpanFields } from "../../../bindings/core/span_fields.ts";
import { coreModule } from "./module.ts";

export type FieldValues = Partial<Record<keyof typeof Field, string | number>>;
export type Attributes = Record<string, AttributeValue>;

export interface OpenOptions {
  readonly fields?: FieldValues;
  readonly profile?: number;
  readonly parent?: number;
  readonly scope?: number;
  readonly flags?: number;
  readonly startUnixMs?: number;
}

export interface EndOptions {
  readonly fields?: FieldValues;
  readonly flags?: number;
  readonly endUnixMs?: number;
}

/** Opens and ends spans through the binding's Core and keeps what it writes. A trap fails the test. */
export class SpanHost {
  readonly core: Core;
  readonly #profiles = new Map<number, number>();

  constructor(module: WebAssembly.Module = coreModule) {
    this.core = new Core(module, (cause) => assert.fail(`the core trapped: ${cause}`));
  }

  open(
    operation: number,
    {
      fields = {},
      profile = 0,
      parent = 0,
      scope = 0,
      flags = 0,
      startUnixMs = 1,
    }: OpenOptions = {},
  ): { readonly span: number; readonly attributes: Attributes } {
    const { core } = this;
    const all = flags | (profile << Abi.spanProfileShift);
    const span = core.openSpan(operation, parent, scope, all, startUnixMs);
    assert.notEqual(span, 0);
    this.#profiles.set(span, profile);
    const filled = fieldSetOf(fields);
    return { span, attributes: written((sink) => core.startSpan(span, profile, filled, sink)) };
  }

  end(span: number, outcome: number, { fields = {}, ...options }: EndOptions = {}): Attributes {
    return this.close(span, outcome, fieldSetOf(fields), options);
  }

  close(
    span: number,
    outcome: number,
    fields: SpanFields,
    { flags = 0, endUnixMs = 2 }: EndOptions = {},
  ): Attributes {
    const { core } = this;
    const profile = this.#profiles.get(span) ?? 0;
    return written((sink) => {
      const status = core.endSpan(span, outcome, flags, endUnixMs, profile, 0, 0, 0, fields, sink);
      assert.ok(status >= 0, `endSpan answered ${status}`);
    });
  }
}

function fieldSetOf(values: FieldValues): SpanFields {
  const fields = new SpanFields();
  for (const [name, value] of Object.entries(values)) {
    const field = Field[name as keyof typeof Field];
    if (typeof value === "string") fields.text(field, value);
    else fields.number(field, value);
  }
  return fields;
}

type Sink = { write(key: string, value: AttributeValue): void };

function written(run: (sink: Sink) => void): Attributes {
  const attributes: Attributes = {};
  run({
    write(key, value) {
      assert.ok(!(key in attributes), `${key} is written twice`);
      assert.notEqual(key, "");
      attributes[key] = value;
    },
  });
  return attributes;
}
