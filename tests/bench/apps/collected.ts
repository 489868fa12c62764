import { tracer } from "../../../dist/index.js";

const cities = ["Lisbon", "New York", "Nairobi", "Osaka"];

/** Ten attributes, with the types that platform spans and custom spans have together. */
function work(index: number): void {
  const attributes = {
    "db.system.name": "cloudflare-kv",
    "db.operation.name": "get",
    "cloudflare.binding.name": "SHOP_KV",
    "cloudflare.binding.type": "KV",
    "cloudflare.kv.query.keys": `order-${index}`,
    "cloudflare.kv.query.keys.count": 1,
    "cloudflare.kv.response.size": 10 * index,
    "app.ratio": index / 7,
    "app.city": cities[index % cities.length] as string,
    "app.is_gift": true,
  };
  tracer.withSpan("kv_get", attributes, () => {});
}

/** A Worker that opens the requested number of spans in each request, in addition to the span of the invocation. */
// biome-ignore lint/style/noDefaultExport: the runtime requires it.
export default {
  fetch(request) {
    const count = Number(new URL(request.url).searchParams.get("spans"));
    for (let i = 0; i < count; i += 1) work(i);
    return new Response(String(count));
  },
} satisfies ExportedHandler;
