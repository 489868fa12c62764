import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { readMetricsOptions } from "../../../bindings/metrics_export/read_metrics_options.ts";
import { resolveBackend } from "../../../bindings/otlp/backends/resolve_backend.ts";
import { makePipeline, systemEnvironment } from "../../../bindings/otlp/pipeline/make_pipeline.ts";
import type { OtlpOptions } from "../../../bindings/otlp/pipeline/options.ts";
import { readExportOptions } from "../../../bindings/otlp/pipeline/read_export_options.ts";
import * as openTelemetry from "../../otlp/opentelemetry_environment.ts";
import { Random } from "../../wasm/support/random.ts";

const options: OtlpOptions = { backend: "custom", endpoint: "https://otel.example" };

let said: string[] = [];
beforeEach(() => {
  said = [];
  mock.method(console, "error", (line: string) => void said.push(line));
});
afterEach(() => mock.restoreAll());

function decisionOf(env: openTelemetry.Variables, more: Partial<OtlpOptions> = {}) {
  const plan = readExportOptions({ ...options, ...more } as OtlpOptions, env);
  return makePipeline(plan, systemEnvironment(Date.now, undefined)).samples;
}

function traceIdOf(random: Random): string {
  const digits = Array.from({ length: 4 }, () => random.bits().toString(16).padStart(8, "0"));
  return digits.join("");
}

describe("OTEL_TRACES_SAMPLER", () => {
  const names = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
    "",
    "unknown",
    "parentbased_jaeger_remote",
  ];
  const ratios = ["0", "1", "0.5", "0.001", "1e-1", " 0.25 ", "", "-1", "1.1", "half", "NaN"];
  for (const name of names) {
    test(`${JSON.stringify(name)} decides as OpenTelemetry's SDK does, for any argument and parent`, () => {
      const random = new Random(1);
      for (const ratio of ratios) {
        const env = { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: ratio };
        const own = decisionOf(env);
        const theirs = openTelemetry.samplerOf(env);
        for (let i = 0; i < 100; i += 1) {
          const traceId = traceIdOf(random);
          for (const flags of [undefined, 0, 1]) {
            const what = `${name} ${ratio} ${traceId} ${flags}`;
            assert.equal(own(traceId, flags), theirs(traceId, flags), what);
          }
        }
      }
    });
  }

  test("is read in any case, and an option wins", () => {
    assert.equal(decisionOf({ OTEL_TRACES_SAMPLER: "Always_OFF" })("1".repeat(32), 1), false);
    const decide = decisionOf({ OTEL_TRACES_SAMPLER: "always_off" }, { sampleRatio: 1 });
    assert.equal(decide("1".repeat(32)), true);
    assert.equal(decide("1".repeat(32), 0), false, "the option keeps a parent's decision");
  });

  test("with an unknown value is reported once, without the value", () => {
    for (let i = 0; i < 2; i += 1) decisionOf({ OTEL_TRACES_SAMPLER: "s3cret" });
    assert.equal(said.length, 1);
    assert.match(said[0] ?? "", /OTEL_TRACES_SAMPLER is a string of 6 characters; .*traceidratio/);
    decisionOf({ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "s3cret!" });
    assert.match(said[1] ?? "", /OTEL_TRACES_SAMPLER_ARG is a string of 7 .*from 0 to 1/);
    assert.doesNotMatch(said.join(), /s3cret/);
  });
});

