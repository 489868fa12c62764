// The package as a later release will have it; see tests/workerd/harness/next_build.ts.
declare module "isotel-next" {
  export * from "isotel";
}
declare module "isotel-next/aggregator" {
  export * from "isotel/aggregator";
}
declare module "isotel-next/metrics" {
  export * from "isotel/metrics";
}
