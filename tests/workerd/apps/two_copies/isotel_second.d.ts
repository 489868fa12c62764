// The second copy of the package; see tests/harness/second_copy.ts.
declare module "isotel-second" {
  export * from "isotel";
}
declare module "isotel-second/ai" {
  export * from "isotel/ai";
}
