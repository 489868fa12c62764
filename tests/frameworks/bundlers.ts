import { join } from "node:path";
import { build as esbuild } from "esbuild";
import { build as tsup } from "tsup";
import { build as vite } from "vite";
import webpack from "webpack";

/** A way to bundle `index.js` of a project. Writes modules to a folder, of which `index.js` is the main one. */
export type Bundle = (project: string, outdir: string) => Promise<void>;

const runtimeModules = [/^cloudflare:/, /^node:/];

/** esbuild with export conditions. */
export const esbuildWith =
  (...conditions: readonly string[]): Bundle =>
  async (project, outdir) => {
    await esbuild({
      absWorkingDir: project,
      entryPoints: ["index.js"],
      outdir,
      bundle: true,
      format: "esm",
      target: "es2022",
      conditions: [...conditions],
      external: ["cloudflare:*", "node:*"],
      loader: { ".wasm": "copy" },
      logLevel: "silent",
    });
  };

/** Vite's build of a server, as frameworks use it. */
export const viteServer =
  (ssr: { readonly target?: "webworker"; readonly noExternal?: true }): Bundle =>
  async (project, outDir) => {
    await vite({
      root: project,
      configFile: false,
      logLevel: "silent",
      ssr,
      build: { ssr: "index.js", outDir, rollupOptions: { external: runtimeModules } },
    });
  };

/** Vite's build of a library. */
export const viteLibrary: Bundle = async (project, outDir) => {
  await vite({
    root: project,
    configFile: false,
    logLevel: "silent",
    build: {
      outDir,
      lib: { entry: "index.js", formats: ["es"], fileName: "index" },
      rollupOptions: { external: runtimeModules },
    },
  });
};

/** webpack for a target, with more externals. */
export const webpackFor =
  (target: string, ...externals: readonly RegExp[]): Bundle =>
  async (project, outdir) => {
    await new Promise<void>((resolve, reject) => {
      webpack(
        {
          context: project,
          mode: "production",
          entry: "./index.js",
          target,
          externals: [...runtimeModules, ...externals],
          externalsType: "module",
          experiments: { outputModule: true },
          output: {
            path: outdir,
            filename: "index.js",
            module: true,
            library: { type: "module" },
            chunkFormat: "module",
          },
        },
        (error, stats) => {
          if (error) reject(error);
          else if (stats?.hasErrors() === true) reject(new Error(stats.toString("errors-only")));
          else resolve();
        },
      );
    });
  };

interface TsupOptions {
  /** tsup leaves the dependencies of the package in the working directory external, which is another one here. */
  readonly external?: readonly RegExp[];
  readonly noExternal?: RegExp[];
  readonly platform?: "node" | "browser";
}

export const tsupWith =
  ({ external = [], ...options }: TsupOptions): Bundle =>
  async (project, outDir) => {
    await tsup({
      ...options,
      config: false,
      silent: true,
      entry: [join(project, "index.js")],
      outDir,
      format: ["esm"],
      outExtension: () => ({ js: ".js" }),
      external: [...runtimeModules, ...external],
    });
  };
