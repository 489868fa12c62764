/** Whether an Accept-Encoding header prefers gzip to no encoding at all. */
export function wantsGzip(acceptEncoding: string | null): boolean {
  const weights = new Map<string, number>();
  for (const element of (acceptEncoding ?? "").split(",")) {
    const [coding = "", ...parameters] = element
      .split(";")
      .map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => /^q\s*=/.test(parameter))?.split("=")[1];
    // What is no number is no wish.
    if (coding !== "") weights.set(coding, weight === undefined ? 1 : Number(weight) || 0);
  }
  const gzip = weights.get("gzip") ?? weights.get("x-gzip") ?? weights.get("*") ?? 0;
  return gzip > 0 && gzip >= (weights.get("identity") ?? 0);
}
