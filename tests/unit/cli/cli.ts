import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../../bindings/cli/run.ts";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A folder in which commands run, with variables of its own. */
export class Workspace {
  readonly folder: string = mkdtempSync(join(tmpdir(), "isotel-cli-"));
  readonly env: Record<string, string> = {};

  write(path: string, content: string | Uint8Array): void {
    writeFileSync(join(this.folder, path), content);
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), "utf8");
  }

  async run(...args: readonly string[]): Promise<Ran> {
    let out = "";
    let err = "";
    const code = await run(args, {
      env: this.env,
      cwd: this.folder,
      out: (text) => {
        out += text;
      },
      err: (text) => {
        err += text;
      },
    });
    return { code, out, err };
  }

  /** Runs a command with `--json`; what it printed. */
  async json(...args: readonly string[]): Promise<Record<string, unknown>> {
    const { out, err, code } = await this.run(...args, "--json");
    if (code !== 0) throw new Error(err);
    return JSON.parse(out) as Record<string, unknown>;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
