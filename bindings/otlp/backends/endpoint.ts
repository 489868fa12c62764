import type { Signal } from "./backend.ts";
import type { Settings } from "./settings.ts";

const signalPath = /\/v1\/(?:traces|logs|metrics)$/;

/**
 * The address of a signal under a base, or undefined where there is something wrong with it, which is then noted.
 *
 * @param what what to call the base: an option or a variable.
 * @param base any path and query are kept; one that ends with a signal's path already is taken without it.
 */
export function endpointUnder(
  settings: Settings,
  what: string,
  base: string,
  signal: Signal,
): string | undefined {
  const url = checkedUrl(settings, what, base);
  if (url === undefined) return undefined;
  const path = url.pathname.replace(/\/+$/, "").replace(signalPath, "");
  url.pathname = `${path}/v1/${signal}`;
  return url.href;
}

/** An address that is used as it stands. */
export function wholeEndpoint(
  settings: Settings,
  what: string,
  address: string,
): string | undefined {
  return checkedUrl(settings, what, address)?.href;
}

/** Addresses may hold keys: nothing of one is told but its host. */
function checkedUrl(settings: Settings, what: string, address: string): URL | undefined {
  const url = URL.parse(address);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    settings.refuse(`${what} has to be an address that begins with https://`);
    return undefined;
  }
  if (url.username !== "" || url.password !== "") {
    settings.refuse(`${what} must not hold a user name or password: give them as headers`);
    return undefined;
  }
  if (url.protocol === "http:" && !isLoopback(url) && settings.option("allowInsecure") !== true) {
    settings.refuse(
      `${what} is plain http to ${url.hostname}, where keys and data would travel unencrypted: ` +
        "use https, or set allowInsecure",
    );
    return undefined;
  }
  url.hash = "";
  return url;
}

function isLoopback({ hostname }: URL): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    /^127(?:\.\d{1,3}){3}$/.test(hostname)
  );
}
