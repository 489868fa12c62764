import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { boundedJson } from "../../../bindings/ai/content/bounded_json.ts";
import { withoutMedia } from "../../../bindings/ai/content/media.ts";
import { Random } from "../../wasm/support/random.ts";
import {
  type Functions,
  type Sdk,
  sdks,
  textAnswer,
  toolAnswer,
  wrapped,
} from "../support/ai_sdk.ts";
import { attributesOf, recording } from "../support/tracing.ts";

const random = new Random(14);
const bytes = Uint8Array.from({ length: 6_000 }, () => random.below(256));
const base64 = Buffer.from(bytes).toString("base64");

function wrap(text: string, width: number, lineBreak: string): string {
  return (text.match(new RegExp(`.{1,${width}}`, "g")) ?? []).join(lineBreak);
}

const dataUrl = `data:image/png;base64,${base64}`;
const described = "(base64, 6000 bytes)";

function describedUrl(url: string): string {
  return `(${url.slice(0, url.indexOf(","))}, ${url.length} characters)`;
}

const shortUrl = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";
const svgUrl = "data:image/svg+xml,%3Csvg%20/%3E";
const encodedUrl = `data:image/png;base64,${encodeURIComponent(base64)}`;
const wrappedUrl = wrap(dataUrl, 76, "\n");

/** Texts with media, and what is recorded of each. */
const withMedia: Readonly<Record<string, readonly [text: string, recorded: string]>> = {
  "base64 alone": [base64, described],
  "base64 between words": [`Here: ${base64} is it.`, `Here: ${described} is it.`],
  "base64 for URLs": [`a ${Buffer.from(bytes).toString("base64url")} z`, `a ${described} z`],
  "two runs": [`${base64} and ${base64}`, `${described} and ${described}`],
  "a data URL in markdown": [
    `Look: ![a](${dataUrl}) nice`,
    `Look: ![a](${describedUrl(dataUrl)}) nice`,
  ],
  "a data URL in HTML": [
    `<img src="${dataUrl}" alt=x>`,
    `<img src="${describedUrl(dataUrl)}" alt=x>`,
  ],
  "a short data URL": [`![](${shortUrl})`, `![](${describedUrl(shortUrl)})`],
  "a data URL with parameters": [
    `see data:audio/wav;rate=8000;base64,${base64} end`,
    `see ${describedUrl(`data:audio/wav;rate=8000;base64,${base64}`)} end`,
  ],
  "a data URL that is percent-encoded": [`a ${encodedUrl} z`, `a ${describedUrl(encodedUrl)} z`],
  "a data URL without base64": [`[icon](${svgUrl}) z`, `[icon](${describedUrl(svgUrl)}) z`],
  "base64 in JSON text": [
    JSON.stringify({ kind: "png", data: base64, size: 6000 }),
    JSON.stringify({ kind: "png", data: described, size: 6000 }),
  ],
  "base64 in JSON text within JSON text": [
    JSON.stringify(JSON.stringify({ data: base64 })),
    JSON.stringify(JSON.stringify({ data: described })),
  ],
  "base64 in JSON text with escaped slashes": [
    JSON.stringify({ data: base64 }).replaceAll("/", "\\/"),
    JSON.stringify({ data: described }),
  ],
  "lines of 76 columns": [
    `Attached:\r\n${wrap(base64, 76, "\r\n")}\r\nRegards`,
    `Attached:\r\n${described}\r\nRegards`,
  ],
  "lines of 64 columns": [`a\n\n${wrap(base64, 64, "\n")}\n\nb`, `a\n\n${described}\n\nb`],
  "indented lines": [
    `data: |\n  ${wrap(base64, 76, "\n  ")}\nnext: 1`,
    `data: |\n  ${described}\nnext: 1`,
  ],
  "lines in JSON text": [
    JSON.stringify({ data: wrap(base64, 76, "\r\n"), size: 6000 }),
    JSON.stringify({ data: described, size: 6000 }),
  ],
  "lines of a data URL": [`![](${wrappedUrl})`, `![](${describedUrl(wrappedUrl)})`],
  "lines of a data URL that begins within a line": [
    wrap(`Here it is: ![](${dataUrl}) and text`, 76, "\r\n"),
    `Here it is: ![](${describedUrl(`${dataUrl}${"\r\n".repeat(105)}`)}) and text`,
  ],
  "lines whose last one is full": [
    `${wrap(base64.slice(0, 7_600), 76, "\n")}\nThe picture above.`,
    "(base64, 5700 bytes)\nThe picture above.",
  ],
  zeros: [Buffer.alloc(3_000).toString("base64"), "(base64, 3000 bytes)"],
  "a serialised Buffer in JSON text": [
    JSON.stringify({ a: 1, file: Buffer.from(bytes), z: 2 }),
    JSON.stringify({ a: 1, file: "(binary, 6000 bytes)", z: 2 }),
  ],
  "a serialised Buffer in indented JSON text": [
    JSON.stringify({ file: Buffer.from(bytes) }, undefined, 2),
    JSON.stringify({ file: "(binary, 6000 bytes)" }, undefined, 2),
  ],
  "a serialised Buffer in JSON text within JSON text": [
    JSON.stringify([JSON.stringify({ file: Buffer.from(bytes) }, undefined, 2)]),
    JSON.stringify([JSON.stringify({ file: "(binary, 6000 bytes)" }, undefined, 2)]),
  ],
  "a serialised typed array in JSON text": [
    JSON.stringify({ a: 1, file: bytes, z: 2 }),
    JSON.stringify({ a: 1, file: "(binary, 6000 bytes)", z: 2 }),
  ],
  "a serialised array of floats in JSON text": [
    `samples: ${JSON.stringify(Float32Array.from(bytes, (byte) => (byte - 128) / 128))}.`,
    'samples: "(binary, 6000 numbers)".',
  ],
};

