import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { env, execPath } from "node:process";
import { promisify } from "node:util";
import { root } from "../../wasm/support/module.ts";

const execute = promisify(execFile);

/** A tarball made from the package as it is built. */
export interface Packed {
  readonly file: string;
  /** What is in it, relative to the package's folder. */
  readonly paths: readonly string[];
}

/** A folder of its own outside of the repository, removed by `remove()`. */
export class Project {
  readonly folder: string;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "isotel-package-"));
  }

  write(path: string, content: string | object): void {
    const text = typeof content === "string" ? content : JSON.stringify(content, null, 2);
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }

  copy(from: string, to: string): void {
    cpSync(from, join(this.folder, to), { recursive: true });
  }

  /** Runs a program of the repository's node_modules, or `node` itself, in the project. */
  async run(program: string, ...args: readonly string[]): Promise<string> {
    const { stdout } = await execute(program === "node" ? execPath : program, args, {
      cwd: this.folder,
      timeout: 120_000,
      maxBuffer: 1 << 25,
      env: {
        ...env,
        PATH: [join(root, "node_modules/.bin"), env["PATH"]].join(delimiter),
        npm_config_cache: join(this.folder, ".npm"),
        npm_config_offline: "true",
        npm_config_audit: "false",
        npm_config_fund: "false",
        npm_config_loglevel: "error",
        npm_config_update_notifier: "false",
        WRANGLER_SEND_METRICS: "false",
        CLOUDFLARE_CF_FETCH_ENABLED: "false",
      },
    });
    return stdout;
  }

  /** Packs the repository's package as it is built now; nothing is built for it. */
  async pack(): Promise<Packed> {
    const options = ["--ignore-scripts", "--json", "--pack-destination", this.folder];
    const answer = JSON.parse(await this.run("npm", "pack", ...options, root)) as unknown;
    // npm 11 answers with a list, later ones with the packages by name.
    const [packed] = Object.values(answer as Record<string, unknown>) as {
      filename: string;
      files: { path: string }[];
    }[];
    if (packed === undefined) throw new Error("npm packed nothing.");
    return {
      file: join(this.folder, packed.filename),
      paths: packed.files.map(({ path }) => path).sort(),
    };
  }

  /** Installs a tarball as any user would, without a network. */
  async install({ file }: Packed): Promise<void> {
    this.write("package.json", { name: "fresh", private: true, type: "module" });
    await this.run("npm", "install", "--ignore-scripts", file);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
