import { resolverMetrics } from "isotel/metrics";
import { BadRequest } from "../bad_request.ts";
import { resolveFlag } from "./flags.ts";

const metrics = resolverMetrics({ resolverId: "reference", bucketsPerDecade: 6, baseUnits: true });

/** Answers `/resolve`. The request only takes two timestamps. Metrics are recorded after the response. */
export function resolve(url: URL, context: ExecutionContext): Response {
  const flag = url.searchParams.get("flag") ?? "";
  if (flag === "") throw new BadRequest("The query parameter `flag` is missing or empty.");
  const start = performance.now();
  const resolution = resolveFlag({
    flag,
    targetingKey: url.searchParams.get("targeting_key") ?? "",
    country: url.searchParams.get("country") ?? "",
  });
  const end = performance.now();
  context.waitUntil(record(end - start, resolution.reason));
  return Response.json(resolution);
}

async function record(
  milliseconds: number,
  reason: Parameters<typeof metrics.resolved>[1],
): Promise<void> {
  metrics.resolved(milliseconds * 1000, reason);
}
