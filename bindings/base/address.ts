/**
 * Removes secrets from addresses before they leave the Worker. All functions run in linear time and never throw. None
 * of them uses `URL`: a text that `URL` rejects may still contain a password.
 */

/** Names of the query parameters to keep in an address. Undefined keeps none. */
export type KeptParameters = ReadonlySet<string> | undefined;

const redacted = "REDACTED";

/**
 * In addresses with these schemes a backslash counts as a slash, and any number of slashes may precede the authority.
 */
const webScheme = /^(?:https?|wss?|ftp):$/i;
const scheme = /[a-z][a-z0-9+.-]*:/iy;
const relativeAuthority = /^[/\\]{2,}/;
/** A host with an optional port. Matches the text between user info and path. */
const hostAndPort = /^(?:\[[^\]]*\]|[^:[\]]*)(?::(\d*))?$/;
const maxPort = 65_535;
/** The length of `a://b@c`. A shorter text cannot contain an address with a secret. */
const minSecretLength = 7;

/**
 * Returns an absolute or relative address without user info, query and fragment. Secrets in the remaining text are
 * masked as in {@link maskSecrets}, because a path may contain another address or parameters such as `;jsessionid=`.
 * Tabs, line breaks and surrounding spaces are removed, as in URL parsers. All other text is unchanged. A `data:` URL
 * keeps only its media type.
 *
 * If an address is invalid because its password contains a slash, everything before its last `@` is removed.
 *
 * @param kept query parameters to keep as written. The value of a parameter that commonly contains a secret becomes
 * `REDACTED`.
 */
