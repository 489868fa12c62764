import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as bundlers from "../frameworks/bundlers.ts";
import { type Receiver, startReceiver } from "../otlp_receiver/receiver.ts";
import { edges } from "../unit/support/exporting.ts";
import { startPlainWorkers } from "../workerd/harness/plain_workerd.ts";
import { Project } from "./support/project.ts";

const worker = `import { lines } from "./console.js";
import "isotel/otlp";
import { tracer, withTelemetry } from "isotel";
import { counter, defineMetrics } from "isotel/metrics";
export { TelemetryAggregator } from "isotel/aggregator";
const { visits } = defineMetrics({ visits: counter("visits") });
export default withTelemetry(
  {
    async fetch(request) {
      if (new URL(request.url).pathname === "/state") {
        return Response.json({ lines, diagnostics: tracer.diagnostics() });
      }
      visits.add();
      return new Response(await tracer.withSpan("work", {}, () => "worked"));
    },
  },
  (env) => ({ otlp: JSON.parse(env.OTLP) }),
);
`;

// The lines that have been logged in this isolate, by whatever loads after this module.
const console = `export const lines = [];
for (const level of ["error", "warn", "log"]) {
  globalThis.console[level] = (...args) => void lines.push(args.map(String).join(" "));
}
`;

interface State {
  readonly lines: readonly string[];
  readonly diagnostics: Readonly<Record<string, number>>;
}

describe("a Worker bundled by", () => {
  const project = new Project();
  let receiver: Receiver;
  before(async () => {
    await project.install(await project.pack());
    project.write("index.js", worker);
    project.write("console.js", console);
    receiver = await startReceiver();
  });
  after(async () => {
    await receiver.close();
    project.remove();
  });

  async function bundled(bundle: bundlers.Bundle): Promise<string> {
    const outdir = join(project.folder, `out-${bundles++}`);
    await bundle(project.folder, outdir);
    return outdir;
  }
  let bundles = 0;

  /** Requests a Worker a few times, and waits for what it sends: its state afterwards. */
  async function run(built: string, sent?: () => Promise<unknown>): Promise<State> {
    receiver.requests.length = 0;
    const OTLP = JSON.stringify({ backend: "custom", endpoint: receiver.url, signals: ["traces"] });
    const plain = await startPlainWorkers([
      { name: "bundled", main: "index.js", built, vars: { OTLP } },
    ]);
    try {
      for (let i = 0; i < 3; i += 1) {
        const response = await plain.fetchFrom("bundled", "/");
        assert.deepEqual([response.status, await response.text()], [200, "worked"]);
      }
      await sent?.();
      return (await (await plain.fetchFrom("bundled", "/state")).json()) as State;
    } finally {
      await plain.close();
    }
  }

  async function expectTelemetry(built: string): Promise<void> {
    // A request may carry the spans of several invocations.
    const inside = () =>
      edges(receiver.requests.flatMap(({ items }) => items)).filter(
        (edge) => edge === "work < GET",
      );
    const { lines } = await run(built, () =>
      receiver.item("spans of all requests", () => inside().length === 3),
    );
    assert.deepEqual(lines, []);
  }

  test("esbuild with the condition workerd exports its spans and logs nothing", async () => {
    await expectTelemetry(await bundled(bundlers.esbuildWith("workerd")));
  });

  // What the other bundlers leave external is bundled by wrangler.
  const external: [string, bundlers.Bundle][] = [
    ["Vite for a server", bundlers.viteServer({})],
    ["webpack for a Web Worker", bundlers.webpackFor("webworker", /^isotel/)],
    ["tsup", bundlers.tsupWith({ external: [/^isotel/] })],
  ];
  for (const [what, bundle] of external) {
    test(`${what} and wrangler, with isotel external, exports its spans and logs nothing`, async () => {
      const between = await bundled(bundle);
      project.write("wrangler.json", {
        name: "bundled",
        main: join(between, "index.js"),
        compatibility_date: "2026-11-17",
        compatibility_flags: ["nodejs_compat"],
      });
      const built = `${between}-wrangler`;
      await project.run("wrangler", "deploy", "--dry-run", "--outdir", built);
      await expectTelemetry(built);
    });
  }

  const degraded: [string, bundlers.Bundle][] = [
    ["esbuild without a condition", bundlers.esbuildWith()],
    ["esbuild with the condition node", bundlers.esbuildWith("node")],
    ["esbuild with the condition browser", bundlers.esbuildWith("browser")],
    [
      "esbuild with the conditions of a Node framework",
      bundlers.esbuildWith("import", "module", "node"),
    ],
    ["Vite for a Web Worker", bundlers.viteServer({ target: "webworker", noExternal: true })],
    ["Vite for Node", bundlers.viteServer({ noExternal: true })],
    ["Vite as a library", bundlers.viteLibrary],
    ["webpack for a Web Worker", bundlers.webpackFor("webworker")],
    ["webpack for Node", bundlers.webpackFor("node22")],
    ["tsup for Node", bundlers.tsupWith({ noExternal: [/^isotel/] })],
    ["tsup for a browser", bundlers.tsupWith({ noExternal: [/^isotel/], platform: "browser" })],
  ];
  for (const [what, bundle] of degraded) {
    test(`${what} answers, and says once what to change`, async () => {
      const { lines, diagnostics } = await run(await bundled(bundle));
      // The spans that cannot be encoded are reported as dropped.
      const missing = lines.filter((line) => !line.includes("are dropped (not_encoded"));
      assert.equal(missing.length, 1, lines.join("\n"));
      assert.match(missing[0] ?? "", /^isotel: \w+\.wasm could not be loaded: .*\. In a Worker, /);
      assert.match(missing[0] ?? "", /--conditions=workerd --loader:\.wasm=copy$/);
      assert.equal(diagnostics["traps"], 0);
    });
  }
});