const hex = Buffer.from(bytes).toString("hex");
const claims = Buffer.from(JSON.stringify({ roles: hex.slice(0, 3_000) })).toString("base64url");

/** Texts that are recorded as they are. */
const withoutAny: Readonly<Record<string, string>> = {
  "a long hash": hex.slice(0, 128),
  "a hexadecimal dump": `dump ${hex} end`,
  "a hexadecimal dump in upper case": hex.toUpperCase(),
  "lines of a hexadecimal dump": wrap(hex, 64, "\n"),
  "a list of UUIDs": Array.from({ length: 200 }, () => crypto.randomUUID()).join("\n"),
  "a list of hashes": Array.from({ length: 90 }, (_, i) => base64.slice(i * 43, i * 43 + 43)).join(
    "\n",
  ),
  "base64 of a key": base64.slice(0, 1_000),
  "a JSON Web Token": `Bearer eyJhbGciOiJIUzI1NiJ9.${claims}.${base64.slice(0, 43)}`,
  "an encrypted JSON Web Token": `eyJhbGciOiJSU0EtT0FFUCJ9.${claims.slice(3, 345)}.48V1_ALb6US04U3b.${claims.slice(3)}.XFBoMYUZ`,
  "a rule of a table": `|${"-".repeat(3_000)}|${"_".repeat(3_000)}|`,
  prose: "The quick brown fox jumps over the lazy dog. ".repeat(200),
  "prose about data URLs": "Write data:image/png;base64, before it; metadata: a, data: b, c.",
  "events of a stream": 'data: {"a": 1, "b": 2}\n\ndata: [DONE]\n\n',
  "counts by hour": JSON.stringify(
    Object.fromEntries(Array.from({ length: 24 }, (_, hour) => [hour, hour * 3])),
  ),
  "numbers of a list": JSON.stringify([...bytes.slice(0, 500)]),
  "an object that is named like a Buffer": '{"type":"Buffer","data":"none"}',
};

/** Base64 character, line break, and the end of a last line, as the naive implementation reads them. */
const unit = String.raw`(?:[A-Za-z0-9+/_-]|\\/)`;
const lineBreak = String.raw`(?:\r?\n|\r|\\+r\\+n|\\+[nr])[ \t]*`;
const lineEnd = String.raw`(?=$|[\r\n"'\`)\]}<>=]|%3D|\\+[nr"'])`;

