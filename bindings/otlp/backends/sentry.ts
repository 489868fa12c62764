import type { Preset } from "./preset.ts";
import type { Settings } from "./settings.ts";

/** https://docs.sentry.io/concepts/otlp/ */
export function sentry(settings: Settings): Preset {
  const dsn = settings.needed("dsn", "SENTRY_DSN");
  const parsed = dsn === "" ? undefined : parseDsn(dsn);
  if (dsn !== "" && parsed === undefined) {
    settings.refuse(
      "dsn (the option dsn or the variable SENTRY_DSN) has to be of the form https://{key}@{host}/{project}",
    );
  }
  return {
    base: parsed && { what: "dsn", address: parsed.address },
    headers: { "x-sentry-auth": `sentry sentry_key=${parsed?.key ?? ""}` },
    signals: { metrics: { refusal: "Sentry takes no metrics over OTLP" } },
  };
}

/** A DSN may have a path before the project, and the secret of older ones after the key. */
function parseDsn(dsn: string): { readonly key: string; readonly address: string } | undefined {
  const url = URL.parse(dsn);
  if (url === null || !/^[0-9A-Za-z_-]+$/.test(url.username)) return undefined;
  const path = /^(.*)\/([0-9A-Za-z_-]+)\/?$/.exec(url.pathname);
  if (path === null) return undefined;
  const [, prefix = "", project = ""] = path;
  const address = `${url.protocol}//${url.host}${prefix}/api/${project}/integration/otlp`;
  return { key: url.username, address };
}
