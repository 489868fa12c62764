// A shop whose requests go through everything a Worker can call. It exports nothing itself: whoever follows it does.
import { env as bindings, DurableObject } from "cloudflare:workers";
import * as ai from "ai";
import { isStepCount } from "ai";
import { tracer, withTelemetry } from "isotel";
import { wrapAISDK } from "isotel/ai";
import { scriptedModel } from "../../../../worker/model/scripted_model.ts";
import { routes } from "../../harness/routes.ts";

interface Env {
  readonly SHOP_KV: KVNamespace;
  readonly SHIPPING: Queue<string>;
  readonly BASKET: DurableObjectNamespace<BasketClass>;
  readonly STOCK: Fetcher;
  readonly PROVIDER: Fetcher;
}

const shop = bindings as unknown as Env;

class BasketClass extends DurableObject<Env> {
  override async fetch(): Promise<Response> {
    await this.ctx.storage.put("item", "lamp");
    return tracer.withSpan("weigh", { "app.grams": 840 }, async () => {
      await scheduler.wait(1);
      return new Response("weighed");
    });
  }

  async reserve(item: string): Promise<string> {
    await tracer.withSpan("mark", { "app.item": item }, () => scheduler.wait(1));
    await this.ctx.storage.setAlarm(Date.now());
    return item;
  }

  override async alarm(): Promise<void> {
    await tracer.withSpan("expire", {}, () => scheduler.wait(1));
  }
}

export const Basket = withTelemetry(BasketClass);

const { generateText } = wrapAISDK(ai);

async function recommend(provider: Fetcher): Promise<string> {
  const { text } = await generateText({
    model: scriptedModel(provider),
    prompt: "What is the weather in Lisbon?",
    tools: {
      lookup_weather: ai.tool({
        inputSchema: ai.jsonSchema<{ city: string }>({ type: "object" }),
        execute: async () => ({ celsius: 20 }),
      }),
      convert_temperature: ai.tool({
        inputSchema: ai.jsonSchema<{ celsius: number }>({ type: "object" }),
        execute: (): Promise<object> => Promise.reject(new RangeError("No scale.")),
      }),
    },
    stopWhen: isStepCount(5),
    telemetry: { functionId: "shop-assistant" },
  });
  return text;
}

/** One request through KV, a queue, a Durable Object, another Worker and a model. */
function order(): Promise<string> {
  return tracer.withSpan("place_order", { "app.plan": "pro" }, async (span) => {
    await shop.SHOP_KV.put("last", "lamp");
    const item = (await shop.SHOP_KV.get("last")) ?? "nothing";
    const basket = shop.BASKET.get(shop.BASKET.idFromName("basket"));
    await (await basket.fetch("https://basket.example/weigh")).text();
    await basket.reserve(item);
    await (await shop.STOCK.fetch("https://stock.example/take?item=lamp")).text();
    const text = await recommend(shop.PROVIDER);
    await shop.SHIPPING.send(item);
    console.warn("ordered", item);
    span.setAttributes({ "app.words": text.split(" ").length, "app.gift": true });
    return text;
  });
}

/** Six spans, the request's own and that of the stock included. */
function look(item: string): Promise<string> {
  return tracer.withSpan("look", { "app.item": item }, async () => {
    await shop.SHOP_KV.get(item);
    return (await shop.STOCK.fetch(`https://stock.example/take?item=${item}`)).text();
  });
}

function burst(count: number): number {
  let traced = 0;
  for (let i = 0; i < count; i += 1) {
    traced += tracer.withSpan("one", { "app.i": i }, (span) => Number(span.isTraced));
  }
  return traced;
}

const app = routes({
  "/order": order,
  "/look": (url) => look(url.searchParams.get("item") ?? ""),
  "/burst": (url) => burst(Number(url.searchParams.get("count"))),
  "/failed_span": () =>
    tracer
      .withSpan("charge", { "app.card": "expired" }, () =>
        Promise.reject(new TypeError("Expired.")),
      )
      .catch((cause: Error) => cause.name),
  "/diagnostics": () => tracer.diagnostics(),
});

export default withTelemetry({
  async fetch(request, env, ctx): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/throws") throw new RangeError("out of stock");
    if (pathname === "/rejects") {
      ctx.waitUntil(Promise.reject(new RangeError("out of stock")));
      return new Response("accepted");
    }
    return (await app.fetch?.(request as never, env, ctx)) as Response;
  },
  async queue(batch, env): Promise<void> {
    await tracer.withSpan("ship", { "app.orders": batch.messages.length }, async () => {
      await env.SHOP_KV.get("last");
    });
  },
  async scheduled(): Promise<void> {
    await tracer.withSpan("restock", {}, () => scheduler.wait(1));
  },
} satisfies ExportedHandler<Env, string>);
