import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { after, describe, test } from "node:test";
import { root } from "../../wasm/support/module.ts";
import { Workspace } from "./cli.ts";

const fixtures = join(root, "tests/native/metrics/fixtures");
const fixture = (name: string) => new Uint8Array(readFileSync(join(fixtures, name)));

interface Family {
  readonly name: string;
  readonly type: string;
  readonly series: readonly { readonly labels: object; readonly value?: number }[];
}

function familyNamed(decoded: Readonly<Record<string, unknown>>, name: string): Family {
  const families = decoded["families"] as readonly Family[];
  return families.find((family) => family.name === name) ?? assert.fail(`no family ${name}`);
}

describe("isotel decode", () => {
  const workspace = new Workspace();
  for (const name of ["v1_snapshot.bin", "v1_frame_1.bin", "v1_frame_2.bin", "v1_chunk_0.bin"]) {
    workspace.write(name, fixture(name));
  }
  after(() => workspace.remove());

  test("a snapshot: its version, when it was made and all its metrics", async () => {
    const decoded = await workspace.json("decode", "v1_snapshot.bin");
    const { kind, version, made, bytes } = decoded;
    assert.deepEqual(
      { kind, version, made, bytes },
      { kind: "snapshot", version: 1, made: "2023-11-14T22:13:31.000Z", bytes: 719 },
    );
    const labels = { path: "/é", zone: "eu" };
    const [series] = familyNamed(decoded, "requests").series;
    assert.deepEqual(series?.labels, labels);
    assert.equal(familyNamed(decoded, "isotel_frames_applied").series[0]?.value, 2);
  });

  test("a frame: whose it is, which one and what it adds, whenever it was made", async () => {
    const decoded = await workspace.json("decode", "v1_frame_1.bin");
    const { kind, producer, sequence, made } = decoded;
    assert.deepEqual(
      { kind, sequence, made },
      { kind: "frame", sequence: "1", made: "2023-11-14T22:13:30.000Z" },
    );
    assert.match(String(producer), /^[0-9a-f]{32}$/);
    assert.equal(familyNamed(decoded, "requests").series[0]?.value, 2017.75);
    assert.equal(familyNamed(decoded, "memory").series[0]?.value, 2000);
    const names = (decoded["families"] as readonly Family[]).map(({ name }) => name);
    assert.deepEqual(
      names.filter((name) => name.startsWith("isotel_")),
      [],
      "totals that were made up are shown",
    );
  });

  test("without --json it prints the same, and the expositions by name", async () => {
    const { out, code } = await workspace.run("decode", "v1_frame_2.bin");
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(out), await workspace.json("decode", "v1_frame_2.bin"));

    const text = await workspace.run("decode", "v1_frame_2.bin", "--format", "text");
    assert.match(text.out, /^requests_total\{path="\/é",zone="eu"\} 2025$/m);
    assert.doesNotMatch(text.out, /isotel_/);
    const open = await workspace.run("decode", "v1_snapshot.bin", "--format", "openmetrics");
    assert.match(open.out, /^isotel_frames_applied_total 2$/m);
    assert.ok(open.out.endsWith("# EOF\n"));
  });

  test("what cannot be decoded is one line and code 1, never a part of it", async () => {
    const snapshot = fixture("v1_snapshot.bin");
    const frame = fixture("v1_frame_1.bin");
    const flipped = (bytes: Uint8Array, at: number) => bytes.with(at, (bytes[at] ?? 0) ^ 1);
    const newer = (bytes: Uint8Array) => bytes.with(3, 9);
    const cases: readonly (readonly [Uint8Array, RegExp])[] = [
      [new Uint8Array(), /is neither a snapshot nor a frame/],
      [new TextEncoder().encode("hello"), /is neither a snapshot nor a frame/],
      [fixture("v1_chunk_0.bin"), /is one chunk of an aggregator's state/],
      [snapshot.subarray(0, 40), /a snapshot cannot be read \(\w+\)/],
      [flipped(snapshot, 100), /a snapshot cannot be read \(\w+\)/],
      [flipped(snapshot, 3), /a snapshot cannot be read \(\w+\)/],
      [newer(snapshot), /a snapshot cannot be read \(unknownVersion\): a newer version of isotel/],
      [frame.subarray(0, 3), /the frame cannot be read \(\w+\)/],
      [frame.subarray(0, 22), /the frame cannot be read \(\w+\)/],
      [flipped(frame, 100), /the frame cannot be read \(\w+\)/],
      [flipped(frame, 3), /the frame cannot be read \(\w+\)/],
      [newer(frame), /the frame cannot be read \(unknownVersion\): a newer version of isotel/],
    ];
    for (const [bytes, message] of cases) {
      workspace.write("damaged.bin", bytes);
      const { code, out, err } = await workspace.run("decode", "damaged.bin");
      assert.equal(code, 1, err);
      assert.equal(out, "");
      assert.match(err, message);
      assert.match(err, /^isotel: damaged\.bin.*\n$/);
    }
  });

  test("a device that never ends, a pipe that is too long and a folder are refused", async () => {
    const { code, err } = await workspace.run("decode", "/dev/zero");
    assert.equal(code, 1);
    assert.equal(err, "isotel: /dev/zero is too large: it has more than 32 MiB\n");
    const main = join(root, "bindings/cli/main.ts");
    const piped = spawnSync("sh", ["-c", `yes | "${execPath}" "${main}" decode /dev/stdin`]);
    assert.equal(piped.status, 1);
    assert.match(
      `${piped.stderr}`,
      /^isotel: \/dev\/stdin is too large: it has more than 32 MiB$/m,
    );
    const folder = await workspace.run("decode", ".");
    assert.equal(folder.err, "isotel: . is a folder: give the path of a file\n");
    assert.equal(folder.code, 1);
  });

  test("a snapshot from a pipe is read to its end", () => {
    const main = join(root, "bindings/cli/main.ts");
    const file = join(fixtures, "v1_snapshot.bin");
    const script = `cat "${file}" | "${execPath}" "${main}" decode /dev/stdin`;
    const { status, stdout, stderr } = spawnSync("sh", ["-c", script]);
    assert.equal(status, 0, `${stderr}`);
    assert.equal((JSON.parse(`${stdout}`) as { bytes: number }).bytes, 719);
  });

  test("no file, no format: code 2", async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [["decode"], /an argument is missing/],
      [["decode", "none.bin"], /none\.bin: no such file/],
      [
        ["decode", "v1_snapshot.bin", "--format", "xml"],
        /--format is xml; it has to be one of json, text, openm/,
      ],
    ];
    for (const [args, message] of cases) {
      const { code, err } = await workspace.run(...args);
      assert.equal(code, 2);
      assert.match(err, message);
    }
    assert.equal((await workspace.run("decode", ".")).code, 1);
  });
});
