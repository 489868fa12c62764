import { maskSecrets } from "../core/address.ts";

const shortest = 6;

/** Values that must not be shown, wherever they turn up. */
export class Secrets {
  readonly #values = new Set<string>();

  add(value: string | undefined): void {
    if (value === undefined || value.length < shortest) return;
    this.#values.add(value);
    this.#values.add(encodeURIComponent(value));
    this.#values.add(JSON.stringify(value).slice(1, -1));
    // A header's value holds its scheme too.
    const [, credential] = /^\S+ (\S.*)$/.exec(value) ?? [];
    if (credential !== undefined) this.add(credential);
  }

  /** The text with three asterisks in place of each, and without the secrets of addresses. */
  hide(text: string): string {
    let hidden = text;
    // The longest first: one may be a part of another.
    for (const value of [...this.#values].sort((a, b) => b.length - a.length)) {
      hidden = hidden.replaceAll(value, "***");
    }
    return maskSecrets(hidden);
  }
}