describe("OTEL_RESOURCE_ATTRIBUTES", () => {
  const resourceOf = (value: string) =>
    readExportOptions(options, { OTEL_RESOURCE_ATTRIBUTES: value }).resource;
  const added = (value: string) => {
    const base = resourceOf("");
    return Object.fromEntries(
      Object.entries(resourceOf(value)).filter(([key, one]) => base[key] !== one),
    );
  };

  test("is read as OpenTelemetry's SDK does, for generated pairs", () => {
    const random = new Random(2);
    const texts = ["a", "b.c", "Ü", " ", "=", ",", "%", "/x/y", "\u{1f600}", "0", "-"];
    for (let i = 0; i < 500; i += 1) {
      const pairs = Array.from({ length: 1 + random.below(4) }, (_, n) => {
        const value = Array.from({ length: random.below(5) }, () => random.pick(texts)).join("");
        return `${random.pick(["", " "])}app.key${n}${random.pick(["", " "])}=${encodeURIComponent(value)}`;
      });
      const value = pairs.join(",");
      const theirs = openTelemetry.resourceOf({ OTEL_RESOURCE_ATTRIBUTES: value });
      assert.deepEqual(added(value), theirs, value);
    }
    assert.deepEqual(said, []);
  });

  test("is discarded as a whole if a pair is invalid, and reported once; the export goes on", () => {
    for (const value of ["app.a=1,app.b=%zz", "app.a=1,s3cret", "app.a=1,=s3cret", "%=s3cret"]) {
      assert.deepEqual(added(value), {}, value);
    }
    assert.equal(said.length, 1);
    assert.match(said[0] ?? "", /OTEL_RESOURCE_ATTRIBUTES has to be key=value.* It is ignored/);
    assert.doesNotMatch(said.join(), /s3cret/);
  });
});

describe("the resource on Node", () => {
  test("has the attributes of OpenTelemetry's SDK for Node, and none of Cloudflare", () => {
    const { resource } = readExportOptions(options, {});
    const theirs = openTelemetry.runtimeAttributes();
    assert.equal(Object.keys(theirs).length, 4);
    assert.deepEqual(resource, {
      ...theirs,
      "service.name": "unknown_service",
      "telemetry.sdk.name": "isotel",
    });
  });

  test("gives way to what the program says about itself", () => {
    const env = { OTEL_RESOURCE_ATTRIBUTES: "cloud.provider=aws,process.runtime.name=x" };
    const { resource } = readExportOptions(options, env);
    assert.deepEqual([resource["cloud.provider"], resource["process.runtime.name"]], ["aws", "x"]);
  });
});

describe("OTEL_SDK_DISABLED", () => {
  test("true switches all exports off, in any case, even if a key is missing", () => {
    for (const value of ["true", "TRUE", " True "]) {
      const env = { OTEL_SDK_DISABLED: value };
      assert.deepEqual(readExportOptions({ backend: "honeycomb" }, env).backends, []);
      assert.deepEqual(readMetricsOptions({ backend: "honeycomb" }, env).targets, []);
    }
  });

  test("any other value does not", () => {
    for (const value of ["", "false", "1", "yes", "t"]) {
      const env = { OTEL_SDK_DISABLED: value };
      assert.equal(readExportOptions(options, env).backends.length, 1);
      assert.equal(readMetricsOptions(options, env).targets.length, 1);
    }
  });
});

describe("one error", () => {
  const refusal = (wrong: object, env: object = {}) => {
    try {
      resolveBackend(wrong as never, env as never);
    } catch (cause) {
      return (cause as Error).message;
    }
    return "";
  };

  test("names everything that is invalid beside an invalid endpoint", () => {
    const message = refusal({
      ...{ backend: "custom", endpoint: "s3cret", compression: "zip", format: "xml" },
      ...{ timeoutMs: -1, maxBytes: 1, headers: { "a b": "s3cret" } },
    });
    for (const name of ["endpoint", "compression", "format", "timeoutMs", "maxBytes", "headers"]) {
      assert.ok(message.includes(name), `${name}: ${message}`);
    }
    assert.doesNotMatch(message, /s3cret/);
  });

  test("about a missing DSN has one clause", () => {
    const message = refusal({ backend: "sentry", signals: ["traces", "logs"] });
    assert.match(message, /cannot be used: dsn is missing: .* SENTRY_DSN$/);
  });

  test("an empty header value is no error", () => {
    const env = { OTEL_EXPORTER_OTLP_HEADERS: "x-key=,x-other=a" };
    const { traces } = resolveBackend(
      { ...options, headers: { "x-empty": "" } } as never,
      env,
    ).destinations;
    assert.deepEqual(traces?.headers, { "x-key": "", "x-other": "a", "x-empty": "" });
  });
});
