import { cleanValue } from "../../base/address.ts";
import type { OptionNames } from "../../base/options.ts";
import { nodeVersion, type Platform, platform } from "../../base/platform.ts";
import { reportOnce } from "../../base/report_once.ts";
import { shapeOf } from "../../base/values.ts";
import type { Attributes } from "../../trace/span_runtime.ts";
import type { Settings } from "./settings.ts";

/** Options that describe the program. */
export interface ResourceOptions {
  /**
   * `service.name`. Default: the variable OTEL_SERVICE_NAME, else `service.name` in OTEL_RESOURCE_ATTRIBUTES, else
   * `unknown_service`.
   */
  readonly serviceName?: string | undefined;
  /** `service.version`. */
  readonly serviceVersion?: string | undefined;
  /** `deployment.environment.name`, such as `production`. */
  readonly environment?: string | undefined;
  /** Further resource attributes. */
  readonly resource?: Attributes | undefined;
}

export const resourceOptionNames: OptionNames<ResourceOptions> = {
  serviceName: true,
  serviceVersion: true,
  environment: true,
  resource: true,
};

/** On Node, those of OpenTelemetry's SDK for Node. */
const platformAttributes: Readonly<Record<Platform, Attributes>> = {
  workers: { "cloud.provider": "cloudflare", "cloud.platform": "cloudflare.workers" },
  node: { "process.runtime.name": "nodejs", "process.runtime.description": "Node.js" },
  other: {},
};

/** Returns the resource attributes without the secrets in URLs. Records problems in `settings`. */
export function resourceOf(settings: Settings): Attributes {
  const given = settings.option("resource");
  if (given !== undefined && (typeof given !== "object" || given === null)) {
    settings.refuse(`resource is ${shapeOf(given)}; it has to be an object of attributes`);
  }
  const where = platform();
  const attributes = {
    "service.name": "unknown_service",
    ...platformAttributes[where],
    ...(where === "node" ? named("process.runtime.version", nodeVersion()) : {}),
    ...Object.fromEntries(settings.pairs("OTEL_RESOURCE_ATTRIBUTES", ignored)),
    ...named("service.name", settings.variable("OTEL_SERVICE_NAME")),
    ...(given as Attributes | undefined),
    ...named("service.name", settings.text("serviceName")),
    ...named("service.version", settings.text("serviceVersion")),
    ...named("deployment.environment.name", settings.text("environment")),
    "telemetry.sdk.name": "isotel",
    "telemetry.sdk.language": where === "node" ? "nodejs" : "webjs",
  };
  const clean = Object.entries(attributes).map(([key, value]) => [
    key,
    cleanValue(key, value, undefined),
  ]);
  return Object.fromEntries(clean) as Attributes;
}

/** The specification asks to discard the variable and to report it. The export goes on. */
function ignored(problem: string): void {
  reportOnce(`isotel: ${problem}. It is ignored`);
}

function named(key: string, value: string | undefined): Attributes {
  return value === undefined ? {} : { [key]: value };
}