export function cleanAddress(address: string, kept?: KeptParameters): string {
  if (!/[?#@;%]|^\s*data:/i.test(address)) return address;
  let text = trimmed(address.replace(/[\t\n\r]+/g, ""));
  if (/^data:/i.test(text)) text = text.slice(0, indexOf(text, /[,?#]/g, 0));
  const { start, isWeb } = authorityOf(text);
  const host = hostStart(text, start, isWeb ? /[/\\?#]/g : /[/?#]/g, text.lastIndexOf("@"));
  const end = indexOf(text, /[?#]/g, host);
  const clean = text.slice(0, start) + maskRest(text.slice(host, end), false);
  const query = text[end] === "?" ? cleanQuery(text.slice(end), kept) : undefined;
  return query === undefined ? clean : `${clean}?${query}`;
}

/** Returns the kept parameters of a query, or undefined if the query has none of them. */
export function cleanQuery(query: string, kept: KeptParameters): string | undefined {
  if (kept === undefined) return undefined;
  const start = query.startsWith("?") ? 1 : 0;
  const parameters = query
    .slice(start, indexOf(query, /#/g, start))
    .split("&")
    .filter((parameter) => kept.has(nameOf(parameter)));
  if (parameters.length === 0) return undefined;
  // Masked with a leading `?`, so that the text is not read as an authority.
  return maskRest(`?${parameters.join("&")}`, false).slice(1);
}

/**
 * Returns a user's route without secrets. A route that is an absolute address or has a query is cleaned like an
 * address. `/users/:id?` is neither.
 */
export function cleanRoute(route: string): string {
  const query = route.indexOf("?");
  const hasQuery = query >= 0 && route.includes("=", query);
  return hasQuery || route.includes("://")
    ? cleanAddress(route)
    : maskParameters(route, maxDecodings);
}

/**
 * Masks the secrets of every absolute address in a text: user info and the values of parameters that commonly contain
 * secrets become `REDACTED`. Finds addresses that are escaped as in JSON or JavaScript too: `https:\/\/`, `\u0026`. All
 * other text stays the same, byte for byte. An address ends at white space, at `"`, `<` and `>`, and at the quote that
 * opened it.
 */
export function maskSecrets(text: string): string {
  if (!mayHoldAddress(text)) return text;
  let found = schemeEndFrom(text, 0);
  let result = "";
  let copied = 0;
  while (found !== undefined) {
    const { index, end: start } = found;
    const quote = quoteBefore(text, index);
    if (quote === undefined) {
      found = schemeEndFrom(text, start);
      continue;
    }
    const limit = indexOf(text, addressEnds[quote] as RegExp, start);
    const written = text.slice(start, limit);
    // In a quoted text within a text, a backslash precedes the quote that ends the address.
    const address = limit < text.length ? withoutTrailing(written, "\\") : written;
    const isCut = limit === text.length && isCutInUserInfo(address, limit);
    const clean = isCut ? redacted : maskRest(address, isWebBefore(text, index));
    const end = start + address.length;
    if (clean !== address) {
      result += text.slice(copied, start) + clean;
      copied = end;
    }
    found = schemeEndFrom(text, end);
  }
  return copied === 0 ? text : result + text.slice(copied);
}

/** Applies {@link maskSecrets} to a text that is one absolute address. Returns any other text unchanged. */
export function maskAddress(text: string): string {
  return /^\s*[a-z][a-z0-9+.:-]*:\/\/\S+\s*$/i.test(text) ? maskSecrets(text) : text;
}

type Kind = "address" | "query" | "fragment" | "route";

/** A search for one character is much faster than a search for several, and most texts have no colon. */
function mayHoldAddress(text: string): boolean {
  if (text.length < minSecretLength || text.indexOf(":") < 0) return false;
  return text.includes("://") || text.includes(":\\");
}

/** Attributes with a known kind of value. All other attributes are plain text. */
const kinds: readonly (readonly [key: string, kind: Kind])[] = [
  ["db.connection_string", "address"],
  ["http.referer", "address"],
  ["http.referrer", "address"],
  ["http.request.header.referer", "address"],
  ["http.response.header.content-location", "address"],
  ["http.response.header.location", "address"],
  ["http.route", "route"],
  ["http.target", "address"],
  ["http.url", "address"],
  ["server.address", "address"],
  ["url.fragment", "fragment"],
  ["url.full", "address"],
  ["url.original", "address"],
  ["url.path", "address"],
  ["url.query", "query"],
];

/**
 * {@link kinds} by the length of the key. Every event brings new key strings, and a map would have to hash each one.
 */
let kindsByLength: readonly (typeof kinds)[] | undefined;

/** Keys of absolute addresses, such as the runtime's `cache.request.url`. */
const addressKey = /(?:^|[._-])ur[il]$|[a-z](?:Url|URL|Uri|URI)$/;

/** Keys of recorded content. Its text stays verbatim: addresses in its fields are cleaned when it is recorded. */
const content =
  /^(?:gen_ai\.(?:input\.messages|output\.messages|system_instructions|tool\.(?:definitions|call\.arguments|call\.result))|flue\.(?!log\.message$).*)$/;

/**
 * Returns the text of an attribute without secrets, or undefined if the attribute must be dropped. The key decides how
 * the text is read: as an address, a query, a route, recorded content, or text that may contain addresses.
 */
export function cleanAttribute(
  key: string,
  value: string,
  kept: KeptParameters,
): string | undefined {
  // Nearly all texts return here. The function is small so that V8 inlines it into the loops that call it.
  if (!mayHaveKind(key.charCodeAt(0)) && !mayHoldAddress(value)) return value;
  return cleanKnown(key, value, kept);
}

function cleanKnown(key: string, value: string, kept: KeptParameters): string | undefined {
  switch (kindOf(key)) {
    case "address":
      return cleanAddress(value, kept);
    case "query":
      return cleanQuery(value, kept);
    case "fragment":
      return undefined;
    case "route":
      return cleanRoute(value);
  }
  if (!mayHoldAddress(value)) return value;
  if (addressKey.test(key)) return cleanAddress(value, kept);
  return content.test(key) ? value : maskSecrets(value);
}

/** Compares only the first letter of the key, which rules out most keys. */
function mayHaveKind(letter: number): boolean {
  // d, h, s and u.
  return letter === 0x75 || letter === 0x68 || letter === 0x73 || letter === 0x64;
}

function kindOf(key: string): Kind | undefined {
  // Made at the first use, so that a bundle without one does not carry the table.
  kindsByLength ??= Array.from({ length: 64 }, (_, length) =>
    kinds.filter(([known]) => known.length === length),
  );
  const { length } = key;
  const candidates = length < kindsByLength.length ? kindsByLength[length] : undefined;
  if (candidates === undefined || candidates.length === 0) return undefined;
  for (const [name, kind] of candidates) if (name === key) return kind;
  return undefined;
}

/** Limits of depth and number of values. The OTLP encoder has the same limits. */
const maxDepth = 32;
const maxItems = 16_384;

/**
 * Like {@link cleanAttribute}, for an attribute or log body of any type. Copies lists and objects up to the limits of
 * the OTLP encoder; values beyond the limits become null. Returns null if reading the value throws.
 */
export function cleanValue(key: string, value: unknown, kept: KeptParameters): unknown {
  if (typeof value === "string") return cleanAttribute(key, value, kept);
  if (typeof value !== "object" || value === null) return value;
  try {
    return cleanCopy(key, value, kept, 0, { left: maxItems });
  } catch {
    // A getter threw, or the value is a revoked proxy.
    return null;
  }
}

function cleanCopy(
  key: string,
  value: unknown,
  kept: KeptParameters,
  depth: number,
  items: { left: number },
): unknown {
  if (typeof value === "string") return cleanAttribute(key, value, kept);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof URL) return cleanAddress(value.href, kept);
  if (value instanceof Date || value instanceof ArrayBuffer || ArrayBuffer.isView(value))
    return value;
  if (depth === maxDepth || items.left === 0) return null;
  const copyOf = (name: string, inner: unknown): unknown =>
    cleanCopy(name, inner, kept, depth + 1, items);
  if (Array.isArray(value)) {
    const list = (value as readonly unknown[]).slice(0, items.left);
    items.left -= list.length;
    return list.map((item) => copyOf(key, item));
  }
  const names = Object.keys(value).slice(0, items.left);
  items.left -= names.length;
  const source = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(names.map((name) => [maskSecrets(name), copyOf(name, source[name])]));
}

function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text.charCodeAt(start) <= 0x20) start += 1;
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end -= 1;
  return text.slice(start, end);
}

/**
 * Returns where the authority begins. Skips nested schemes such as `blob:https:`. Returns the beginning of the text if
 * there is no scheme: `user:password@host` has none.
 */
function authorityOf(text: string): { readonly start: number; readonly isWeb: boolean } {
  let at = 0;
  for (;;) {
    scheme.lastIndex = at;
    const found = scheme.exec(text)?.[0];
    if (found === undefined) break;
    at += found.length;
    if (webScheme.test(found)) return { start: skipSlashes(text, at), isWeb: true };
    const isFile = found.toLowerCase() === "file:";
    if (isFile && isSlash(text[at]) && isSlash(text[at + 1])) return { start: at + 2, isWeb: true };
    if (text.startsWith("//", at)) return { start: at + 2, isWeb: false };
  }
  return { start: relativeAuthority.exec(text)?.[0].length ?? 0, isWeb: false };
}

/**
 * Returns where the host begins, after the user info.
 *
 * @param lastAt index of the last `@` of the address. If the port is not valid, the user info ends there.
 */
function hostStart(text: string, start: number, ends: RegExp, lastAt: number): number {
  const authority = text.slice(start, indexOf(text, ends, start));
  const at = authority.lastIndexOf("@");
  return hasValidPort(authority.slice(at + 1)) || lastAt < start ? start + at + 1 : lastAt + 1;
}

/** Whether a host has a valid port or no port. */
function hasValidPort(host: string): boolean {
  const found = hostAndPort.exec(host);
  return found !== null && Number(found[1] ?? 0) <= maxPort;
}

function skipSlashes(text: string, from: number): number {
  let at = from;
  while (isSlash(text[at])) at += 1;
  return at;
}

function isSlash(character: string | undefined): boolean {
  return character === "/" || character === "\\";
}

/** Returns the index of the first match at or after `from`, or the length of the text. `wanted` must be global. */
function indexOf(text: string, wanted: RegExp, from: number): number {
  wanted.lastIndex = from;
  return wanted.exec(text)?.index ?? text.length;
}

/** Matches the end of an address in a text, by the quote before the address. */
const addressEnds: Readonly<Record<string, RegExp>> = {
  "": /[\s"<>]/g,
  "'": /[\s"<>']/g,
  "`": /[\s"<>`]/g,
};
const maxSchemeLength = 32;

/** `://`. The slashes may be escaped as in JSON or JavaScript. */
const schemeEnd = /:(?:\/\/|(?:\\+(?:\/|u002f)){2})/gi;

function schemeEndFrom(text: string, from: number): { index: number; end: number } | undefined {
  schemeEnd.lastIndex = from;
  const found = schemeEnd.exec(text);
  return found === null ? undefined : { index: found.index, end: schemeEnd.lastIndex };
}

/** A shorter text was probably not cut by a limit. It may end with a complete `http://host:port`. */
const minCutLength = 1_024;

/**
 * Whether a limit probably cut the address at the end of a text before its `@`. The text in place of the port is then a
 * part of a password.
 */
function isCutInUserInfo(address: string, textLength: number): boolean {
  if (textLength < minCutLength || address.includes("@")) return false;
  return !hasValidPort(address.slice(0, indexOf(address, /[/\\?#]/g, 0)));
}

/**
 * Returns the quote before the scheme that ends at `end`, or an empty string if there is no quote. Returns undefined if
 * no scheme ends at `end`.
 */
function quoteBefore(text: string, end: number): string | undefined {
  let start = end;
  while (start > end - maxSchemeLength && /[a-z0-9+.:-]/i.test(text.charAt(start - 1))) start -= 1;
  if (start === end) return undefined;
  const quote = text.charAt(start - 1);
  return quote in addressEnds ? quote : "";
}

function isWebBefore(text: string, end: number): boolean {
  return /(?:^|[^a-z0-9+.-])(?:https?|wss?|ftp)$/i.test(text.slice(Math.max(end - 6, 0), end));
}

/** How many layers of percent-encoding are searched for addresses. */
const maxDecodings = 4;

/** @param address without its scheme and two slashes. */
function maskRest(address: string, isWeb: boolean, decodings = maxDecodings): string {
  const named = address.includes("@") ? maskUserInfo(address, isWeb) : address;
  return /[=%\\]/.test(named) ? maskParameters(named, decodings) : named;
}

/** Masks the user info of an address and of the addresses in its query. */
function maskUserInfo(address: string, isWeb: boolean): string {
  const lastAt = address.lastIndexOf("@");
  let result = "";
  let copied = 0;
  let start = isWeb ? skipSlashes(address, 0) : 0;
  for (;;) {
    // A backslash ends the host: text may be escaped, and `\\n` is not part of a host.
    const host = hostStart(address, start, /[/\\?#]/g, lastAt);
    if (host > start + 1) {
      const hasPassword = address.slice(start, host).includes(":");
      result +=
        address.slice(copied, start) + (hasPassword ? `${redacted}:${redacted}@` : `${redacted}@`);
      copied = host;
    }
    const next = schemeEndFrom(address, host);
    if (next === undefined) return result + address.slice(copied);
    start = next.end;
  }
}

/** Matches before the first character of a parameter. JSON and JavaScript may escape `&`. */
const separator = /(?=[?&#;]|\\(?:u00|x)26)/i;
const escapedSeparator = /^\\(?:u00|x)26/i;
const equalsSign = /=|\\(?:u00|x)3d/gi;

/**
 * Masks parameters of the path, the query and the fragment, and percent-encoded addresses in them. A value ends at the
 * next `&` or `#`.
 */
function maskParameters(address: string, decodings: number): string {
  const pieces = address.split(separator);
  let isMasked = false;
  for (let i = 0; i < pieces.length; i += 1) {
    const piece = pieces[i] as string;
    const isPart: boolean = isMasked && (piece.startsWith("?") || piece.startsWith(";"));
    const start = escapedSeparator.exec(piece)?.[0].length ?? 1;
    isMasked = isPart || (isParameter(piece) && isSecret(piece.slice(start)));
    if (isPart) pieces[i] = "";
    else if (isMasked) pieces[i] = piece.slice(0, start) + masked(piece.slice(start));
    else pieces[i] = maskEncoded(piece, decodings);
  }
  // If the address ends with a secret, keeps the punctuation of the sentence around it.
  return isMasked
    ? pieces.join("") + address.slice(withoutTrailing(address, ".,:!)]}").length)
    : pieces.join("");
}

/** Whether a piece begins with a separator. Only the first piece of an address does not. */
function isParameter(piece: string): boolean {
  return /^[?&#;\\]/.test(piece);
}

const encodedSecret = /%(?:25)*(?:3d|40)/i;
const encodedSchemeEnd = /%(?:25)*3a(?:%(?:25)*2f){2}/gi;

/** Masks an address that is percent-encoded in the value of a parameter or in the path. */
function maskEncoded(piece: string, decodings: number): string {
  if (decodings === 0 || !encodedSecret.test(piece)) return piece;
  const from = isParameter(piece) ? equalsEnd(piece) : indexOf(piece, encodedSchemeEnd, 0);
  // The leading slash keeps the start of a value from being read as user info or as a parameter.
  const decoded = `/${decodedOnce(piece.slice(from))}`;
  const clean = maskRest(decoded, false, decodings - 1);
  return clean === decoded ? piece : piece.slice(0, from) + encoded(clean.slice(1));
}

/** Removes one layer of percent-encoding from ASCII characters. Characters that mark a secret are all ASCII. */
function decodedOnce(text: string): string {
  return text.replace(/%([0-7][0-9a-f])/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function encoded(text: string): string {
  return text.replace(/%(?![89a-f][0-9a-f])|[^%\w.!~*'()+\u0080-\uffff-]/gi, (character) => {
    const code = character.charCodeAt(0).toString(16).toUpperCase();
    return `%${code.padStart(2, "0")}`;
  });
}

function withoutTrailing(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/** Returns where the value of a parameter begins, or the length of the parameter if it has no value. */
function equalsEnd(parameter: string): number {
  const at = indexOf(parameter, equalsSign, 0);
  return at === parameter.length ? at : equalsSign.lastIndex;
}

/** Returns the decoded name of a parameter. */
function nameOf(parameter: string): string {
  const name = parameter.slice(0, indexOf(parameter, equalsSign, 0));
  if (!/[%+]/.test(name)) return name;
  for (const [decoded] of new URLSearchParams(name)) return decoded;
  return name;
}

/** @param parameter the name and the secret value. */
function masked(parameter: string): string {
  const start = equalsEnd(parameter);
  // Keeps trailing backslashes: they escape the character after the parameter.
  return (
    parameter.slice(0, start) + redacted + parameter.slice(withoutTrailing(parameter, "\\").length)
  );
}

/**
 * Match the names of parameters that contain secrets. Names are compared in lower case and without characters other
 * than letters and digits. The patterns are literals, so that bundlers remove them from Workers that read no address.
 * Pagination tokens are not secrets.
 */
const secretNames: readonly RegExp[] = [
  /^(?:access|account|app|auth|consumer|master|private|secret|shared|signing|storage|subscription)?key$/,
  /^(?:(?:aws)?accesskeyid|(?:auth|authorization|device|login|oob|otp|reset|verification)?code)$/,
  /^(?:(?:code|oauth)verifier|hmac|sign?|auth|(?:client)?assertion|bearer|creds?|idtokenhint|jwt|otp)$/,
  /^(?:pass(?:code|phrase|wd)?|pin|pwd?|samlresponse|session|j?sessionid|(?:php)?sessid|sid|ticket)$/,
  /(?:secret|password|signature|credentials?|authorization|apikey)$/,
  /(?<!continuation|max|next|page|sync)token$/,
];
const maxNameLength = 128;

/**
 * Whether a parameter commonly contains a secret, by its name. Only the end of a long name is compared. A value that
 * consists of asterisks is already masked and not a secret.
 */
function isSecret(parameter: string): boolean {
  if (!/[^*]/.test(parameter.slice(equalsEnd(parameter)))) return false;
  const name = nameOf(parameter)
    .slice(-maxNameLength)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "");
  return secretNames.some((pattern) => pattern.test(name));
}
