// The second copy of the package; see tests/harness/second_copy.ts.
declare module "isotel-second" {
  export * from "isotel";
}
declare module "isotel-second/ai" {
  export * from "isotel/ai";
}
declare module "isotel-second/metrics" {
  export * from "isotel/metrics";
}
declare module "isotel-second/otlp" {
  export * from "isotel/otlp";
}
declare module "isotel-second/opentelemetry" {
  export * from "isotel/opentelemetry";
}
