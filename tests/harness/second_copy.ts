import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./start.ts";

/** The version of the second copy. */
export const secondVersion = "99.1.0";

/** A second copy of the built package, with another version. */
export interface SecondCopy {
  /** Returns the file of an entry of the package, for example `ai`. */
  entry(name: string): string;
  remove(): void;
}

export const { version: firstVersion } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
) as { version: string };

/** Copies the built package. Only its version differs. */
export function copyPackage(): SecondCopy {
  const folder = mkdtempSync(join(root, "build/second-"));
  cpSync(join(root, "dist"), join(folder, "dist"), { recursive: true });
  for (const file of ["package.json", "dist/ai/index.js"]) {
    const text = readFileSync(join(root, file), "utf8");
    const copied = text.replaceAll(`"${firstVersion}"`, `"${secondVersion}"`);
    if (copied === text) throw new Error(`${file} does not have the version ${firstVersion}.`);
    writeFileSync(join(folder, file), copied);
  }
  return {
    entry: (name) => join(folder, "dist", name, "index.js"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
