import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { Secrets } from "../../../bindings/cli/command.ts";
import { unifiedDiff } from "../../../bindings/cli/commands/init.ts";
import { commands } from "../../../bindings/cli/run.ts";
import { root } from "../../wasm/support/module.ts";
import { Workspace } from "./cli.ts";

describe("isotel", () => {
  const workspace = new Workspace();
  after(() => workspace.remove());

  test("help lists every command, and each has its own", async () => {
    const { code, out } = await workspace.run("--help");
    assert.equal(code, 0);
    for (const [name, command] of Object.entries(commands)) {
      assert.ok(command.usage.startsWith(name), name);
      assert.ok(out.includes(`  ${command.usage} `), name);
      const own = await workspace.run(...name.split(" "), "--help");
      assert.equal(own.code, 0);
      assert.ok(own.out.startsWith(`npx isotel ${command.usage}\n${command.summary}\n`));
      for (const option of Object.keys(command.options)) assert.ok(own.out.includes(`--${option}`));
    }
  });

  test("what is not understood is code 2 and one line", async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [
        ["destintions", "list"],
        /there is no command "destintions list"; the nearest one is destinations list: see npx/,
      ],
      [
        ["gateway"],
        /"gateway" is not complete: it has to be one of gateway otel list, gateway otel add/,
      ],
      [["--versoin"], /there is no option --versoin: see npx isotel --help/],
      [
        ["init", "--trace"],
        /there is no option --trace; the nearest one is --traces: see npx isotel init/,
      ],
      [["init", "-x"], /there is no option -x: see npx isotel init --help/],
      [["init", "extra"], /too many arguments: see npx isotel init --help/],
      [["init", "--config"], /'--config.*' argument missing: see npx isotel init --help/],
    ];
    for (const [args, message] of cases) {
      const { code, out, err } = await workspace.run(...args);
      assert.equal(code, 2);
      assert.equal(out, "");
      assert.match(err, message);
      assert.equal(err.split("\n").length, 2, err);
    }
  });

  test("without a command, with -h, --help or help: the overview; the exit code is 0", async () => {
    const { out } = await workspace.run("--help");
    for (const args of [[], ["-h"], ["help"]]) {
      assert.deepEqual(await workspace.run(...args), { code: 0, out, err: "" });
    }
    const own = await workspace.run("destinations", "add", "--help");
    for (const args of [
      ["destinations", "add", "-h"],
      ["help", "destinations", "add"],
    ]) {
      assert.deepEqual(await workspace.run(...args), own);
    }
    const group = await workspace.run("gateway", "otel", "--help");
    assert.equal(group.code, 0);
    assert.match(group.out, /gateway otel add BACKEND/);
    assert.doesNotMatch(group.out, /logpush/);
  });

  test("--version and -V print the version of the package", async () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      version: string;
    };
    for (const arg of ["--version", "-V"]) {
      assert.deepEqual(await workspace.run(arg), { code: 0, out: `${version}\n`, err: "" });
    }
    assert.deepEqual(await workspace.json("--version"), { version });
  });

  test("each option has a description, and an option with a value names it", async () => {
    for (const [name, command] of Object.entries(commands)) {
      const { out } = await workspace.run("help", ...name.split(" "));
      for (const [option, { type, value, help }] of Object.entries(command.options)) {
        assert.equal(type === "string", value !== undefined, option);
        const line = out.split("\n").find((text) => text.startsWith(`  --${option} `));
        assert.ok(line?.endsWith(`  ${help}`) && help.length > 5, `${name} --${option}: ${line}`);
      }
    }
  });

  test("with --json an error is JSON too, and still a line", async () => {
    const { code, out, err } = await workspace.run("init", "--json", "--config", "none");
    assert.equal(code, 2);
    const { error } = JSON.parse(out) as { error: string };
    assert.equal(err, `isotel: ${error}\n`);
  });
});

describe("the difference of two texts", () => {
  test("hunks have three lines around them and count from 1", () => {
    const before = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`);
    const changed = before.with(1, "second");
    changed.splice(15, 1);
    assert.equal(
      unifiedDiff("f", before.join("\n"), changed.join("\n")),
      [
        "--- f",
        "+++ f",
        "@@ -1,5 +1,5 @@",
        " line 1",
        "-line 2",
        "+second",
        " line 3",
        " line 4",
        " line 5",
        "@@ -13,7 +13,6 @@",
        " line 13",
        " line 14",
        " line 15",
        "-line 16",
        " line 17",
        " line 18",
        " line 19",
        "",
      ].join("\n"),
    );
  });

  test("equal texts have none", () => {
    assert.equal(unifiedDiff("f", "a\nb", "a\nb"), "");
  });
});

describe("secrets", () => {
  test("are hidden as they are, encoded, in JSON and without their scheme", () => {
    const secrets = new Secrets();
    secrets.add('Bearer a"b/c d+e');
    secrets.add("12345");
    secrets.add(undefined);
    const shown = ['Bearer a"b/c d+e', 'a"b/c d+e', encodeURIComponent('a"b/c d+e')];
    for (const text of shown) assert.equal(secrets.hide(`<${text}>`), "<***>");
    assert.equal(secrets.hide(JSON.stringify(['a"b/c d+e'])), '["***"]');
    assert.equal(secrets.hide("12345"), "12345", "what is shorter is no secret worth the name");
  });

  test("one that is a part of another does not leave the rest of it", () => {
    const secrets = new Secrets();
    secrets.add("secret");
    secrets.add("secret-and-more");
    assert.equal(secrets.hide("secret-and-more secret"), "*** ***");
  });
});
