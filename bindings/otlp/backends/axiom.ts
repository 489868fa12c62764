import type { Preset } from "./preset.ts";
import type { Settings } from "./settings.ts";

const edges = {
  none: "https://api.axiom.co",
  "us-east-1": "https://us-east-1.aws.edge.axiom.co",
  "eu-central-1": "https://eu-central-1.aws.edge.axiom.co",
} as const;

/** https://axiom.co/docs/send-data/opentelemetry */
export function axiom(settings: Settings): Preset {
  const token = settings.neededHeader("token", "AXIOM_TOKEN");
  const dataset = wantsMetricsOnly(settings)
    ? ""
    : settings.neededHeader("dataset", "AXIOM_DATASET");
  const metricsDataset = settings.optionalHeader("metricsDataset");
  const edge = settings.option("edge");
  const edgeNames = ["us-east-1", "eu-central-1"] as const;
  const address =
    edges[edge === undefined ? "none" : settings.choice("edge", edge, edgeNames, "us-east-1")];
  const inDataset = { headers: { "x-axiom-dataset": dataset } };
  return {
    base: { what: "edge", address },
    headers: { authorization: `Bearer ${token}` },
    signals: {
      traces: inDataset,
      logs: inDataset,
      metrics: {
        format: "protobuf",
        headers: { "x-axiom-metrics-dataset": metricsDataset ?? "" },
        refusal:
          metricsDataset === undefined
            ? "Axiom keeps metrics in a dataset of their own: give the option metricsDataset"
            : undefined,
      },
    },
  };
}

function wantsMetricsOnly(settings: Settings): boolean {
  const signals = settings.option("signals");
  return Array.isArray(signals) && signals.length === 1 && signals[0] === "metrics";
}