/** Replaces runs of base64 by trying an expression at each index. Takes quadratic time. */
function naively(text: string): string {
  let result = "";
  let index = 0;
  while (index < text.length) {
    const rest = text.slice(index);
    const line = new RegExp(`^${unit}+`).exec(rest)?.[0] ?? "";
    if (line === "") {
      // An escaped character is not data, except a slash.
      const taken = /^\\+?(?=\\\/)|^\\+[^\\]?|^./su.exec(rest)?.[0].length ?? 1;
      result += rest.slice(0, taken);
      index += taken;
      continue;
    }
    const width = line.replaceAll("\\/", "/").length;
    const lines = `(?:${lineBreak}${unit}{${width}}(?!${unit}))*(?:${lineBreak}${unit}{1,${width - 1}}(?!${unit})${lineEnd})?`;
    const run = new RegExp(`^${unit}{${width}}${width < 60 ? "" : `(?!=|%3D)${lines}`}`).exec(rest);
    const found = run?.[0] ?? line;
    const padding = /^(?:=+|(?:%3D)+)?/i.exec(rest.slice(found.length))?.[0] ?? "";
    const data = found.replace(new RegExp(lineBreak, "g"), "").replaceAll("\\/", "/");
    const isHex = /^[\da-f]+$/i.test(data) && /\d/.test(data);
    const isMedia = data.length >= 2048 && !isHex && /[^+_-]/.test(data);
    const taken = found + (width < 60 ? "" : padding);
    result += isMedia ? `(base64, ${Math.floor((data.length * 3) / 4)} bytes)` : taken;
    index += taken.length;
  }
  return result;
}

/** Draws a text that is made of runs, near runs, line breaks and false starts. */
function drawText(seed: number): string {
  const { below, pick } = bound(new Random(seed));
  const lineOf = (length: number) => {
    const start = below(base64.length - length);
    return base64.slice(start, start + length).replaceAll("=", "a");
  };
  const width = pick([59, 60, 64, 76, 76]);
  const lineBreakOf = () => pick(["\n", "\r\n", "\\n", "\\r\\n", "\n  ", "\\\\n"]);
  const pieces: readonly (() => string)[] = [
    () => lineOf(pick([1, 59, 60, 61, 2047, 2048, 2100, 4000])),
    () => {
      const end = lineBreakOf();
      return Array.from({ length: below(60) }, () => lineOf(width)).join(end) + end;
    },
    () => lineOf(width) + lineBreakOf() + lineOf(width - below(3)) + lineBreakOf(),
    () => lineOf(below(width)) + pick(["=", "==", '"', " ", "\n", ""]),
    () => pick([" ", "\n", "\\", '\\"', "\\/", "=", "==", ",", "{", '"', "é", "😀", "\\t"]),
    () => hex.slice(0, pick([59, 64, 128, 2048, 3000])),
    () => pick(["a", "A", "-", "\\/", "=", "\n"]).repeat(pick([1, 60, 2048, 2500])),
    () => "word ".repeat(below(30)),
  ];
  return Array.from({ length: 1 + below(12) }, () => pick(pieces)()).join("");
}

function bound(random: Random) {
  return {
    below: (end: number) => random.below(end),
    pick: <T>(items: readonly T[]) => random.pick(items),
  };
}

describe("text that is recorded", () => {
  for (const [what, [text, recorded]] of Object.entries(withMedia)) {
    test(`has a description in place of media, and the text around it: ${what}`, () => {
      assert.equal(withoutMedia(text), recorded);
    });
  }

  for (const [what, text] of Object.entries(withoutAny)) {
    test(`stays as it is without media: ${what}`, () => {
      assert.equal(withoutMedia(text), text);
    });
  }
});

test("runs of base64 are found as a naive search finds them, in any mixture with other text", () => {
  for (let seed = 0; seed < 1_500; seed += 1) {
    const text = drawText(seed);
    assert.equal(withoutMedia(text), naively(text), `seed ${seed}`);
  }
});

test("media is found between any other text", () => {
  const media: readonly (readonly [text: string, recorded: string])[] = [
    [dataUrl, describedUrl(dataUrl)],
    [wrappedUrl, describedUrl(wrappedUrl)],
    [encodedUrl, describedUrl(encodedUrl)],
    [svgUrl, describedUrl(svgUrl)],
    [JSON.stringify(Buffer.from(bytes)), '"(binary, 6000 bytes)"'],
    [JSON.stringify(bytes), '"(binary, 6000 bytes)"'],
  ];
  for (let seed = 0; seed < 600; seed += 1) {
    const [text, recorded] = new Random(seed).pick(media);
    const [before, after] = [`${drawText(seed)} [`, `] ${drawText(seed + 10_000)}`];
    const expected = naively(before) + recorded + naively(after);
    assert.equal(withoutMedia(before + text + after), expected, `seed ${seed}`);
  }
});

