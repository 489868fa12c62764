import * as ai from "ai";
import { tracer } from "isotel";
import { wrapAISDK } from "isotel/ai";
import { routes } from "../../harness/routes.ts";

// What the SDK itself does is of no interest here, and would take most of the time.
const stub = {
  ...ai,
  generateText: async (settings: Parameters<typeof ai.generateText>[0]) => {
    await Promise.resolve();
    return settings.prompt;
  },
};
const { generateText } = wrapAISDK(stub as never) as unknown as typeof stub;

async function call(index: number): Promise<void> {
  const name = `span_${index % 100}`;
  await tracer.withSpan(name, { "app.index": index, "app.text": "x".repeat(index % 50) }, () =>
    generateText({
      model: "provider/model",
      prompt: `prompt ${index}`,
      telemetry: { functionId: `agent_${index % 100}` },
    }),
  );
}

export default routes({
  "/calls": async (url) => {
    const start = Number(url.searchParams.get("start"));
    const count = Number(url.searchParams.get("count"));
    for (let index = start; index < start + count; index += 1) {
      await call(index);
    }
    return tracer.diagnostics();
  },
});
