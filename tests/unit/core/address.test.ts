import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  cleanAddress,
  cleanAttribute,
  cleanQuery,
  cleanRoute,
  cleanValue,
  type KeptParameters,
  maskSecrets,
} from "../../../bindings/base/address.ts";
import { Random } from "../../wasm/support/random.ts";

const kept = new Set(["page", "seite ü", "key"]);

const web = ["http", "https", "WSS", "ftp"];
const other = ["s3", "postgres", "redis", "foo+bar"];
const hosts = ["host.example", "127.0.0.1", "[::1]", "localhost", "xn--bcher-kva.example"];
const ports = ["", "", ":8080", ":0", ":000443"];
const paths = [
  "",
  "/",
  "/a/b.pdf",
  "/@scope/pkg@1.2",
  "/a:b@c/d",
  "/%3Ftoken=a%40b",
  "/ü b",
  "//x",
];
const secretNames = [
  "token",
  "API_KEY",
  "X-Amz-Signature",
  "%74oken",
  "sig",
  "a+b",
  "",
  "access_token",
];

/** A part of an address that holds a secret: every one has the mark. */
const mark = "SECRET";
const secrets = [
  mark,
  `${mark}:x`,
  `a@${mark}`,
  `${mark}%40`,
  `ü${mark}'`,
  `&=;${mark}`,
  `\t${mark}\n`,
];

interface Made {
  readonly address: string;
  readonly parameters: readonly [string, string][];
}

function madeAddress(random: Random): Made {
  const isWeb = random.below(3) > 0;
  const scheme = random.pick(isWeb ? web : other);
  const slashes = isWeb ? random.pick(["//", "//", "/", "", "\\\\", "///", "/\\"]) : "//";
  const user = random.pick(["", "", `${random.pick(secrets)}@`, `:${random.pick(secrets)}@`]);
  const password = user !== "" && random.below(2) === 0 ? `u:${user}` : user;
  const parameters: [string, string][] = [];
  const query = Array.from({ length: random.below(4) }, () => {
    const name = random.pick([...kept, ...secretNames]);
    const isKept = kept.has(name) && name !== "key";
    const value = isKept ? String(random.below(9)) : random.pick(secrets).replace(/[&\t\n]/g, "");
    parameters.push([name, value]);
    const written = name.includes("ü") ? encodeURIComponent(name) : name;
    return `${written}=${value}`;
  }).join("&");
  const tail = random.pick(["", "#", `#${mark}`, `#/x?token=${mark}`]);
  const outer = random.pick(["", "", " ", "\n"]);
  const rest = `${random.pick(paths)}${query === "" ? random.pick(["", "?"]) : `?${query}`}${tail}`;
  const authority = `${password}${random.pick(hosts)}${random.pick(ports)}`;
  return { address: `${outer}${scheme}:${slashes}${authority}${rest}${outer}`, parameters };
}

function assertClean({ address, parameters }: Made, names: KeptParameters): boolean {
  const given = URL.parse(address);
  if (given === null) return false;
  const text = cleanAddress(address, names);
  const shown = JSON.stringify({ address, text });
  assert.ok(!text.includes(mark), shown);
  const clean = new URL(text);
  for (const part of ["protocol", "hostname", "port", "pathname"] as const) {
    assert.equal(clean[part], given[part], shown);
  }
  for (const part of ["username", "password", "hash"] as const)
    assert.equal(clean[part], "", shown);
  const expected = parameters
    .filter(([name]) => names?.has(name) === true)
    .map(([name, value]) => [name, name === "key" ? "REDACTED" : value]);
  assert.deepEqual([...clean.searchParams], expected, shown);
  return true;
}

