/**
 * Keeps secrets in addresses from leaving. Nothing here parses an address with `URL`: one that no parser takes may still
 * hold a password. All functions take time linear in their text and never throw.
 */

/** Names of the query parameters that stay in an address; undefined for none. */
export type KeptParameters = ReadonlySet<string> | undefined;

const redacted = "REDACTED";

/** Schemes for which a backslash is a slash and any number of slashes may stand before the authority. */
const webScheme = /^(?:https?|wss?|ftp):$/i;
const scheme = /[a-z][a-z0-9+.-]*:/iy;
const relativeAuthority = /^[/\\]{2,}/;
/** A host with or without a port: what stands before the path once user info is gone. */
const hostAndPort = /^(?:\[[^\]]*\]|[^:[\]]*)(?::(\d*))?$/;
const maxPort = 65_535;
/** `a://b@c`: a shorter text holds no address with a secret. */
const minSecretLength = 7;

/**
 * An address, absolute or relative, without user info, query and fragment. In what stays, secrets are masked as in
 * {@link maskSecrets}: a path may hold another address, or parameters such as `;jsessionid=`. Everything else stays as it
 * was, except tabs, line breaks and outer spaces, which no parser keeps. Of a `data:` URL only its media type stays.
 *
 * An address that is not valid because its password holds a slash loses everything before its last `@`.
 *
 * @param kept parameters of the query that stay, as they were written. Of one that commonly holds a secret only the name
 * stays, with the value `REDACTED`.
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

/** The parameters of a query that stay; undefined where none does. */
export function cleanQuery(query: string, kept: KeptParameters): string | undefined {
  if (kept === undefined) return undefined;
  const start = query.startsWith("?") ? 1 : 0;
  const parameters = query
    .slice(start, indexOf(query, /#/g, start))
    .split("&")
    .filter((parameter) => kept.has(nameOf(parameter)));
  if (parameters.length === 0) return undefined;
  // As a query, so that it begins with no authority.
  return maskRest(`?${parameters.join("&")}`, false).slice(1);
}

/** A route of the user's. One that is a whole address, or has a query, is cleaned; `/users/:id?` is neither. */
export function cleanRoute(route: string): string {
  const query = route.indexOf("?");
  const hasQuery = query >= 0 && route.includes("=", query);
  return hasQuery || route.includes("://")
    ? cleanAddress(route)
    : maskParameters(route, maxDecodings);
}

/**
 * A text in which every absolute address has `REDACTED` in place of its user info and of the values of parameters that
 * commonly hold secrets, also where it is escaped as in JSON or JavaScript: `https:\/\/`, `\u0026`. All else stays byte
 * for byte. An address ends at white space, at `"`, `<` and `>`, and at the quote it stands in.
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
    // In a text within a text the quote that ends an address is escaped.
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

/** {@link maskSecrets} of a text that is an absolute address as a whole; any other as it is. */
export function maskAddress(text: string): string {
  return /^\s*[a-z][a-z0-9+.:-]*:\/\/\S+\s*$/i.test(text) ? maskSecrets(text) : text;
}

type Kind = "address" | "query" | "fragment" | "route";

/** To find one character is much faster than to find several, and most texts have no colon. */
function mayHoldAddress(text: string): boolean {
  if (text.length < minSecretLength || text.indexOf(":") < 0) return false;
  return text.includes("://") || text.includes(":\\");
}

/** What an attribute is, where that is not text. */
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

/** By the length of the key. Keys come with each event: to look one up in a map would hash them all. */
const kindsByLength: readonly (typeof kinds)[] = Array.from({ length: 64 }, (_, length) =>
  kinds.filter(([key]) => key.length === length),
);

/** Keys of absolute addresses, such as the runtime's `cache.request.url`. */
const addressKey = /(?:^|[._-])ur[il]$|[a-z](?:Url|URL|Uri|URI)$/;

/** Keys of recorded content. Its texts stay verbatim: addresses in its fields were cleaned when it was recorded. */
const content =
  /^(?:gen_ai\.(?:input\.messages|output\.messages|system_instructions|tool\.(?:definitions|call\.arguments|call\.result))|flue\.(?!log\.message$).*)$/;

/**
 * The text of an attribute as it may leave; undefined where nothing of it may. By its key it is an address, a query, a
 * route, recorded content, or else a text that may hold addresses.
 */
export function cleanAttribute(
  key: string,
  value: string,
  kept: KeptParameters,
): string | undefined {
  // Small, so that it is compiled into the loops that call it: nearly all texts end here.
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

/** By the first letter of the key: most have another. */
function mayHaveKind(letter: number): boolean {
  // d, h, s and u.
  return letter === 0x75 || letter === 0x68 || letter === 0x73 || letter === 0x64;
}

function kindOf(key: string): Kind | undefined {
  const { length } = key;
  const candidates = length < kindsByLength.length ? kindsByLength[length] : undefined;
  if (candidates === undefined || candidates.length === 0) return undefined;
  for (const [name, kind] of candidates) if (name === key) return kind;
  return undefined;
}

/** As deep, and as many values in one, as OTLP is written. */
const maxDepth = 32;
const maxItems = 16_384;

/**
 * The same for whatever an attribute or the body of a log record may be. Lists and objects are copied, as far as OTLP is
 * written: what is deeper or too much becomes null. So does the whole where reading it throws.
 */
export function cleanValue(key: string, value: unknown, kept: KeptParameters): unknown {
  if (typeof value === "string") return cleanAttribute(key, value, kept);
  if (typeof value !== "object" || value === null) return value;
  try {
    return cleanCopy(key, value, kept, 0, { left: maxItems });
  } catch {
    // A getter, or a proxy that was revoked.
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
 * Where the authority begins, through schemes in schemes such as `blob:https:`. Without one it is the beginning:
 * `user:password@host` has no scheme.
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
 * Where the host begins, after the user info.
 *
 * @param lastAt where the last `@` of the address is: there ends the user info of an address whose port is none.
 */
function hostStart(text: string, start: number, ends: RegExp, lastAt: number): number {
  const authority = text.slice(start, indexOf(text, ends, start));
  const at = authority.lastIndexOf("@");
  return hasValidPort(authority.slice(at + 1)) || lastAt < start ? start + at + 1 : lastAt + 1;
}

/** Whether a host has a port that is a number, or none. */
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

/** Where the first match of a global expression is, from a place on; the end of the text for none. */
function indexOf(text: string, wanted: RegExp, from: number): number {
  wanted.lastIndex = from;
  return wanted.exec(text)?.index ?? text.length;
}

/** Ends of an address in a text, by the quote before it. */
const addressEnds: Readonly<Record<string, RegExp>> = {
  "": /[\s"<>]/g,
  "'": /[\s"<>']/g,
  "`": /[\s"<>`]/g,
};
const maxSchemeLength = 32;

/** `://`, also with slashes that are escaped as in JSON or JavaScript. */
const schemeEnd = /:(?:\/\/|(?:\\+(?:\/|u002f)){2})/gi;

function schemeEndFrom(text: string, from: number): { index: number; end: number } | undefined {
  schemeEnd.lastIndex = from;
  const found = schemeEnd.exec(text);
  return found === null ? undefined : { index: found.index, end: schemeEnd.lastIndex };
}

/** A shorter text was hardly cut by a limit, and may well end with `http://host:port`. */
const minCutLength = 1_024;

/**
 * Whether the address at the end of a text seems to be cut by a limit before its `@`: a password stands where a port
 * would.
 */
function isCutInUserInfo(address: string, textLength: number): boolean {
  if (textLength < minCutLength || address.includes("@")) return false;
  return !hasValidPort(address.slice(0, indexOf(address, /[/\\?#]/g, 0)));
}

/** The quote before the scheme that ends at `end`, empty for none; undefined where no scheme ends there. */
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

/** How often an address that stands encoded in another may be encoded. */
const maxDecodings = 4;

/** @param address without its scheme and two slashes. */
function maskRest(address: string, isWeb: boolean, decodings = maxDecodings): string {
  const named = address.includes("@") ? maskUserInfo(address, isWeb) : address;
  return /[=%\\]/.test(named) ? maskParameters(named, decodings) : named;
}

/** Also in the addresses that stand in the query of this one. */
function maskUserInfo(address: string, isWeb: boolean): string {
  const lastAt = address.lastIndexOf("@");
  let result = "";
  let copied = 0;
  let start = isWeb ? skipSlashes(address, 0) : 0;
  for (;;) {
    // Text may be escaped: `\\n` is no part of a host.
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

/** What begins a parameter. JSON and JavaScript may escape `&`. */
const separator = /(?=[?&#;]|\\(?:u00|x)26)/i;
const escapedSeparator = /^\\(?:u00|x)26/i;
const equalsSign = /=|\\(?:u00|x)3d/gi;

/**
 * Masks parameters of the path, the query and the fragment, and what stands encoded in them. A value goes on to the next
 * `&` or `#`.
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
  // A sentence goes on after the address that ends with a secret.
  return isMasked
    ? pieces.join("") + address.slice(withoutTrailing(address, ".,:!)]}").length)
    : pieces.join("");
}

/** Whether a piece begins with a separator. The first piece of an address begins with none. */
function isParameter(piece: string): boolean {
  return /^[?&#;\\]/.test(piece);
}

const encodedSecret = /%(?:25)*(?:3d|40)/i;
const encodedSchemeEnd = /%(?:25)*3a(?:%(?:25)*2f){2}/gi;

/** Masks an address that is percent-encoded as the value of a parameter, or in the path. */
function maskEncoded(piece: string, decodings: number): string {
  if (decodings === 0 || !encodedSecret.test(piece)) return piece;
  const from = isParameter(piece) ? equalsEnd(piece) : indexOf(piece, encodedSchemeEnd, 0);
  // A slash before it: what begins a value is no user info and no parameter.
  const decoded = `/${decodedOnce(piece.slice(from))}`;
  const clean = maskRest(decoded, false, decodings - 1);
  return clean === decoded ? piece : piece.slice(0, from) + encoded(clean.slice(1));
}

/** Without one layer of percent-encoding, as far as that is ASCII: all that tells of secrets is. */
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

/** Where the value of a parameter begins; the end for none. */
function equalsEnd(parameter: string): number {
  const at = indexOf(parameter, equalsSign, 0);
  return at === parameter.length ? at : equalsSign.lastIndex;
}

/** The decoded name of a parameter. */
function nameOf(parameter: string): string {
  const name = parameter.slice(0, indexOf(parameter, equalsSign, 0));
  if (!/[%+]/.test(name)) return name;
  for (const [decoded] of new URLSearchParams(name)) return decoded;
  return name;
}

/** @param parameter that is a secret. */
function masked(parameter: string): string {
  const start = equalsEnd(parameter);
  // Backslashes at its end escape what follows.
  return (
    parameter.slice(0, start) + redacted + parameter.slice(withoutTrailing(parameter, "\\").length)
  );
}

/** Names of secrets, in lower case, without what is neither letter nor digit. */
const secretNames: ReadonlySet<string> = new Set(
  `accesskey accesskeyid accountkey appkey authkey awsaccesskeyid consumerkey key masterkey privatekey secretkey sharedkey
  signingkey storagekey subscriptionkey
  authcode authorizationcode code devicecode logincode oobcode otpcode resetcode verificationcode
  codeverifier oauthverifier
  hmac sig sign
  auth assertion bearer clientassertion cred creds idtokenhint jwt otp pass passcode passphrase passwd pin pw pwd
  samlresponse session sessionid sessid sid jsessionid phpsessid ticket`.split(/\s+/),
);
/** A token that tells where a list goes on is no secret. */
const secretEndings =
  /(?:secret|password|signature|credentials?|authorization|apikey|(?<!continuation|max|next|page|sync)token)$/;
const maxNameLength = 128;

/**
 * Whether a parameter holds what commonly is a secret, by its name. A name that is longer than any such is told by its
 * end. Asterisks stand for what was masked before.
 */
function isSecret(parameter: string): boolean {
  if (!/[^*]/.test(parameter.slice(equalsEnd(parameter)))) return false;
  const name = nameOf(parameter)
    .slice(-maxNameLength)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "");
  return secretNames.has(name) || secretEndings.test(name);
}
