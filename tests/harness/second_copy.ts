import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./start.ts";

/** The version of the second copy. */
export const secondVersion = "99.1.0+0123abcd";

/** A second copy of the built package, with another version. */
export interface SecondCopy {
  readonly folder: string;
  /** Returns the file of an entry of the package, for example `ai`. */
  entry(name: string): string;
  remove(): void;
}

const { version: release } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  version: string;
};
const modules = globSync("dist/**/*.js", { cwd: root }).filter(
  (file) => !file.startsWith("dist/cli"),
);

/** The version of the built package: its release and a hash. */
export const firstVersion = builtVersion();

function builtVersion(): string {
  const pattern = new RegExp(`"(${release.replaceAll(".", "\\.")}\\+[0-9a-f]{8})"`, "g");
  const found = modules.flatMap((file) => {
    const text = readFileSync(join(root, file), "utf8");
    return [...text.matchAll(pattern)].map(([, version]) => version);
  });
  const [version, ...others] = found;
  if (version === undefined || others.length > 0) {
    throw new Error(`The built package has ${found.length} versions: ${found.join(", ")}.`);
  }
  return version;
}

/** A build of the same release from other sources. */
export const rebuiltVersion = `${release}+0123abcd`;

/** Copies the built package. Only its version may differ. */
export function copyPackage(version: string = secondVersion): SecondCopy {
  const folder = mkdtempSync(join(root, "build/second-"));
  cpSync(join(root, "dist"), join(folder, "dist"), { recursive: true });
  cpSync(join(root, "package.json"), join(folder, "package.json"));
  for (const file of modules) {
    const text = readFileSync(join(root, file), "utf8");
    writeFileSync(join(folder, file), text.replaceAll(`"${firstVersion}"`, `"${version}"`));
  }
  return {
    folder,
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
