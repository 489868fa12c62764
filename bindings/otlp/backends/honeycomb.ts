import type { Preset } from "./preset.ts";
import type { Settings } from "./settings.ts";

const hosts = { us: "https://api.honeycomb.io", eu: "https://api.eu1.honeycomb.io" } as const;

/** Keys of Honeycomb Classic: for configuration, and for ingestion only. */
const classicKey = /^(?:[0-9a-f]{32}|hc[a-z]ic_[0-9a-z]{58})$/;

/** https://docs.honeycomb.io/send-data/opentelemetry/ */
export function honeycomb(settings: Settings): Preset {
  const apiKey = settings.neededHeader("apiKey", "HONEYCOMB_API_KEY");
  const dataset = settings.optionalHeader("dataset", "HONEYCOMB_DATASET");
  const isClassic = classicKey.test(apiKey);
  if (isClassic && dataset === undefined) {
    settings.refuse(
      "dataset is missing, which a Classic key needs: give the option dataset or the variable HONEYCOMB_DATASET",
    );
  }
  const region = settings.option("region");
  const fromVariable =
    region === undefined ? settings.variable("HONEYCOMB_API_ENDPOINT") : undefined;
  const host = hosts[settings.choice("region", region, ["us", "eu"], "us")];
  const inDataset = dataset === undefined ? {} : { "x-honeycomb-dataset": dataset };
  const noDataset =
    "Honeycomb needs a dataset for metrics: the option dataset or the variable HONEYCOMB_DATASET";
  return {
    base: {
      what: fromVariable === undefined ? "region" : "HONEYCOMB_API_ENDPOINT",
      address: fromVariable ?? host,
    },
    headers: { "x-honeycomb-team": apiKey, ...(isClassic ? inDataset : {}) },
    signals: {
      metrics: { headers: inDataset, refusal: dataset === undefined ? noDataset : undefined },
    },
  };
}
