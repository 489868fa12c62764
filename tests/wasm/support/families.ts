import { MetricKind } from "../../../bindings/core/abi.gen.ts";
import type { Family } from "./producer.ts";

export const orders: Family = { name: "orders", labels: ["plan"] };
export const latency: Family = {
  name: "latency",
  kind: MetricKind.histogram,
  labels: ["plan"],
  bounds: [1, 10, 100],
};
export const size: Family = {
  name: "size",
  kind: MetricKind.exponentialHistogram,
  labels: ["plan"],
};
