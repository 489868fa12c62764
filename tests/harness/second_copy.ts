import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

/** Copies the built package. Only its version may differ. */
export function copyPackage(version: string = secondVersion): SecondCopy {
  const folder = mkdtempSync(join(root, "build/second-"));
  cpSync(join(root, "dist"), join(folder, "dist"), { recursive: true });
  let changed = 0;
  for (const file of ["package.json", ...globSync("dist/**/*.js", { cwd: root })]) {
    const text = readFileSync(join(root, file), "utf8");
    const copied = text.replaceAll(`"${firstVersion}"`, `"${version}"`);
    if (copied !== text) changed += 1;
    writeFileSync(join(folder, file), copied);
  }
  // The manifest, and the one module that has the version.
  if (version !== firstVersion && changed !== 2) {
    throw new Error(`${changed} files of the package have the version ${firstVersion}.`);
  }
  return {
    entry: (name) => join(folder, "dist", name, "index.js"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What a Worker says that has two versions of the package, in the order in which they loaded. */
export function versionsMessage(first: string, second: string): string {
  return (
    `isotel: this Worker has isotel ${first} and isotel ${second}. Versions share no metrics, spans and logs: each ` +
    "sends only what its own withTelemetry sets up. Install one version: run `npm dedupe`, or add " +
    '"overrides": { "isotel": "$isotel" } to package.json'
  );
}