describe("a cleaned address", () => {
  test("is the same resource to a URL parser, without user info, query, fragment and secrets", () => {
    for (const names of [undefined, kept]) {
      const random = new Random(11);
      let parsed = 0;
      for (let i = 0; i < 20_000; i += 1) parsed += Number(assertClean(madeAddress(random), names));
      assert.ok(parsed > 15_000, String(parsed));
    }
  });

  test("stays byte for byte where it holds nothing to remove", () => {
    const random = new Random(5);
    for (let i = 0; i < 2_000; i += 1) {
      const address = `${random.pick([...web, ...other])}://${random.pick(hosts)}${random.pick(ports)}${random.pick(["", "/a/b.pdf", "/ü b", "//x"])}`;
      assert.equal(cleanAddress(address), address);
    }
    for (const address of [
      "",
      "/users/7",
      "host.example",
      "[::1]",
      "about:blank",
      "\u0000",
      "a b",
    ]) {
      assert.equal(cleanAddress(address), address);
    }
  });

  test("keeps no part of a password that makes the address invalid", () => {
    for (const address of [
      `postgres://user:${mark}/w@db.example/orders`,
      `https://user:${mark}?x@db.example/orders`,
      `https://user:${mark}#x@db.example/orders?token=${mark}`,
      `https://user:${mark}/a@b/${mark}@db.example/orders`,
      `https://a@b:${mark}/${mark}@db.example/orders`,
      `redis://:99999/${mark}@db.example/orders`,
      `user:${mark}@db.example/orders`,
      `file://user:${mark}@db.example/orders`,
    ]) {
      assert.equal(URL.canParse(address) && !/^(user|file):/.test(address), false, address);
      const text = cleanAddress(address);
      assert.ok(!text.includes(mark) && text.endsWith("db.example/orders"), `${address}: ${text}`);
    }
  });

  test("may be relative, stand in another scheme, or hold its own data", () => {
    const cases: readonly [string, string][] = [
      [`/a/b?token=${mark}#x`, "/a/b"],
      [`?token=${mark}`, ""],
      [`//user:${mark}@host.example/a?b`, "//host.example/a"],
      [`blob:https://user:${mark}@host.example/5f`, "blob:https://host.example/5f"],
      [`jdbc:mysql://user:${mark}@host.example/db`, "jdbc:mysql://host.example/db"],
      [`sip:user:${mark}@host.example`, "host.example"],
      [`data:text/plain;base64,${mark}`, "data:text/plain;base64"],
      [` DATA:,${mark}`, "DATA:"],
      ["/@scope/a@1.2/b", "/@scope/a@1.2/b"],
      ["file:///a@1/b.js", "file:///a@1/b.js"],
    ];
    for (const [address, expected] of cases) assert.equal(cleanAddress(address), expected);
  });

  test("has the secrets of parameters and addresses in its path and in kept parameters masked", () => {
    const inner = `https://u:${mark}@h.example/a?token=${mark}&page=1`;
    const relative = encodeURIComponent(`/a?token=${mark}&page=1`);
    const cases: readonly [string, string][] = [
      ["https://h.example/a;jsessionid=x;b=1?c", "https://h.example/a;jsessionid=REDACTED"],
      ["/w=80/https://u:x@o.example/a@b.png", "/w=80/https://REDACTED:REDACTED@o.example/a@b.png"],
      ["jdbc:sqlserver://h:1;user=a;password=x", "jdbc:sqlserver://h:1;user=a;password=REDACTED"],
      ["Server=h;Password=x", "Server=h;Password=REDACTED"],
      [
        `https://h.example/${encodeURIComponent(inner)}`,
        "https://h.example/https%3A%2F%2FREDACTED%3AREDACTED%40h.example%2Fa%3Ftoken%3DREDACTED%26page%3D1",
      ],
      [
        "https://h.example/?page=https://u:x@h2.example/?sig=x",
        "https://h.example/?page=https://REDACTED:REDACTED@h2.example/?sig=REDACTED",
      ],
      [
        `https://h.example/?page=${relative}&page=2`,
        "https://h.example/?page=%2Fa%3Ftoken%3DREDACTED%26page%3D1&page=2",
      ],
      ["https://h.example/?page=1;token=x", "https://h.example/?page=1;token=REDACTED"],
    ];
    for (const [address, expected] of cases) {
      assert.equal(cleanAddress(address, kept), expected);
      assert.equal(cleanAddress(expected, kept), expected);
    }
    for (const address of [
      "https://h.example/a%40b;v=1/%3Ftoken=c?page=a%40b.example",
      "https://h.example/?page=%3dcode%3D1",
    ]) {
      assert.equal(cleanAddress(address, kept), address);
    }
  });

  test("is clean", () => {
    const random = new Random(3);
    for (let i = 0; i < 5_000; i += 1) {
      const text = cleanAddress(madeAddress(random).address, kept);
      assert.equal(cleanAddress(text, kept), text);
    }
  });
});