describe("a value that is recorded as JSON", () => {
  const values: Readonly<Record<string, readonly [value: unknown, recorded: unknown]>> = {
    "a Buffer that was serialised": [
      { file: JSON.parse(JSON.stringify(Buffer.from(bytes))), name: "a" },
      { file: "(binary, 6000 bytes)", name: "a" },
    ],
    "a typed array that was serialised": [
      [JSON.parse(JSON.stringify(bytes)), 1],
      ["(binary, 6000 bytes)", 1],
    ],
    "a typed array of floats that was serialised": [
      { ...Float32Array.from(bytes, (byte) => byte / 8) },
      "(binary, 6000 numbers)",
    ],
    "a class whose toJSON returns a serialised Buffer": [
      { toJSON: () => Buffer.from(bytes).toJSON() },
      "(binary, 6000 bytes)",
    ],
    "an object with the type of a Buffer": [
      { type: "Buffer", data: ["a", "b"] },
      { type: "Buffer", data: ["a", "b"] },
    ],
    "an object of 64 getters": [
      Object.defineProperties(
        {},
        Object.fromEntries(
          Array.from({ length: 64 }, (_, index) => [index, { get: () => 1, enumerable: true }]),
        ),
      ),
      Object.fromEntries(Array.from({ length: 64 }, (_, index) => [index, 1])),
    ],
    "texts by number": [
      Object.fromEntries(Array.from({ length: 70 }, (_, index) => [index, "a"])),
      Object.fromEntries(Array.from({ length: 70 }, (_, index) => [index, "a"])),
    ],
  };
  for (const [what, [value, recorded]] of Object.entries(values)) {
    test(`has a description in place of binary data: ${what}`, () => {
      assert.deepEqual(JSON.parse(boundedJson(value, 28_000) ?? ""), recorded);
    });
  }
});

describe("content of the SDK's calls", () => {
  const toolValue = {
    markdown: `![chart](${dataUrl})`,
    lines: wrap(base64, 76, "\r\n"),
    json: JSON.stringify({ data: base64, file: Buffer.from(bytes), title: "chart" }),
    file: JSON.parse(JSON.stringify(Buffer.from(bytes))) as unknown,
    array: { ...bytes },
  };

  for (const sdk of sdks) {
    test(`has no media in prompts, answers and tool values, in ${sdk.name}`, async () => {
      const tracing = recording();
      const functions = wrapped(tracing.telemetry, sdk, { storeMessages: true, storeTools: true });
      await callWithMedia(functions, sdk, toolValue);
      const recorded = tracing.runtime.spans.map((span) => JSON.stringify(attributesOf(span)));
      for (const attributes of recorded) {
        assert.ok(!attributes.includes(base64.slice(0, 60)), attributes.slice(0, 400));
        assert.doesNotMatch(attributes, /(?:\d+,){20}|(?:\\*"\d+\\*":\d+,){20}/);
      }
      const all = recorded.join();
      for (const text of ["Compare", "with that.", "![chart](", "The answer:", "chart"]) {
        assert.ok(all.includes(text), text);
      }
      for (const text of ["data:image/png;base64, 8022 characters", "(base64, 6000 bytes)"]) {
        assert.ok(all.includes(text), text);
      }
      assert.ok(all.includes("(binary, 6000 bytes)"));
    });
  }
});

async function callWithMedia(functions: Functions, sdk: Sdk, toolValue: unknown): Promise<void> {
  await functions.generateText({
    model: sdk.model({
      generate: [toolAnswer("draw"), textAnswer(`The answer: ![](${dataUrl})`)],
    }),
    prompt: `Compare ${wrap(base64, 76, "\n")}\nwith that.`,
    tools: { draw: sdk.tool(() => toolValue) },
    stopWhen: sdk.stopAfter(2),
  });
}
