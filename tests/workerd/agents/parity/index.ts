import { wrapAISDK as wrapWithAgents } from "agents/observability/ai";
import * as aiV7 from "ai";
import * as aiV6 from "ai-v6";
import { wrapAISDK } from "../../../../dist/ai/index.js";
import { tracer } from "../../../../dist/index.js";
import type { Major } from "../../apps/ai_functions/outcomes.ts";
import type { Namespace } from "../../apps/ai_functions/subjects.ts";
import { routes } from "../../harness/routes.ts";
import { stringModels } from "./model.ts";
import { type Scenario, scenarios } from "./scenarios.ts";

const originals = { v6: aiV6, v7: aiV7 } as unknown as Readonly<Record<Major, Namespace>>;
(globalThis as { AI_SDK_LOG_WARNINGS?: boolean }).AI_SDK_LOG_WARNINGS = false;

/** Runs a scenario below a span, once for each observer. */
async function runBoth(name: string, scenario: Scenario, major: Major, options: object) {
  const observed = {
    agents: wrapWithAgents({ ...originals[major] }, options),
    isotel: wrapAISDK(originals[major], options),
  };
  const endings: unknown[] = [];
  for (const [side, ai] of Object.entries(observed)) {
    const ending = await tracer.withSpan(`${side}: ${name}`, {}, async () => {
      try {
        await scenario(ai as Namespace, major);
        return "fulfilled";
      } catch (error) {
        return String(error);
      }
    });
    endings.push(ending);
  }
  return [name, ...endings];
}

export default routes({
  "/run": async ({ searchParams }) => {
    const major = searchParams.get("major") as Major;
    const hasContent = searchParams.has("content");
    const options = hasContent ? { storeMessages: true, storeTools: true } : {};
    globalThis.AI_SDK_DEFAULT_PROVIDER = stringModels(major) as never;
    const all = Object.entries(scenarios).map(([name, scenario]) =>
      runBoth(name, scenario, major, options),
    );
    return Promise.all(all);
  },
});