describe("a query", () => {
  test("loses all but the parameters that are kept, and of secrets the value", () => {
    assert.equal(cleanQuery("page=2&token=x", undefined), undefined);
    assert.equal(cleanQuery("token=x", kept), undefined);
    assert.equal(cleanQuery("?page=2&q=x&page=3#page=4", kept), "page=2&page=3");
    assert.equal(
      cleanQuery("%70age=%zz&key=x&seite+%C3%BC=1", kept),
      "%70age=%zz&key=REDACTED&seite+%C3%BC=1",
    );
  });
});

describe("a route", () => {
  test("stays as it is unless it is a whole address or has a query", () => {
    for (const route of ["/users/:id?", "/a/*", "/users/{id}", "/:a?/:b?"]) {
      assert.equal(cleanRoute(route), route);
    }
    assert.equal(cleanRoute(`/users/7?token=${mark}`), "/users/7");
    assert.equal(cleanRoute(`/users/7;jsessionid=${mark}`), "/users/7;jsessionid=REDACTED");
    assert.equal(
      cleanRoute(`https://u:${mark}@host.example/users?token=${mark}`),
      "https://host.example/users",
    );
  });
});

describe("a text with addresses", () => {
  test("has user info and values of secret parameters masked, and nothing else changed", () => {
    const cases: readonly [string, string][] = [
      [
        `GET https://u:${mark}@h.example/a?page=2&token=${mark}.`,
        "GET https://REDACTED:REDACTED@h.example/a?page=2&token=REDACTED.",
      ],
      [`(postgres://u:${mark}/w@db/orders)`, "(postgres://REDACTED:REDACTED@db/orders)"],
      [`{"u":"https://${mark}@h","m":"a@b"}`, '{"u":"https://REDACTED@h","m":"a@b"}'],
      [`'https://u:${mark}@h','a@b'`, "'https://REDACTED:REDACTED@h','a@b'"],
      [`https://u:${mark}'x@h/ it's`, "https://REDACTED:REDACTED@h/ it's"],
      [
        `https://h/?to=https://u:${mark}@x/?sig=${mark}&k=1`,
        "https://h/?to=https://REDACTED:REDACTED@x/?sig=REDACTED&k=1",
      ],
      [`https://h/#access_token=${mark}&state=1`, "https://h/#access_token=REDACTED&state=1"],
      [`https://h/a;jsessionid=${mark}?b=1`, "https://h/a;jsessionid=REDACTED"],
      [
        `https://h?a=1&amp;X-Amz-Signature=${mark};${mark}&b`,
        "https://h?a=1&amp;X-Amz-Signature=REDACTED&b",
      ],
      [`https:////u:${mark}@h wss://${mark}@h`, "https:////REDACTED:REDACTED@h wss://REDACTED@h"],
    ];
    for (const [text, expected] of cases) {
      assert.equal(maskSecrets(text), expected);
      assert.equal(maskSecrets(expected), expected);
    }
  });

  test("has secrets masked that JSON or JavaScript escapes, and stays such a text", () => {
    const address = `https://u:${mark}@h.example/a?x=1&token=${mark}&y=2#code=${mark}`;
    const clean = "https://REDACTED:REDACTED@h.example/a?x=1&token=REDACTED&y=2#code=REDACTED";
    const escapes: readonly ((json: string) => string)[] = [
      (json) => json,
      (json) => json.replaceAll("/", "\\/"),
      (json) => json.replaceAll("/", "\\u002F"),
      (json) => json.replaceAll("&", "\\u0026"),
      (json) => json.replaceAll("&", "\\u0026").replaceAll("=", "\\u003d"),
    ];
    for (const escaped of escapes) {
      let text = escaped(JSON.stringify({ a: address, list: [address, 1] }));
      for (let depth = 0; depth < 3; depth += 1) {
        let value: unknown = maskSecrets(text);
        for (let i = 0; i <= depth; i += 1) value = JSON.parse(value as string);
        assert.deepEqual(value, { a: clean, list: [clean, 1] }, text);
        text = JSON.stringify(text);
      }
    }
  });

  test("has secrets masked in addresses that are encoded values of parameters", () => {
    const inner = (secret: string) => `https://h.example/cb?token=${secret}&x=ü+1%2F`;
    let [address, expected] = [
      `https://u:${mark}@h.example/`,
      "https://REDACTED:REDACTED@h.example/",
    ];
    for (let depth = 0; depth < 4; depth += 1) {
      address = `${inner(mark)}&next=${encodeURIComponent(address)}&y=1`;
      expected = `${inner("REDACTED")}&next=${encodeURIComponent(expected)}&y=1`;
      const text = maskSecrets(`see ${address} here`);
      assert.ok(!text.includes(mark), text);
      const nested = (of: string): unknown[] => {
        const { searchParams } = new URL(of);
        const next = searchParams.get("next");
        return [searchParams.get("token"), searchParams.get("y"), next && nested(next)];
      };
      assert.ok(text.startsWith("see ") && text.endsWith("&y=1 here"), text);
      assert.deepEqual(nested(text.slice(4, -5)), nested(expected));
    }
    const { href } = new URL(
      "?mail=a%40b.example&q=a%3Db&next=%2Fa%3Fpage%3d2",
      "https://h.example",
    );
    assert.equal(maskSecrets(href), href);
  });

  test("knows tokens, codes and keys by their names, and those that tell where a list goes on", () => {
    for (const name of [
      "oauth_token",
      "reset_password_token",
      "verificationToken",
      "credentials[token]",
      "oobCode",
      "authorization_code",
      "account-key",
    ]) {
      assert.equal(maskSecrets(`https://h/?${name}=${mark}`), `https://h/?${name}=REDACTED`);
    }
    for (const name of ["nextPageToken", "continuation_token", "zip_code", "status_code"]) {
      assert.equal(maskSecrets(`https://h/?${name}=1`), `https://h/?${name}=1`);
    }
  });

  test("keeps no part of a password that a limit has cut before its `@`", () => {
    const before = "a ".repeat(1_000);
    for (const password of [mark, `${mark}/x`, `1${mark}`]) {
      assert.equal(maskSecrets(`${before}https://u:${password}`), `${before}https://REDACTED`);
    }
    for (const end of ["https://h.example:80", "https://[::1]:80/a:b", "https://h:port more"]) {
      assert.equal(maskSecrets(before + end), before + end);
    }
  });

  test("stays byte for byte where no address in it has a secret", () => {
    for (const text of [
      "",
      "mail me@x.example, then a=b?token=c",
      "at run (file:///app/a@1.2/index.js:10:5)\n  at https://x.example/a.js?v=1:2:3",
      "['https://a.example','b@c.example'] \"https://a.example\",\"b@c.example\"",
      "https://a.example\\nmail me@x.example",
      "webpack://app/./node_modules/@a/b.js?1f",
      "://u:p@h ' ://u:p@h",
      "https://h/?token=&page=1&tokens=3 https://h/?token=***",
      "\ud83c://\udf89@",
    ]) {
      assert.equal(maskSecrets(text), text);
    }
  });

  test("holds none of the secrets of the addresses in it", () => {
    const random = new Random(17);
    const words = ["see ", "\n", "(", ") ", '"', '", ', " <", "> ", "failed: "];
    for (let i = 0; i < 10_000; i += 1) {
      const parts = Array.from({ length: 1 + random.below(3) }, () => {
        const scheme = random.pick([...web, ...other]);
        const user = random.pick(["", `u:${mark}@`, `${mark}@`, `a@b:${mark}/x@`]);
        const query = random.pick(["", `?token=${mark}`, `?a=1&API-KEY=${mark}#code=${mark}`]);
        return `${random.pick(words)}${scheme}://${user}${random.pick(hosts)}/a${query} `;
      });
      const text = maskSecrets(parts.join(""));
      assert.ok(!text.includes(mark), JSON.stringify({ parts, text }));
      assert.equal(maskSecrets(text), text);
    }
  });
});

