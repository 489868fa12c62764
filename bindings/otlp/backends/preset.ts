import type { OtlpFormat } from "../model.ts";
import type { Signal } from "./backend.ts";

/** What a backend's own options and variables come to. */
export interface Preset {
  /** Base of the addresses and what to call it; undefined where only an endpoint option can tell. */
  readonly base: { readonly what: string; readonly address: string } | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** What one signal has besides. */
  readonly signals?: Readonly<Partial<Record<Signal, SignalPreset>>>;
  readonly temporality?: "delta";
}

/** What a backend has for one signal. */
export interface SignalPreset {
  /** Why the backend does not take it. */
  readonly refusal?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly maxBytes?: number;
  /** The one it takes. */
  readonly format?: OtlpFormat;
}
