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
 * An address, absolute or relative, without user info, query and fragment. Everything else stays as it was, but for tabs,
 * line breaks and outer spaces, which no parser keeps. Of a `data:` URL only its media type stays.
 *
 * An address that is not valid because its password holds a slash loses everything before its last `@`.
 *
 * @param kept parameters of the query that stay, as they were written. Of one that commonly holds a secret only the name
 * stays, with the value `REDACTED`.
 */
export function cleanAddress(address: string, kept?: KeptParameters): string {
  if (!/[?#@]|^\s*data:/i.test(address)) return address;
  let text = trimmed(address.replace(/[\t\n\r]+/g, ""));
  if (/^data:/i.test(text)) text = text.slice(0, indexOf(text, /[,?#]/g, 0));
  const { start, isWeb } = authorityOf(text);
  const host = hostStart(text, start, isWeb ? /[/\\?#]/g : /[/?#]/g, text.lastIndexOf("@"));
  const end = indexOf(text, /[?#]/g, host);
  const clean = text.slice(0, start) + text.slice(host, end);
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
    .filter((parameter) => kept.has(nameOf(parameter)))
    .map((parameter) => (isSecret(parameter) ? masked(parameter) : parameter));
  return parameters.length === 0 ? undefined : parameters.join("&");
}

/** A route of the user's. One that is a whole address, or has a query, is cleaned; `/users/:id?` is neither. */
export function cleanRoute(route: string): string {
  const query = route.indexOf("?");
  const hasQuery = query >= 0 && route.includes("=", query);
  return hasQuery || route.includes("://") ? cleanAddress(route) : route;
}

/**
 * A text in which every absolute address has `REDACTED` in place of its user info and of the values of parameters that
 * commonly hold secrets. All else stays byte for byte. An address ends at white space, at `"`, `<` and `>`, and at the
 * quote it stands in.
 */
export function maskSecrets(text: string): string {
  if (!mayHoldAddress(text)) return text;
  let at = text.indexOf("://");
  let result = "";
  let copied = 0;
  while (at >= 0) {
    const start = at + 3;
    const quote = quoteBefore(text, at);
    if (quote === undefined) {
      at = text.indexOf("://", start);
      continue;
    }
    const end = indexOf(text, addressEnds[quote] as RegExp, start);
    const address = text.slice(start, end);
    const clean = maskRest(address, isWebBefore(text, at));
    if (clean !== address) {
      result += text.slice(copied, start) + clean;
      copied = end;
    }
    at = text.indexOf("://", end);
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
  return text.length >= minSecretLength && text.indexOf(":") >= 0 && text.includes("://");
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

/** What somebody said, recorded because it was asked for: of it the addresses in fields of their own are cleaned. */
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
  return Object.fromEntries(names.map((name) => [name, copyOf(name, source[name])]));
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
  const [, port] = hostAndPort.exec(authority.slice(at + 1)) ?? [undefined, "none"];
  if (Number(port ?? 0) <= maxPort || lastAt < start) return start + at + 1;
  return lastAt + 1;
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

/** @param address without its scheme and two slashes. */
function maskRest(address: string, isWeb: boolean): string {
  const named = address.includes("@") ? maskUserInfo(address, isWeb) : address;
  return named.includes("=") ? maskParameters(named) : named;
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
    const next = address.indexOf("://", host);
    if (next < 0) return result + address.slice(copied);
    start = next + 3;
  }
}

/** Parameters of the path, the query and the fragment. A value goes on to the next `&` or `#`. */
function maskParameters(address: string): string {
  const pieces = address.split(/(?=[?&#;])/);
  let isMasked = false;
  for (let i = 1; i < pieces.length; i += 1) {
    const piece = pieces[i] as string;
    const isPart: boolean = isMasked && (piece.startsWith("?") || piece.startsWith(";"));
    isMasked = isPart || isSecret(piece.slice(1));
    if (isPart) pieces[i] = "";
    else if (isMasked) pieces[i] = piece.charAt(0) + masked(piece.slice(1));
  }
  // A sentence goes on after the address that ends with a secret.
  return isMasked ? pieces.join("") + punctuationAfter(address) : pieces.join("");
}

function punctuationAfter(address: string): string {
  let end = address.length;
  while (end > 0 && ".,:!)]}".includes(address.charAt(end - 1))) end -= 1;
  return address.slice(end);
}

/** The name of a parameter as the one who reads it knows it. */
function nameOf(parameter: string): string {
  const name = parameter.slice(0, indexOf(parameter, /=/g, 0));
  if (!/[%+]/.test(name)) return name;
  for (const [decoded] of new URLSearchParams(name)) return decoded;
  return name;
}

/** @param parameter that is a secret. */
function masked(parameter: string): string {
  return `${parameter.slice(0, parameter.indexOf("="))}=${redacted}`;
}

/** Names of secrets, in lower case, without what is neither letter nor digit. */
const secretNames: ReadonlySet<string> = new Set(
  `accesstoken apitoken authtoken bearertoken csrftoken deploytoken devicetoken idtoken refreshtoken resettoken
  securitytoken sessiontoken sastoken token usertoken xamzsecuritytoken xsrftoken
  accesskey accesskeyid apikey appkey authkey awsaccesskeyid consumerkey key privatekey secretkey sharedkey signingkey
  subscriptionkey
  hmac sig sign
  auth assertion clientassertion code codeverifier cred creds jwt otp pass passcode passphrase passwd pin pw pwd
  samlresponse session sessionid sessid sid jsessionid phpsessid ticket`.split(/\s+/),
);
const secretEndings =
  /(?:secret|password|signature|credentials?|authorization|apikey|accesstoken)$/;
const maxNameLength = 128;

/**
 * Whether a parameter holds what commonly is a secret, by its name. A name that is longer than any such is told by its
 * end. Asterisks stand for what was masked before.
 */
function isSecret(parameter: string): boolean {
  const equals = parameter.indexOf("=");
  if (equals < 0 || !/[^*]/.test(parameter.slice(equals + 1))) return false;
  const name = nameOf(parameter)
    .slice(-maxNameLength)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "");
  return secretNames.has(name) || secretEndings.test(name);
}