describe("any text at all", () => {
  const pieces = [
    ..."/\\?#@:&=;'\"<>[]%.,)}* \t\n\0a1",
    "://",
    "http",
    "token=",
    "data:",
    "//",
    "ü",
    "\ud83c",
    ":\\/\\/",
    "\\u0026",
    "%3A%2F%2F",
    "%26",
    "%3D",
    "%40",
    "%25",
    "%",
  ];

  test("is taken without an error", () => {
    const random = new Random(23);
    for (let i = 0; i < 20_000; i += 1) {
      const text = Array.from({ length: random.below(24) }, () => random.pick(pieces)).join("");
      const parsed = URL.parse(text);
      const clean = cleanAddress(text, kept);
      const shown = JSON.stringify({ text, clean });
      assert.ok(!/[?#]/.test(cleanAddress(text)), shown);
      if (parsed !== null && parsed.username + parsed.password !== "") {
        const { username, password } = URL.parse(clean) ?? { username: "", password: "" };
        assert.equal(username + password, "", shown);
      }
      const masked = maskSecrets(text);
      assert.equal(maskSecrets(masked), masked, text);
      if (!/[=%]|:\/\//.test(text)) assert.equal(cleanRoute(text), text);
      assert.equal(typeof cleanAttribute(text, text, kept), "string");
    }
  });

  test("takes time in proportion to its length", () => {
    // Of what is quadratic, a megabyte would take many minutes.
    for (const piece of [
      ...pieces,
      "a:",
      "://a",
      "://a@",
      "://a:b/",
      "x://@?token=",
      ";=",
      "?token=;",
      "@/",
      "'://",
      "[:",
      ":\\",
      "\\",
      "%2525",
      "%25%3D",
      "&a=%3A%2F%2Fa%40",
      "&a=%3Ftoken%3D",
    ]) {
      const text = `http://a:b${piece.repeat(1_000_000 / piece.length)}`;
      for (const long of [text, text.slice("http://a:b".length), `${text}@`]) {
        assert.doesNotMatch(cleanAddress(long), /[?#]/);
        assert.equal(typeof cleanRoute(long), "string");
        const masked = maskSecrets(long);
        assert.equal(maskSecrets(masked), masked);
      }
    }
  });
});

describe("an attribute", () => {
  const address = `https://u:${mark}@h.example/a?page=2&token=${mark}#x`;

  test("is cleaned by what its key says it is", () => {
    for (const key of [
      "url.full",
      "url.original",
      "http.url",
      "http.target",
      "db.connection_string",
    ]) {
      assert.equal(cleanAttribute(key, address, undefined), "https://h.example/a", key);
      assert.equal(cleanAttribute(key, address, kept), "https://h.example/a?page=2", key);
    }
    assert.equal(cleanAttribute("url.query", "page=2&token=x", kept), "page=2");
    assert.equal(cleanAttribute("url.query", "page=2", undefined), undefined);
    assert.equal(cleanAttribute("url.fragment", "access_token=x", kept), undefined);
    assert.equal(cleanAttribute("server.address", `u:${mark}@h.example`, kept), "h.example");
    assert.equal(
      cleanAttribute("app.link", address, kept),
      "https://REDACTED:REDACTED@h.example/a?page=2&token=REDACTED#x",
    );
  });

  test("of recorded content stays verbatim", () => {
    for (const key of ["gen_ai.input.messages", "gen_ai.tool.call.arguments", "flue.turn.input"]) {
      assert.equal(cleanAttribute(key, address, undefined), address);
    }
    assert.doesNotMatch(cleanAttribute("flue.log.message", address, undefined) ?? "", /SECRET/);
  });

  test("is cleaned inside of lists and objects, which stay those of the caller", () => {
    const given = {
      "url.full": address,
      list: [address, 1, null],
      url: new URL(address),
      at: { "url.query": "a=b" },
    };
    const before = structuredClone({ ...given, url: 0 });
    const clean = cleanValue("log.body", given, undefined);
    assert.deepEqual(clean, {
      "url.full": "https://h.example/a",
      list: ["https://REDACTED:REDACTED@h.example/a?page=2&token=REDACTED#x", 1, null],
      url: "https://h.example/a",
      at: { "url.query": undefined },
    });
    assert.deepEqual({ ...given, url: 0 }, before);
    assert.deepEqual(cleanValue("log.body", { [`https://u:${mark}@h.example`]: 200 }, undefined), {
      "https://REDACTED:REDACTED@h.example": 200,
    });
    const circle: unknown[] = [address];
    circle.push(circle, circle);
    assert.doesNotMatch(JSON.stringify(cleanValue("log.body", circle, undefined)), /SECRET/);
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    assert.equal(cleanValue("log.body", proxy, undefined), null);
  });
});
